"""Answers out of the tables, for readers only."""
