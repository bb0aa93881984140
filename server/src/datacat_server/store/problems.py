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

    `id` is made of product, kind and cause, and so the same for good, on any server. `type` is what went wrong: an
    exception's type, a signal, an exit code, `hang`. `culprit` is where, the innermost function of the application's
    own code and its file; empty where that is not known. `message` is that of the newest time.
    `count`: how often it happened; `sessions`, `machines`, `versions`: in how many. `new_in` is the version in which it
    happened first, by the time of happening; `is_new` says that no version of the product is newer than that one,
    versions that look like numbers in their natural order, others by when each was first seen. `last_in` is the
    version in which it happened last. `resolved_in`: it was resolved when this version was the newest, or for this one;
    `regressed_in`: the later version in which it was seen again, at `regressed_at`.
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
    """Part of a list of problems; `cursor` asks for the next part, null at the end."""

    problems: list[ProblemSummary]
    cursor: str | None


class ProblemFrame(Struct, frozen=True):
    """A call of the application's own code. `file` is relative to the folder that the files of a problem share."""

    file: str
    function: str


class InVersion(Struct, kw_only=True, frozen=True):
    """What of a problem is one version's. `of_sessions`: how many sessions of the version there are, with it or not."""

    version: str
    count: int
    sessions: int
    of_sessions: int
    first_seen: datetime
    last_seen: datetime


class OnMachine(Struct, kw_only=True, frozen=True):
    """What of a problem is one machine's; `machine` is its id, or its name where it has none."""

    machine: str
    hostname: str | None
    count: int
    sessions: int


class OnDay(Struct, frozen=True):
    """How often it happened on a day, UTC."""

    day: date
    count: int


class InSession(Struct, kw_only=True, frozen=True):
    """A session in which a problem showed: how often, and when."""

    session: SessionSummary
    count: int
    first_seen: datetime
    last_seen: datetime


class Example(Struct, kw_only=True, frozen=True):
    """The newest time that a problem showed: the traceback, the stack or the last lines of output, as they came."""

    session_id: str
    timestamp: datetime
    message: str | None
    lines: list[str]


class Problem(ProblemSummary, kw_only=True, frozen=True):
    """One problem. `frames`: the innermost first. Newest versions and sessions, busiest machines and last days only."""

    frames: list[ProblemFrame]
    in_versions: list[InVersion]
    on_machines: list[OnMachine]
    on_days: list[OnDay]
    latest_sessions: list[InSession]
    example: Example | None


class ProblemSessionPage(Struct, frozen=True):
    """Part of the sessions of a problem, the last seen first; `cursor` asks for the next part, null at the end."""

    sessions: list[InSession]
    cursor: str | None


class SessionProblem(Struct, kw_only=True, frozen=True):
    """A problem of a session: the problem, and how often and when it showed in this session."""

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
    """A trait that stands out. `path`: of the state, or the fact's name; empty for others. `value`: as JSON for the
    state, else as text. `share` of the problem's sessions have it, and `share_without` of the others, both 0 to 1; so
    many are `count` and `count_without`.
    `sure`: so large a difference is hardly chance. That is, among this many sessions it comes about by chance (Fisher's
    exact test, one-sided) with a probability below 0.05, divided by the number of traits that were compared.
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
    """What the newest MOST_WITH sessions of a problem (`sessions`: how many these are) have, and MOST_OTHERS without it
    (`others`), of the same product and begun at about the same times, have not: the largest `share - share_without`
    first, those of LEAST_DIFFERENCE or more that two sessions or more of the problem have. Nothing stands out of a
    single session.
    Of sessions whose states had very many values, only as many are looked at as there is time for.
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
