"""What to begin with: the metrics that there are, the most used first, and states to tell sessions apart by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from datacat_server import wording
from datacat_server.canonical import read_path
from datacat_server.filters import EVERY, Filter, Relation, StateCondition, to_query
from datacat_server.store.metrics import MetricName, MetricNames
from datacat_server.store.protocol import Store
from datacat_server.store.spread import COUNTED, StateChoice
from datacat_server.telling import vitals
from datacat_server.web.metrics.asked import Asked
from datacat_server.web.metrics.kept import Kept
from datacat_server.web.sessions.completion import Completion, Option

PATHS = 10
VALUES = 24
_LONGEST_SHOWN = 60
LISTED = 100
"""So many metrics stand on the page to choose from; the others are found by their names."""
_MOST_COMPLETED = 30


class Beginning(Struct, frozen=True):
    """The metrics of the newest `sessions` sessions, and places in states, with what was there."""

    sessions: int
    metrics: list[MetricName]
    states: list[StateChoice]


@dataclass(frozen=True)
class Value:
    """A value that states had: in words, in how many sessions, and the address with it as a filter, or without."""

    shown: str
    sessions: str
    address: str
    chosen: bool


@dataclass(frozen=True)
class Place:
    """A place in states, and its values."""

    path: str
    relation: str
    values: list[Value]


class Suggestions:
    """What a store's sessions can be asked about."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = Kept(store)

    def names(self, wanted: Filter) -> MetricNames:
        """The metrics, the application's before the vitals, the most used first. Raises ValueError for a filter."""
        found = self._kept.get(("names", wanted), lambda: self._store.metric_names(wanted))
        ordered = sorted(found.metrics, key=lambda one: (one.vital, -one.sessions, vitals.order(one.name)))
        return MetricNames(found.sessions, ordered)

    def states(self) -> list[StateChoice]:
        return self._kept.get("states", lambda: self._store.state_choices(paths=PATHS, values=VALUES))

    def beginning(self, wanted: Filter) -> Beginning:
        names = self.names(wanted)
        return Beginning(names.sessions, names.metrics, self.states())

    def complete(self, text: str, length: int) -> Completion:
        """Names of metrics that hold a text, whatever its case; those that begin with it first."""
        wanted = text.casefold()
        held = [one for one in self.names(EVERY).metrics if wanted in one.name.casefold()]
        held.sort(key=lambda one: not one.name.casefold().startswith(wanted))
        options = [
            Option(one.name, wording.shorten(one.name, 100), "vital" if one.vital else ", ".join(one.types))
            for one in held[:_MOST_COMPLETED]
        ]
        return Completion(0, length, options)


def places(choices: Sequence[StateChoice], asked: Asked) -> list[Place]:
    """The places and values as links: each adds its value to the filter, or takes it away where it is there."""
    return [
        Place(
            choice.path,
            "ever held" if choice.elements else "ever was",
            [_value(choice, value, sessions, asked) for value, sessions in choice.values],
        )
        for choice in choices
    ]


def _value(choice: StateChoice, value: Any, sessions: int, asked: Asked) -> Value:
    relation = Relation.CONTAINED if choice.elements else Relation.WAS
    condition = to_query(Filter(state=(StateCondition(read_path(choice.path), relation, value),)))[0]
    chosen = condition in asked.parameters
    shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return Value(
        wording.shorten(shown, _LONGEST_SHOWN),
        wording.number(sessions) + ("+" if sessions >= COUNTED else ""),
        (asked.without(asked.parameters.index(condition)) if chosen else asked.where(condition)).address(),
        chosen,
    )
