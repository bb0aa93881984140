"""The keys in force, at hand: those of the store, read again every second, and the one of the configuration.

A key that was made or revoked in another process is known here within `FRESH_SECONDS`.
"""

import asyncio
import hmac
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datacat_server.access.scopes import Scope
from datacat_server.access.tokens import digest, id_of
from datacat_server.store.errors import StoreError
from datacat_server.store.keys import KeyStore, StoredKey

FRESH_SECONDS = 1.0
USE_NOTED_EVERY = timedelta(minutes=10)
CONFIGURED = "config"
"""In the place of an id: the `api_key` of the configuration."""

_log = logging.getLogger("datacat.access")
_NO_DIGEST = bytes(32)


@dataclass(frozen=True)
class Key:
    """A key in force: its id, its name, its scopes, and its SHA-256."""

    id: str
    name: str
    scopes: frozenset[str]
    digest: bytes


class Keyring:
    """Finds keys, in the event loop. What it is asked it answers from memory; `refresh` comes first."""

    def __init__(self, store: KeyStore, configured: str | None) -> None:
        self._store = store
        name = "api_key of the configuration"
        self.configured = Key(CONFIGURED, name, frozenset(Scope), digest(configured)) if configured else None
        self._stored: dict[str, StoredKey] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._noted: dict[str, datetime] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def refresh(self, age: float = FRESH_SECONDS) -> None:
        """Read the keys of the store if the last reading is older than `age`, in seconds. Raises StoreError."""
        oldest = time.monotonic() - age
        if self._read_at >= oldest:
            return
        async with self._reading:
            if self._read_at >= oldest:
                return  # by another request, while this one waited
            began = time.monotonic()
            self._stored = {key.id: key for key in await asyncio.to_thread(self._store.api_keys)}
            self._read_at = began

    def may_be_new(self, token: str) -> bool:
        """Whether this has the form of a key, and an id that the store did not have when it was read last."""
        key_id = id_of(token)
        return key_id is not None and key_id not in self._stored

    def find(self, token: str) -> Key | None:
        """The key of the store that this is, if it is in force."""
        return self._usable(self._same(token))

    def is_configured(self, token: str) -> bool:
        """Whether this is the key of the configuration."""
        expected = self.configured.digest if self.configured else _NO_DIGEST
        return hmac.compare_digest(digest(token), expected)

    def with_id(self, key_id: str) -> Key | None:
        """The key in force with this id."""
        if key_id == CONFIGURED:
            return self.configured
        return self._usable(self._stored.get(key_id))

    def revoked_name(self, token: str) -> str | None:
        """The name of the revoked key that this was, if it was one."""
        stored = self._same(token)
        return stored.name if stored and stored.revoked else None

    def _same(self, token: str) -> StoredKey | None:
        """The key that this is, in force or not, found out in a time that tells nothing about secrets."""
        stored = self._stored.get(id_of(token) or "")
        right = hmac.compare_digest(digest(token), stored.digest if stored else _NO_DIGEST)
        return stored if right else None

    def _usable(self, stored: StoredKey | None) -> Key | None:
        if stored is None or stored.revoked is not None:
            return None
        self._note_use(stored)
        return Key(stored.id, stored.name, frozenset(stored.scopes), stored.digest)

    def _note_use(self, key: StoredKey) -> None:
        now = datetime.now(UTC)
        noted = self._noted.get(key.id, key.last_used)
        if noted is None or now - noted >= USE_NOTED_EVERY:
            self._noted[key.id] = now
            task = asyncio.create_task(self._write_use(key.id, now))
            self._noting.add(task)
            task.add_done_callback(self._noting.discard)

    async def _write_use(self, key_id: str, at: datetime) -> None:
        try:
            await asyncio.to_thread(self._store.note_key_uses, {key_id: at})
        except StoreError as error:
            # A disk that is full must not keep those out who have a key.
            _log.warning("when keys were last used could not be noted: %s", error)
