"""Problems: sessions that crashed, hung or logged an exception, grouped by what went wrong and where."""

from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from datacat_server.model import SessionSummary

SORTS = ("last_seen", "first_seen", "count", "sessions")
"""What a list of problems can be sorted by."""

MOST_WITH = 200
MOST_OTHERS = 1_000
LEAST_DIFFERENCE = 0.25
MOST_STANDING_OUT = 20
SURE_BELOW = 0.05


class UnknownProblem(LookupError):
    """There is no problem with this id."""


class ProblemKind(StrEnum):
    """How a problem shows. An exception that nothing caught is a crash, and not an exception too."""

    CRASH = "crash"
    HANG = "hang"
    EXCEPTION = "exception"


class ProblemStatus(StrEnum):
    """What people have made of a problem. Regressed: it was resolved, and has been seen in a later version since."""

    OPEN = "open"
    RESOLVED = "resolved"
    REGRESSED = "regressed"
    IGNORED = "ignored"


class ProblemFilter(Struct, frozen=True, kw_only=True):
    """Which problems are meant: all that is set holds.

    `version`: seen in it; `new_in`: first seen in it. `unsettled`: open or regressed. `start`, `end`: last seen at
    `start` or later, first seen before `end`. `q` is looked for in the title and the culprit, whatever the case of its
    letters.
    """

    product: str | None = None
    version: str | None = None
    new_in: str | None = None
    unsettled: bool = False
    kind: ProblemKind | None = None
    status: ProblemStatus | None = None
    start: datetime | None = None
    end: datetime | None = None
    q: str | None = None


class ProblemSummary(Struct, kw_only=True, frozen=True):
    """One row of a list of problems.

    Of the versions of a product, those that look like numbers stand in their natural order, others where each was first
    seen.

    Attributes:
        id: made of product, kind and cause, and so the same for good, on any server.
        product: of which product its sessions are.
        kind: how it shows.
        type: what went wrong: an exception's type, a signal, an exit code, `hang`.
        title: what it is called, made of type and function.
        culprit: where: the innermost function of the application's own code, and its file; empty where not known.
        message: what was said the last time, such as the exception's message; null for nothing.
        status: what people have made of it.
        count: how often it happened.
        sessions: in how many sessions.
        machines: on how many machines.
        versions: in how many versions of the product.
        first_seen: when it happened first.
        last_seen: when it happened last.
        new_in: the version in which it happened first, by the time of happening.
        is_new: whether no version of the product is newer than `new_in`.
        last_in: the version in which it happened last.
        resolved_at: when it was marked as resolved; null where it was not.
        resolved_in: the version that it was resolved for, else the newest one then; null where it was not.
        regressed_at: when it was seen again in a later version; null where it was not.
        regressed_in: that later version; null where it was not.
    """

    id: str
    product: str
    kind: ProblemKind
    type: str
    title: str
    culprit: str
    message: str | None
    status: ProblemStatus
    count: int
    sessions: int
    machines: int
    versions: int
    first_seen: datetime
    last_seen: datetime
    new_in: str
    is_new: bool
    last_in: str
    resolved_at: datetime | None
    resolved_in: str | None
    regressed_at: datetime | None
    regressed_in: str | None


class ProblemPage(Struct, frozen=True):
    """Part of a list of problems.

    Attributes:
        problems: the problems, in the order of `sort`.
        cursor: asks for the next part; null at the end.
    """

    problems: list[ProblemSummary]
    cursor: str | None


class ProblemFrame(Struct, frozen=True):
    """A call of the application's own code.

    Attributes:
        file: its file, relative to the folder that the files of a problem share.
        function: its function.
    """

    file: str
    function: str


class InVersion(Struct, kw_only=True, frozen=True):
    """What of a problem is one version's.

    Attributes:
        version: the version.
        count: how often it happened in it.
        sessions: in how many of its sessions.
        of_sessions: how many sessions the version has, with the problem or not.
        first_seen: when it happened first in it.
        last_seen: when it happened last in it.
    """

    version: str
    count: int
    sessions: int
    of_sessions: int
    first_seen: datetime
    last_seen: datetime


class OnMachine(Struct, kw_only=True, frozen=True):
    """What of a problem is one machine's.

    Attributes:
        machine: the machine's id, or its name where it has none.
        hostname: the machine's name; null where it was not said.
        count: how often it happened on it.
        sessions: in how many sessions on it.
    """

    machine: str
    hostname: str | None
    count: int
    sessions: int


class OnDay(Struct, frozen=True):
    """What of a problem is one day's.

    Attributes:
        day: the day, UTC.
        count: how often it happened on it.
    """

    day: date
    count: int


class InSession(Struct, kw_only=True, frozen=True):
    """A session in which a problem showed.

    Attributes:
        session: the session.
        count: how often it happened in it.
        first_seen: when it happened first in it.
        last_seen: when it happened last in it.
    """

    session: SessionSummary
    count: int
    first_seen: datetime
    last_seen: datetime


