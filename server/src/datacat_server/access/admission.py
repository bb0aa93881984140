"""Whether a request is let in, by the key that it brings."""

import logging

from datacat_server.access.attempts import Attempts
from datacat_server.access.keyring import CONFIGURED, Key, Keyring
from datacat_server.access.scopes import Scope, permits
from datacat_server.config import Config
from datacat_server.store.keys import KeyStore

_log = logging.getLogger("datacat.access")


class Refused(Exception):
    """The request is not let in; the message says what to do."""


class NoKey(Refused):
    """It brought no key, or a wrong one."""


class WrongScope(Refused):
    """Its key is right, but not for this."""


class TooManyAttempts(Refused):
    """Too many wrong keys came from its address. `seconds`: when it may try again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many wrong keys came from this address; try again in {seconds} s")
        self.seconds = seconds


class Admission:
    """Checks keys for one application. `required`: whether a key is asked for at all.

    While an address has spent its attempts, a key of the store still opens: nobody finds one by trying. The `api_key`
    of the configuration, which somebody thought up, does not.
    """

    def __init__(self, store: KeyStore, config: Config) -> None:
        self.required = config.require_api_key
        self._keyring = Keyring(store, config.api_key)
        self._attempts = Attempts()

    async def check(self, authorization: str, address: str, needed: Scope) -> None:
        """Raises NoKey, WrongScope, TooManyAttempts or StoreError where `Authorization: Bearer <key>` is not enough."""
        if not self.required:
            return
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise NoKey("the API key is missing; send it as Authorization: Bearer <key>")
        check_scope(await self.key(token, address), needed)

    async def key(self, token: str, address: str) -> Key:
        """The key in force that this is. Raises NoKey, TooManyAttempts or StoreError."""
        wait = self._attempts.wait(address)
        configured = self._keyring.configured
        if configured and not wait and self._keyring.is_configured(token):
            return configured  # without a look into the store, which may be what is wrong
        await self._keyring.refresh()
        if self._keyring.may_be_new(token):
            await self._keyring.refresh(0)  # a key can be used as soon as it is made
        if (key := self._keyring.find(token)) is not None:
            return key
        self._count(token, address)
        if wait:
            raise TooManyAttempts(wait)
        raise NoKey("the API key is wrong or was revoked; `datacat keys` on the server's machine makes another")

    async def key_with_id(self, key_id: str) -> Key | None:
        """The key in force with this id. Raises StoreError."""
        if key_id != CONFIGURED:
            await self._keyring.refresh()
        return self._keyring.with_id(key_id)

    def _count(self, token: str, address: str) -> None:
        if not (count := self._attempts.failed(address)):
            return
        revoked = self._keyring.revoked_name(token)
        what = f"the last one was {revoked!r}, which is revoked" if revoked else "none is known"
        _log.warning("wrong API keys from %s: %d since this was last said; %s", address, count, what)


def check_scope(key: Key, needed: Scope) -> None:
    """Raises WrongScope where a key may not be used for what needs a scope."""
    if not permits(key.scopes, needed):
        held = ", ".join(sorted(key.scopes))
        raise WrongScope(f"this needs a key with the scope {needed}; the key {key.name!r} has {held}")
