"""The signature by which a receiver knows who sent something, and when."""

import hashlib
import hmac


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """`X-DataCat-Signature` of a body that is sent at a time (seconds since 1970): HMAC-SHA256 of `timestamp.body`."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"
