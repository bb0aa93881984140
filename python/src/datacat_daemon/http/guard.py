"""Refuses what a page in a browser could have sent: any web page may make its browser ask 127.0.0.1 for something.

A browser tells the truth in `Host` (so a name that was made to point here is seen), adds `Origin` to whatever a page
sends, and asks for leave first, which nobody gets, before it sends JSON.
"""

from __future__ import annotations

from datacat_daemon.http.errors import HttpError, bad_request
from datacat_daemon.http.protocol import Head

_NAMES = ("127.0.0.1", "localhost", "[::1]")


def check(head: Head, port: int) -> None:
    """Raises HttpError for a request that may be forged, or a POST of something else than JSON.

    Args:
        head: the request's.
        port: where we listen.
    """
    host = head.headers.get("host")
    if host is None:
        raise bad_request("host: is missing")
    if host.lower() not in _own_hosts(port):
        raise HttpError(403, "forbidden", f"host: {host!r} is not this daemon; ask 127.0.0.1:{port}")
    origin = head.headers.get("origin")
    if origin is not None and origin.lower() not in {f"http://{own}" for own in _own_hosts(port)}:
        raise HttpError(403, "forbidden", "origin: this daemon does not answer to web pages")
    if head.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise HttpError(403, "forbidden", "sec-fetch-site: this daemon does not answer to web pages")


def check_content_type(head: Head) -> None:
    """Raises HttpError for a body that is not said to be JSON."""
    kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HttpError(415, "unsupported_media_type", "content-type: expected application/json")


def _own_hosts(port: int) -> set[str]:
    own = {f"{name}:{port}" for name in _NAMES}
    return own.union(_NAMES) if port == 80 else own
