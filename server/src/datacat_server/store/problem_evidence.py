"""What the page of a problem shows beside the problem itself: what was said, what came before, and the days of many."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct

from datacat_server.model import Verdict
from datacat_server.store.problems import OnDay, ProblemFilter, ProblemKind, ProblemStatus

MOST_PROBLEMS_COUNTED = 10_000
"""Up to here the problems of a filter are counted."""

MOST_SAYING = 500
MOST_LED_UP = 50
EVENTS_BEFORE = 10
MOST_COMPARED = 200


class ProblemGroup(Struct, frozen=True):
    """How many problems are of a kind and a status."""

    kind: ProblemKind
    status: ProblemStatus
    count: int


class ProblemCensus(Struct, frozen=True):
    """The problems of a filter, counted; with `is_capped` only MOST_PROBLEMS_COUNTED of them."""

    groups: list[ProblemGroup]
    is_capped: bool

    def count(
        self, kinds: Collection[ProblemKind] = (*ProblemKind,), statuses: Collection[ProblemStatus] = (*ProblemStatus,)
    ) -> int:
        """How many are of any of these kinds and any of these statuses."""
        return sum(one.count for one in self.groups if one.kind in kinds and one.status in statuses)


class Saying(Struct, kw_only=True, frozen=True):
    """A message with which a problem showed: in how many of its sessions it was the last, when and where just now."""

    message: str
    sessions: int
    last_seen: datetime
    session_id: str


class Sayings(Struct, kw_only=True, frozen=True):
    """The messages of a problem's newest MOST_SAYING sessions, the most frequent first.

    `sessions`: how many sessions these are; `different`: how many messages there are, of which some are left out.
    """

    sessions: int
    different: int
    found: list[Saying]


class Herald(Struct, kw_only=True, frozen=True):
    """The name of events that came just before: in `count` of the problem's sessions.

    `count_without` of the sessions without the problem have such an event at all.
    """

    name: str
    count: int
    count_without: int


class LeadUp(Struct, kw_only=True, frozen=True):
    """What is among the last EVENTS_BEFORE events before a problem showed, in its newest MOST_LED_UP sessions.

    `sessions`: how many these are; `others`: how many sessions of the product without it were looked at, at most
    MOST_COMPARED. Only names that two sessions or more have in common, the most frequent first.
    """

    sessions: int
    others: int
    found: list[Herald]


class ProblemEvidenceStore(Protocol):
    """What a store knows of problems beyond `ProblemStore`."""

    def problem_census(self, wanted: ProblemFilter = ...) -> ProblemCensus:
        """How many problems there are of each kind and status, among those that a filter picks."""
        ...

    def problem_days(self, problem_ids: Sequence[str], first: date) -> dict[str, list[OnDay]]:
        """How often each problem happened on each day since the first, UTC, in order; days without are left out."""
        ...

    def problem_sayings(self, problem_id: str) -> Sayings:
        """The messages of a problem; of one that is not known, none."""
        ...

    def problem_verdict(self, problem_id: str) -> Verdict | None:
        """The verdict by which a crash or a hang showed last; None where none tells of it, or of an exception."""
        ...

    def problem_lead_up(self, problem_id: str) -> LeadUp:
        """What commonly came before a problem; of one that is not known, nothing."""
        ...