class Example(Struct, kw_only=True, frozen=True):
    """The last time that a problem showed.

    Attributes:
        session_id: the id of the session in which that was.
        timestamp: when that was.
        message: what was said then; null for nothing.
        lines: the traceback, the stack or the last lines of output, as they came; the last 500 at most.
    """

    session_id: str
    timestamp: datetime
    message: str | None
    lines: list[str]


class Problem(ProblemSummary, kw_only=True, frozen=True):
    """One problem.

    Attributes:
        frames: the calls that tell it from others, the innermost first, at most 20; empty where not known.
        in_versions: where it shows, by version, the last seen first; the newest 100.
        on_machines: where it shows, by machine, the busiest first; 100 at most.
        on_days: when it showed, by day; the last 366 on which it did, in order.
        latest_sessions: the ten sessions in which it was seen last, the newest first.
        example: the last time, as it was told; null where what told of it is gone.
    """

    frames: list[ProblemFrame]
    in_versions: list[InVersion]
    on_machines: list[OnMachine]
    on_days: list[OnDay]
    latest_sessions: list[InSession]
    example: Example | None


class ProblemSessionPage(Struct, frozen=True):
    """Part of the sessions of a problem.

    Attributes:
        sessions: the sessions, the last seen first.
        cursor: asks for the next part; null at the end.
    """

    sessions: list[InSession]
    cursor: str | None


class SessionProblem(Struct, kw_only=True, frozen=True):
    """A problem of a session.

    Attributes:
        problem: the problem; its counts are of all sessions.
        count: how often it happened in this session.
        first_seen: when it happened first in this session.
        last_seen: when it happened last in this session.
        message: what was said the last time in this session; null for nothing.
    """

    problem: ProblemSummary
    count: int
    first_seen: datetime
    last_seen: datetime
    message: str | None


class Trait(StrEnum):
    """What sessions can have in common: a value that the state ever had at a path, or an array there ever contained,
    the version, the machine, or a fact of the system."""

    STATE = "state"
    ELEMENT = "element"
    VERSION = "version"
    MACHINE = "machine"
    FACT = "fact"


class Commonality(Struct, kw_only=True, frozen=True):
    """A trait that stands out among the sessions of a problem.

    Attributes:
        trait: what the sessions have in common.
        path: where in the state, or the fact's name; empty for others.
        value: which value: of the state as JSON, else as text.
        count: how many sessions of the problem have it.
        share: the same as a share of those looked at, 0 to 1.
        count_without: how many sessions without the problem have it.
        share_without: the same as a share of those looked at, 0 to 1.
        sure: whether so large a difference is hardly chance: that is, among this many sessions it comes about by chance
            (Fisher's exact test, one-sided) with a probability below 0.05, divided by the number of traits compared.
    """

    trait: Trait
    path: str
    value: str
    count: int
    share: float
    count_without: int
    share_without: float
    sure: bool


class Commonalities(Struct, kw_only=True, frozen=True):
    """What sessions of a problem have in common, and others of the product, begun at about the same times, have not.

    At most 200 with it and 1,000 without it are compared. Of sessions whose states had very many values, only as many
    are looked at as there is time for.

    Attributes:
        sessions: how many sessions of the problem were looked at, the newest.
        others: how many sessions without it were looked at.
        found: what two or more of the problem's sessions have, with `share` at least 0.25 above `share_without`; the
            largest difference first, 20 at most. Empty where the problem has a single session.
    """

    sessions: int
    others: int
    found: list[Commonality]


class ProblemStore(Protocol):
    """What a store knows of problems."""

    def problems(
        self, wanted: ProblemFilter = ..., *, sort: str = "-last_seen", limit: int = 100, cursor: str | None = None
    ) -> ProblemPage:
        """A page of problems, sorted by one of `SORTS`, with a `-` in front the largest first.

        Raises ValueError, `name: what to do`, for a sort or cursor that is none.
        """
        ...

    def problem(self, problem_id: str) -> Problem:
        """One problem. Raises UnknownProblem."""
        ...

    def problem_sessions(
        self,
        problem_id: str,
        *,
        version: str | None = None,
        machine: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> ProblemSessionPage:
        """The sessions of a problem (of a version, of a machine as `OnMachine` names it), the last seen first.

        Raises UnknownProblem, and ValueError for a cursor that is none.
        """
        ...

    def problem_commonalities(self, problem_id: str) -> Commonalities:
        """What the sessions of a problem have in common. Raises UnknownProblem."""
        ...

    def session_problems(self, session_id: str) -> list[SessionProblem]:
        """The problems of a session: crash, hangs, exceptions, the newest first. Raises UnknownSession."""
        ...

    def resolve_problem(self, problem_id: str, version: str | None = None) -> None:
        """Mark a problem as resolved in a version, by default the newest of its product. Raises UnknownProblem."""
        ...

    def reopen_problem(self, problem_id: str) -> None:
        """Mark a problem as open. Raises UnknownProblem."""
        ...

    def ignore_problem(self, problem_id: str) -> None:
        """Mark a problem as one that nobody wants to hear of. Raises UnknownProblem."""
        ...
