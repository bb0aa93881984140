"""Where a page ends, as text that the next page is asked for with: `<order>:<part>:<part>`.

Such as `-created:1795298400000000:17`. It begins with the order of the pages, so that it is not taken for a place in
another one.
"""

import re
from typing import Any
from urllib.parse import quote, unquote

_LARGEST = 2**62
_ORDER = re.compile(r"-?[a-z_]{1,20}")


def write_cursor(order: str, *place: int | str) -> str:
    return ":".join([order, *(quote(str(part), safe="") for part in place)])


def read_cursor(cursor: str, order: str, *kinds: type[int] | type[str]) -> list[Any]:
    """The place that a cursor says, as many parts as `kinds`. Raises ValueError for one that no such page gave."""
    of, *parts = cursor.split(":")
    if parts and of != order and _ORDER.fullmatch(of):
        raise ValueError(f"cursor: is of pages in the order {of}, not {order}; ask without it for the first page")
    numbers = [part for part, kind in zip(parts, kinds, strict=False) if kind is int]
    if of != order or len(parts) != len(kinds) or not all(map(_is_number, numbers)):
        raise ValueError("cursor: expected one that a page before this one gave")
    return [min(int(part), _LARGEST) if kind is int else unquote(part) for part, kind in zip(parts, kinds, strict=True)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
