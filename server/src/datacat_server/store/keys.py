"""What a storage engine keeps of API keys: never a key itself, only what it is recognised by."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class StoredKey(Struct, kw_only=True, frozen=True):
    """One key. `digest` is the SHA-256 of the whole key; `last_used` is coarse; `revoked` is null while it holds."""

    id: str
    name: str
    scopes: tuple[str, ...]
    digest: bytes
    created: datetime
    last_used: datetime | None = None
    revoked: datetime | None = None


class NameTaken(ValueError):
    """A key of this name is in force already."""


class UnknownKey(LookupError):
    """No key in force has this name or id."""


class KeyStore(Protocol):
    """API keys, durably. Every call is safe from any thread, and may raise StoreError as those of a Store do."""

    def add_key(self, key: StoredKey) -> None:
        """Keep a new key. Raises NameTaken."""
        ...

    def api_keys(self) -> list[StoredKey]:
        """All keys, revoked ones too, in the order in which they were made."""
        ...

    def revoke_key(self, name: str, at: datetime) -> StoredKey:
        """End the key in force that has this name, or this id. Raises UnknownKey."""
        ...

    def note_key_uses(self, uses: Mapping[str, datetime]) -> None:
        """Note when keys, by their ids, were last used."""
        ...
