"""Webhooks: what somebody wants to be told is sent to them by HTTP, signed, until it has arrived."""
