"""What a browser holds once it has given a key: a signed note of the key's id and an end, never the key.

The signature covers the digest of the key, too. So a note ends with its time, with the key being revoked, and with
another key taking its place; and the secret of the data folder alone, without the data, makes none.
"""

import base64
import hmac
import time
from hashlib import sha256

from datacat_server.access.admission import Admission
from datacat_server.access.keyring import Key

SIGN_IN_SECONDS = 30 * 86400
FORM_SECONDS = 86400


class Signer:
    """Signs with one secret, and knows its own signatures again."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign_in(self, key: Key) -> str:
        """The note for a browser that has just given a key: `<id>.<end>.<signature>`, the end in seconds since 1970."""
        note = f"{key.id}.{int(time.time()) + SIGN_IN_SECONDS}"
        return f"{note}.{self._signature('sign-in', note.encode(), key.digest)}"

    async def signed_in(self, note: str, admission: Admission) -> tuple[Key, int] | None:
        """The key in force that a note stands for, and the note's end; None where it holds no longer, or never did.

        Raises StoreError where the keys cannot be read.
        """
        said, _, signature = note.rpartition(".")
        key_id, _, end = said.partition(".")
        if not (end.isascii() and end.isdigit() and len(end) < 12) or int(end) <= time.time():
            return None
        key = await admission.key_with_id(key_id)
        expected = self._signature("sign-in", said.encode("utf-8", "replace"), key.digest if key else b"")
        right = hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode())
        return (key, int(end)) if key and right else None

    def form_token(self, browser: str) -> str:
        """What a form carries to show that one of our own pages sent it, to the browser that has this cookie."""
        end = str(int(time.time()) + FORM_SECONDS)
        return f"{end}.{self._signature('form', end.encode(), browser.encode())}"

    def is_form_token(self, token: str, browser: str) -> bool:
        """Whether a form carries a token of this browser's that has not run out."""
        end, _, signature = token.partition(".")
        if not (browser and end.isascii() and end.isdigit() and len(end) < 12) or int(end) <= time.time():
            return False
        expected = self._signature("form", end.encode(), browser.encode("utf-8", "replace"))
        return hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode())

    def _signature(self, purpose: str, *parts: bytes) -> str:
        # Every part with its length before it, so that no two lists of parts are signed alike.
        message = b"".join(len(part).to_bytes(4, "big") + part for part in (purpose.encode(), *parts))
        return base64.urlsafe_b64encode(hmac.digest(self._secret, message, sha256)).decode().rstrip("=")
