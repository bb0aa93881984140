"""The API key: `Authorization: Bearer <key>`, wherever the configuration asks for one."""

import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from datacat_server.config import Config

PUBLIC = "public"
"""A handler with this option set needs no key."""


def key_guard(config: Config) -> Guard:
    """A guard that lets a request pass with the right key, or when none is required."""

    def check(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if not config.require_api_key or handler.opt.get(PUBLIC):
            return
        if not key_matches(config, connection.headers.get("authorization", "")):
            raise NotAuthorizedException(
                "the API key is missing or wrong; send it as Authorization: Bearer <key>",
                headers={"WWW-Authenticate": "Bearer"},
            )

    return check


def key_matches(config: Config, authorization: str) -> bool:
    """Whether an Authorization header holds the key, found out in a time that tells nothing about it."""
    scheme, _, key = authorization.partition(" ")
    expected = (config.api_key or "").encode()
    return scheme.lower() == "bearer" and hmac.compare_digest(key.strip().encode("utf-8", "surrogateescape"), expected)
