"""What a call needs: a key with the scope of its route, sent as `Authorization: Bearer <key>`."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import Guard

from datacat_server.access.admission import Admission, NoKey, TooManyAttempts, WrongScope
from datacat_server.access.scopes import PUBLIC, Scope

SCOPE = "scope"
"""The option that says which scope a handler needs, where its method does not say it all."""

INGESTS = {SCOPE: Scope.INGEST}
"""The options of a handler that takes records."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def scope_of(handler: BaseRouteHandler) -> Scope | None:
    """The scope that a handler needs: what it says itself, else `read` for reading and `admin` for all the rest."""
    if handler.opt.get(PUBLIC):
        return None
    if (said := handler.opt.get(SCOPE)) is not None:
        return Scope(said)
    methods = handler.http_methods if isinstance(handler, HTTPRouteHandler) else set()
    return Scope.READ if methods and methods <= _READING else Scope.ADMIN


def key_guard(admission: Admission) -> Guard:
    """A guard that lets a request pass with a right key, or when none is required."""

    async def check(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        needed = scope_of(handler)
        if needed is None:
            return
        authorization = connection.headers.get("authorization", "")
        address = connection.client.host if connection.client else ""
        try:
            await admission.check(authorization, address, needed)
        except NoKey as error:
            raise NotAuthorizedException(str(error), headers={"WWW-Authenticate": "Bearer"}) from None
        except WrongScope as error:
            raise PermissionDeniedException(str(error)) from None
        except TooManyAttempts as error:
            raise TooManyRequestsException(str(error), headers={"Retry-After": str(error.seconds)}) from None

    return check
