"""The keys themselves: `dc_<id>_<secret>`.

The id, 12 hexadecimal digits, is no secret: lists and logs name the key by it. The secret is 256 random bits, so the
whole key is stored as its plain SHA-256: there is nothing to try out that a slow hash would make harder. The form is
fixed, so that a key that got into a text or a repository can be found and recognised.
"""

import hashlib
import re
import secrets

_FORM = re.compile(r"dc_([0-9a-f]{12})_[0-9a-f]{64}")


def new_token() -> tuple[str, str]:
    """The id of a new key, and the key."""
    key_id = secrets.token_hex(6)
    return key_id, f"dc_{key_id}_{secrets.token_hex(32)}"


def id_of(token: str) -> str | None:
    """The id in a key of this form; None for anything else."""
    found = _FORM.fullmatch(token)
    return found[1] if found else None


def digest(token: str) -> bytes:
    """What is kept of a key: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
