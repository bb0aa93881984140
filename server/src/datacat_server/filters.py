"""Which sessions are meant: the filter that the list, the export and the metrics share, as it stands in an address.

`product= version= machine= status= from= to= q=`, and as often as wanted `state=`, `state_ever=`, `contains=`,
`ever_contains=`, each `path:value`: `window_state.open:"space probe"`. All of them hold of a session that is meant.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from datacat_server.canonical import Path, canonical, read_path, write_path
from datacat_server.instants import AGES, TooFarBack, read_instant
from datacat_server.model import Status
from datacat_server.quoting import plain_words


class Relation(StrEnum):
    """How a state and a value belong together."""

    IS = "is"
    WAS = "was"
    CONTAINS = "contains"
    CONTAINED = "contained"


class StateCondition(Struct, frozen=True):
    """What is at `path` of the state now `is`, or ever `was`, the value; or an array there `contains` it, or did once.

    1 and 1.0 are equal, true and 1 are not. `value` is any JSON value that is no object, for arrays objects too.
    """

    path: Path
    relation: Relation
    value: Any


class Filter(Struct, frozen=True, kw_only=True):
    """All that is set holds. `machine` is a machine's id or its name; `start` <= created < `end`.

    `status` is one of `STATUSES`. Each word of `q`, or part of it between quotes, is looked for in the id, the product,
    the version, the machine's id and name, the reason and what went wrong, whatever the case of its letters.
    """

    product: str | None = None
    version: str | None = None
    machine: str | None = None
    status: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    q: str | None = None
    state: tuple[StateCondition, ...] = ()


EVERY = Filter()
"""Every session."""

STATUSES = (
    *Status,
    "ever_hung",
    "hung_recovered",
    "hung_ended",
    "hung_crashed",
)
"""The words of `Status`, and those that had a hang: at all, that is over, and in which the session ended or crashed."""

RELATIONS = {
    "state": Relation.IS,
    "state_ever": Relation.WAS,
    "contains": Relation.CONTAINS,
    "ever_contains": Relation.CONTAINED,
}
NAMES = ("product", "version", "machine", "status", "from", "to", "q", *RELATIONS)
"""The names in an address."""

LONGEST_Q = 200
MOST_WORDS = 10
"""So many words `q` has, at most."""
LONGEST_CONDITION = 4_000
"""Characters of `path:value`, as it is asked for and as `to_query` writes it."""
MOST_CONDITIONS = 10
"""So many conditions of each relation, at most."""


def parse_filter(params: Iterable[tuple[str, str]]) -> Filter:
    """The filter that names and values of an address make. Other names, and empty values, count as not there.

    Raises ValueError, `name: what to do`.
    """
    single: dict[str, str] = {}
    conditions: list[StateCondition] = []
    for name, text in params:
        if not text or name not in NAMES:
            continue
        if name in RELATIONS:
            conditions.append(_condition(name, text))
        elif name in single:
            raise ValueError(f"{name}: is there twice; give it once")
        else:
            single[name] = text
    return checked(
        Filter(
            product=single.get("product"),
            version=single.get("version"),
            machine=single.get("machine"),
            status=single.get("status"),
            start=_moment("from", single.get("from")),
            end=_moment("to", single.get("to")),
            q=single.get("q"),
            state=tuple(conditions),
        )
    )


def checked(wanted: Filter) -> Filter:
    """The same filter. Raises ValueError, `name: what to do`, for one that no address could make."""
    if wanted.status is not None and wanted.status not in STATUSES:
        raise ValueError(f"status: expected one of {', '.join(STATUSES)}")
    if wanted.q is not None and len(wanted.q) > LONGEST_Q:
        raise ValueError(f"q: is longer than {LONGEST_Q} characters")
    if wanted.q is not None and len(plain_words(wanted.q)) > MOST_WORDS:
        raise ValueError(f"q: has more than {MOST_WORDS} words; put those that stand together in quotes")
    for relation, count in Counter(condition.relation for condition in wanted.state).items():
        if count > MOST_CONDITIONS:
            raise ValueError(f"{_name_of(relation)}: is there more than {MOST_CONDITIONS} times; ask for fewer")
    for condition in wanted.state:
        if isinstance(condition.value, dict) and condition.relation in (Relation.IS, Relation.WAS):
            raise ValueError(
                f"{_name_of(condition.relation)}: an object has no value; ask for what is in it by its path"
            )
    return wanted


def to_query(wanted: Filter) -> list[tuple[str, str]]:
    """Names and values of an address, from which `parse_filter` makes the same filter."""
    single = {
        "product": wanted.product,
        "version": wanted.version,
        "machine": wanted.machine,
        "status": wanted.status,
        "from": wanted.start and _written(wanted.start),
        "to": wanted.end and _written(wanted.end),
        "q": wanted.q,
    }
    query = [(name, value) for name, value in single.items() if value]
    for condition in wanted.state:
        query.append((_name_of(condition.relation), _text_of(condition)))
    return query


_PATH = re.compile(r"(?:[^\\:]|\\.?)*", re.DOTALL)


def _condition(name: str, text: str) -> StateCondition:
    _check_length(name, text)
    path = _PATH.match(text)[0]  # type: ignore[index]  # it matches the empty text too
    if path == text:
        raise ValueError(f"{name}: expected path:value, such as window_state.open:true")
    value = text[len(path) + 1 :]
    try:
        condition = StateCondition(read_path(path), RELATIONS[name], msgspec.json.decode(value))
    except (msgspec.DecodeError, RecursionError):
        return StateCondition(read_path(path), RELATIONS[name], value)
    _check_length(name, _text_of(condition))  # 1e300 has 301 digits
    return condition


def _check_length(name: str, text: str) -> None:
    if len(text) > LONGEST_CONDITION:
        raise ValueError(f"{name}: is longer than {LONGEST_CONDITION:,} characters; ask for something shorter")


def _text_of(condition: StateCondition) -> str:
    return f"{write_path(condition.path)}:{_shown(condition.value)}"


def _shown(value: Any) -> str:
    """The value as text; in quotes only where it would be taken for something else without them."""
    if isinstance(value, str):
        try:
            msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
    return canonical(value)


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return read_instant(text)
    except TooFarBack:
        raise ValueError(f"{name}: {text} is too far back: before 1970 there is nothing") from None
    except ValueError:
        raise ValueError(
            f"{name}: expected a day or an instant, such as today, yesterday, 2026-01-31 or 2026-01-31T12:00:00Z"
            f" (UTC), or how long ago, such as -7d (in {AGES}), not {text[:60]!r}"
        ) from None


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _name_of(relation: Relation) -> str:
    return next(name for name, other in RELATIONS.items() if other == relation)
