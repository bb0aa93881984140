"""Whether whoever asked for a page may change something: forms that would be refused are not shown.

Held for the request that is being answered, so that a template can ask wherever a form stands. It decides what is
shown only; what may be done is decided by the key that comes with the form.
"""

from collections.abc import Collection
from contextvars import ContextVar

from datacat_server.access.scopes import Scope, permits

# Where no key is asked for, everybody may do everything.
_scopes: ContextVar[Collection[str]] = ContextVar("scopes", default=(Scope.ADMIN,))


def admitted_with(scopes: Collection[str]) -> None:
    """From now on this request is that of somebody whose key holds these scopes."""
    _scopes.set(scopes)


def may_change() -> bool:
    """Whether a form that changes something would be taken from whoever asked for this page."""
    return permits(_scopes.get(), Scope.ADMIN)
