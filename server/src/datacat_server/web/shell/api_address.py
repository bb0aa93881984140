"""Where programs send to, as whoever looks at a page would write it."""

import re
from typing import Any

from litestar import Request

from datacat_server.config import Config

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::[0-9]{1,5})?")


class ApiAddress:
    """The address of the API: by the name that a browser has for this machine, at the port that the API has."""

    def __init__(self, config: Config) -> None:
        self._port = config.server_port
        self._tls = config.tls_cert_file is not None
        self._only_here = config.host in _LOOPBACK
        # A name or an address that it was told to listen at is the one that is known to be right.
        named = not self._only_here and config.host not in _EVERYWHERE
        self._named = (f"[{config.host}]" if ":" in config.host else config.host) if named else None

    def here(self) -> str:
        """For a program on this machine."""
        return f"{'https' if self._tls else 'http'}://{self._named or 'localhost'}:{self._port}"

    def seen_from(self, request: Request[Any, Any, Any]) -> str:
        """For a program where this request came from; a name that no machine can have is not taken over."""
        name = _name(request)
        if self._named or name is None or name in _LOOPBACK:
            return self.here()
        # Where the API listens for this machine only, whoever comes from elsewhere has come through a proxy, and
        # what speaks TLS for the pages does so for the API.
        tls = self._tls or (self._only_here and _forwarded(request, "x-forwarded-proto").lower() == "https")
        return f"{'https' if tls else 'http'}://{name}:{self._port}"

    def is_forwarded(self, request: Request[Any, Any, Any]) -> bool:
        """Whether something stands between, so that the port may be another one there."""
        name = _name(request)
        return "x-forwarded-host" in request.headers or (self._only_here and name is not None and name not in _LOOPBACK)


def _name(request: Request[Any, Any, Any]) -> str | None:
    said = _forwarded(request, "x-forwarded-host") or request.headers.get("host", "")
    found = _HOST.fullmatch(said)
    return found[1] if found else None


def _forwarded(request: Request[Any, Any, Any], header: str) -> str:
    """What the first of several proxies says, the one next to the browser."""
    return str(request.headers.get(header, "")).partition(",")[0].strip()
