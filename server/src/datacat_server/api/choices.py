"""Query parameters that take one of some words."""

from collections.abc import Collection
from typing import Any

from litestar.params import QueryParameter


def one_of(words: Collection[str], meaning: str) -> Any:
    """How a parameter is declared that picks what is one of these; an empty one picks all."""
    return QueryParameter(description=f"{meaning}; else any.", schema_extra={"enum": ["", *words]})


def sort_by(orders: Collection[str]) -> Any:
    """How `sort` is declared where a list can be in these orders, each up or down."""
    return QueryParameter(
        description=f"By {', '.join(orders)}; with a `-` in front the largest first.",
        schema_extra={"enum": [f"{sign}{order}" for order in orders for sign in ("", "-")]},
    )
