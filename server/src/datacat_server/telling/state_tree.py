"""A session's state as rows of a tree, with what its last change changed marked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from datacat_server.wording import shorten

MAX_ROWS = 400
MAX_DEPTH = 8
MAX_TEXT = 160

_MISSING = object()


@dataclass(frozen=True)
class Row:
    """One key. `change` is "added", "changed", "removed" or empty; `old` is the value before a change."""

    depth: int
    key: str
    value: str | None
    old: str | None
    change: str


@dataclass(frozen=True)
class Tree:
    """The rows of a state, at most MAX_ROWS; `left_out` says that there are more."""

    rows: list[Row]
    left_out: bool


def tree(state: dict[str, Any], before: dict[str, Any] | None) -> Tree:
    """The state as rows; `before` is the state ahead of its last change, None where there is none."""
    rows: list[Row] = []
    for row in _walk(state, state if before is None else before, 0):
        if len(rows) == MAX_ROWS:
            return Tree(rows, left_out=True)
        rows.append(row)
    return Tree(rows, left_out=False)


def _walk(state: dict[str, Any], before: dict[str, Any], depth: int) -> Iterator[Row]:
    for key, value in state.items():
        old = before.get(key, _MISSING)
        if isinstance(value, dict) and value and depth < MAX_DEPTH:
            if isinstance(old, dict):
                yield Row(depth, shorten(key, MAX_TEXT), None, None, "")
            elif old is _MISSING:
                yield Row(depth, shorten(key, MAX_TEXT), None, None, "added")
            else:
                yield Row(depth, shorten(key, MAX_TEXT), None, text(old), "changed")
            yield from _walk(value, old if isinstance(old, dict) else {}, depth + 1)
        elif old is _MISSING:
            yield Row(depth, shorten(key, MAX_TEXT), text(value), None, "added")
        elif old != value or type(old) is not type(value):
            yield Row(depth, shorten(key, MAX_TEXT), text(value), text(old), "changed")
        else:
            yield Row(depth, shorten(key, MAX_TEXT), text(value), None, "")
    for key, old in before.items():
        if key not in state:
            yield Row(depth, shorten(key, MAX_TEXT), None, text(old), "removed")


def text(value: Any) -> str:
    """A value in one short line: strings bare, lists of plain values with commas, the rest as JSON."""
    if isinstance(value, str):
        return shorten(value, MAX_TEXT) if value else "“”"
    if isinstance(value, list) and value and not any(isinstance(item, dict | list) for item in value):
        return shorten(", ".join(text(item) for item in value[:MAX_TEXT]), MAX_TEXT)
    return shorten(msgspec.json.encode(value).decode(), MAX_TEXT)


@dataclass(frozen=True)
class Change:
    """A value that changed: its path, and what it was and is; None for what was not there, or is no more."""

    path: str
    old: str | None
    new: str | None


def changes(tree: Tree) -> list[Change]:
    """What the last change of a state changed, the innermost keys only."""
    path: list[str] = []
    found = []
    for row in tree.rows:
        path[row.depth :] = [row.key]
        if row.change and (row.value is not None or row.change == "removed"):
            found.append(Change(shorten(".".join(path), MAX_TEXT), row.old, row.value))
    return found
