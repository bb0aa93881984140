"""Places in states by which sessions can be told apart: those that had a few plain values, and what these were."""

import sqlite3
from typing import Any, NamedTuple

import msgspec

from datacat_server.store.spread import COUNTED, StateChoice
from datacat_server.store.sqlite.folds.search_terms import ELEMENT, VALUE
from datacat_server.store.sqlite.reading.vocabulary import LOOKED_AT, read_paths

MOST_VALUES = 60
"""A place that had more different values tells every session from every other."""
MOST_NUMBERS = 12
"""Of numbers fewer will do: more of them are a measure, not a choice."""

_LONGEST_VALUE = 120
_SCREENS = ("window", "open", "screen", "view", "panel", "page", "scene", "dialog", "tab")
_KNOWN_BY_COLUMNS = ("product", "version")


class _Place(NamedTuple):
    path: str
    kind: int
    terms: list[tuple[int, str]]

    @property
    def rank(self) -> tuple[bool, bool, int, str]:
        shown = any(word in self.path.casefold() for word in _SCREENS)
        return not shown, self.kind != ELEMENT, len(self.terms), self.path


def read_state_choices(db: sqlite3.Connection, paths: int, values: int) -> list[StateChoice]:
    """Windows and what else is on the screen first, then arrays, then what had the fewest values."""
    places = []
    for kind in (ELEMENT, VALUE):
        for path in read_paths(db, "", kind == ELEMENT, LOOKED_AT):
            terms = db.execute(
                "SELECT id, text FROM terms WHERE path = ? AND kind = ? AND text < '[' LIMIT ?",
                (path, kind, MOST_VALUES + 1),
            ).fetchall()
            plain = [(number, text) for number, text in terms if _is_plain(text)]
            most = MOST_NUMBERS if kind == VALUE and any(_is_number(text) for _, text in plain) else MOST_VALUES
            if path not in _KNOWN_BY_COLUMNS and len(plain) <= most and (kind == ELEMENT or len(plain) > 1):
                places.append(_Place(path, kind, plain))
    return [
        choice
        for place in sorted(places, key=lambda place: place.rank)[:paths]
        if (choice := _choice(db, place, values)).values
    ]


def _is_plain(text: str) -> bool:
    return text != '""' and not text.startswith("#") and len(text) <= _LONGEST_VALUE


def _is_number(text: str) -> bool:
    return text[:1] in "-0123456789"


def _choice(db: sqlite3.Connection, place: _Place, values: int) -> StateChoice:
    counted: list[tuple[int, str]] = []
    for number, text in place.terms:
        (sessions,) = db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM postings WHERE term = ? LIMIT ?)", (number, COUNTED)
        ).fetchone()
        if sessions:
            counted.append((sessions, text))
    counted.sort(key=lambda one: (-one[0], one[1]))
    decoded: list[tuple[Any, int]] = [(msgspec.json.decode(text), sessions) for sessions, text in counted[:values]]
    return StateChoice(place.path, place.kind == ELEMENT, decoded)
