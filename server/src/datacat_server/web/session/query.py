"""What a session's page is asked to show. All of it stands in the address, so that any view can be sent to somebody."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any
from urllib.parse import quote, urlencode

from litestar.datastructures import MultiDict

from datacat_server.model import Level

EXCEPTIONS = "exception"
"""Stands for a level: events that are exceptions."""
LEVELS = (*(level.value for level in reversed(Level)), EXCEPTIONS)
IN_VIEW = "view"
MOST_OPEN = 20
_TEXTS = ("level", "category", "label", "group", "name", "q", "span", "cursor", "series", "open", "tab")
_PLACES = {"from": "begin", "to": "end", "at": "at", "until": "until"}
"""Fields by what they are called in addresses."""


class WrongQuestion(ValueError):
    """An address that asks for what there is not: `name: what it is`."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """The parameters of a session's page.

    `begin` and `end` (in addresses `from` and `to`): the part of the time axis that is seen, and `at` the instant that
    is looked at, in seconds from the axis' start. `lanes`: keys of the metrics on the axis, None for those worth one.
    `level` to `q` pick events, `span=view` those in the part of the axis that is seen, `until` those up to an instant.
    `series=all`: every metric. `open`: the numbers of the events that are open, with commas; `tab`: the evidence shown.
    """

    session_id: str
    begin: float | None = None
    end: float | None = None
    at: float | None = None
    until: float | None = None
    lanes: Sequence[str] | None = None
    level: str | None = None
    category: str | None = None
    label: str | None = None
    group: str | None = None
    name: str | None = None
    q: str | None = None
    span: str | None = None
    cursor: str | None = None
    series: str | None = None
    open: str | None = None
    tab: str | None = None

    @property
    def opened(self) -> frozenset[int]:
        """The numbers of the events that are open."""
        words = (self.open or "").split(",")
        return frozenset(
            int(word) for word in words[:MOST_OPEN] if word.isascii() and word.isdigit() and len(word) < 19
        )

    @property
    def events(self) -> str:
        """What picks the events, as one text: another one is another table."""
        parts = [self.level, self.category, self.label, self.group, self.name, self.q, self.cursor]
        until = [] if self.until is None else [("until", str(self.until))]
        return urlencode([(str(place), part) for place, part in enumerate(parts) if part] + until + self._seen())

    def _seen(self) -> list[tuple[str, str]]:
        return [("from", str(self.begin)), ("to", str(self.end))] if self.span == IN_VIEW else []

    @property
    def path(self) -> str:
        """The address of the session, with nothing chosen."""
        return f"/sessions/{quote(self.session_id, safe='')}"

    def here(self, **changes: Any) -> str:
        """The address of this view with some of it changed; another choice of events begins with the newest."""
        if changes.keys() & {"level", "category", "label", "group", "name", "q", "span", "until"}:
            changes.setdefault("cursor", None)
        return replace(self, **changes).address()

    def address(self, part: str = "") -> str:
        """The address that shows this, of the page or of a part of it, such as `/events`."""
        found = self.parameters()
        return f"{self.path}{part}?{urlencode(found)}" if found else f"{self.path}{part}"

    def parameters(self, without: Collection[str] = ()) -> list[tuple[str, str]]:
        """Names and values, as they stand in the address."""
        found: list[tuple[str, str]] = []
        for name, field in _PLACES.items():
            if (place := getattr(self, field)) is not None:
                found.append((name, f"{place:.6f}".rstrip("0").rstrip(".")))
        if self.lanes is not None:
            found += [("lane", lane) for lane in self.lanes or ("",)]  # an empty one: none at all
        found += [(name, value) for name in _TEXTS if (value := getattr(self, name))]
        return [(name, value) for name, value in found if name not in without]


def read_query(session_id: str, parameters: MultiDict[Any]) -> Query:
    """What an address asks for. Raises WrongQuestion for a level that is none, and a place that is no number."""
    lanes = parameters.getall("lane", None)
    texts: dict[str, Any] = {name: parameters.get(name) or None for name in _TEXTS}
    if texts["level"] is not None and texts["level"] not in LEVELS:
        raise WrongQuestion(f"level: there is no {texts['level'][:40]!r}, but {', '.join(LEVELS)}")
    return Query(
        session_id=session_id,
        begin=_place("from", parameters),
        end=_place("to", parameters),
        at=_place("at", parameters),
        until=_place("until", parameters),
        lanes=None if lanes is None else [lane for lane in lanes if lane],
        **texts,
    )


def _place(name: str, parameters: MultiDict[Any]) -> float | None:
    text: str = parameters.get(name) or ""
    try:
        place = float(text) if text else None
    except ValueError:
        raise WrongQuestion(f"{name}: {text[:40]!r} is no number of seconds") from None
    return place if place is None or isfinite(place) else None
