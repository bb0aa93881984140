"""Whether a request is let in, by the key that it brings."""

import asyncio
import logging
import time

from datacat_server.access.attempts import LOG_EVERY_SECONDS, Attempts
from datacat_server.access.keyring import CONFIGURED, Key, Keyring
from datacat_server.access.scopes import Scope, permits
from datacat_server.config import Config
from datacat_server.store.keys import KeyStore

_log = logging.getLogger("datacat.access")
_LONG = 32  # characters


class Refused(Exception):
    """The request is not let in; the message says what to do."""


class NoKey(Refused):
    """It brought no key, or a wrong one."""


class WrongScope(Refused):
    """Its key is right, but not for this: `needed` is the scope that is."""

    def __init__(self, message: str, needed: Scope) -> None:
        super().__init__(message)
        self.needed = needed


class TooManyAttempts(Refused):
    """Too many wrong keys came from its address. `seconds`: when it may try again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many wrong keys came from this address; try again in {seconds} s")
        self.seconds = seconds


class Admission:
    """Checks keys for one application. `required`: whether a key is asked for at all.

    While an address has spent its attempts, what nobody finds by trying still opens: a key of the store, and an
    `api_key` of the configuration of 32 characters and more. A shorter one, which somebody may have thought up, has to
    wait until the address has an attempt again.
    """

    def __init__(self, store: KeyStore, config: Config) -> None:
        self.required = config.require_api_key
        self._keyring = Keyring(store, config.api_key)
        self._attempts = Attempts()
        self._long = len(config.api_key or "") >= _LONG
        self._telling: asyncio.TimerHandle | None = None

    async def check(self, authorization: str, address: str, needed: Scope) -> Key | None:
        """The key of `Authorization: Bearer <key>`; None where none is asked for.

        Raises NoKey, WrongScope, TooManyAttempts or StoreError where it is not enough.
        """
        if not self.required:
            return None
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise NoKey("the API key is missing; send it as Authorization: Bearer <key>")
        key = await self.key(token, address)
        check_scope(key, needed)
        return key

    async def key(self, token: str, address: str) -> Key:
        """The key in force that this is. Raises NoKey, TooManyAttempts or StoreError."""
        wait = self._attempts.wait(address)
        configured = self._keyring.configured
        if configured and (self._long or not wait) and self._keyring.is_configured(token):
            if not self._long:
                self._attempts.succeeded(address)
            return configured  # without a look into the store, which may be what is wrong
        await self._keyring.refresh()
        if self._keyring.may_be_new(token):
            await self._keyring.refresh(0)  # a key can be used as soon as it is made
        if (key := self._keyring.find(token)) is not None:
            return key
        if wait:
            self._attempts.turned_away(address)
            self._tell(address)
            raise TooManyAttempts(wait)
        self._count(token, address)
        raise NoKey("the API key is wrong or was revoked; `datacat keys` on the server's machine makes another")

    async def key_with_id(self, key_id: str) -> Key | None:
        """The key in force with this id. Raises StoreError."""
        if key_id != CONFIGURED:
            await self._keyring.refresh()
        return self._keyring.with_id(key_id)

    def _count(self, token: str, address: str) -> None:
        if self._attempts.failed(address):
            _log.warning("too many wrong API keys from %s: for a while it is turned away", address)
        self._tell(address, self._keyring.revoked_name(token))

    def _tell(self, address: str, revoked: str | None = None) -> None:
        """Log what came from an address, if that is due; else it is told later, whether more comes or not."""
        if (counts := self._attempts.to_tell(address)) is not None:
            wrong, turned_away = counts
            what = f"the last one was {revoked!r}, which is revoked" if revoked else "none is known"
            more = f", and {turned_away} tries that were turned away" if turned_away else ""
            _log.warning("wrong API keys from %s: %d since this was last said%s; %s", address, wrong, more, what)
        elif self._telling is None or self._telling.when() <= time.monotonic():
            self._telling = asyncio.get_running_loop().call_later(LOG_EVERY_SECONDS, self._tell_the_rest)

    def _tell_the_rest(self) -> None:
        self._telling = None
        for address in self._attempts.untold():
            self._tell(address)


def check_scope(key: Key, needed: Scope) -> None:
    """Raises WrongScope where a key may not be used for what needs a scope."""
    if not permits(key.scopes, needed):
        held = ", ".join(sorted(key.scopes))
        raise WrongScope(f"this needs a key with the scope {needed}; the key {key.name!r} has {held}", needed)
