"""Release health: how the sessions of a product's versions fared."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct

SORTS = ("last_seen", "first_seen", "sessions", "crash_free", "hang_free")
"""What a list of releases can be sorted by."""


class UnknownRelease(LookupError):
    """There is no session of this product and version."""


class Health(Struct, kw_only=True, frozen=True):
    """How sessions fared.

    Attributes:
        sessions: how many there are.
        crashed: how many have crashed.
        hung: how many hung at some time.
        ended: how many ended without a crash.
        running: how many are active now, neither hung nor suspended.
        crash_free: percent of the sessions that have not crashed so far.
        hang_free: percent of the sessions that never hung so far.
    """

    sessions: int
    crashed: int
    hung: int
    ended: int
    running: int
    crash_free: float
    hang_free: float


class VersionBefore(Health, kw_only=True, frozen=True):
    """How the sessions of the version before a release fared.

    Attributes:
        version: which version that is.
    """

    version: str


class Release(Health, kw_only=True, frozen=True):
    """A product's version, and how its sessions fared.

    Attributes:
        product: the product.
        version: the version.
        first_seen: when its first session began.
        last_seen: when its last session began.
        new_problems: how many problems were first seen in it.
        is_newest: whether no version of the product is newer, in the order that `ProblemSummary` tells.
        before: the next older version in this order; null for the first.
    """

    product: str
    version: str
    first_seen: datetime
    last_seen: datetime
    new_problems: int
    is_newest: bool
    before: VersionBefore | None


class ReleasePage(Struct, frozen=True):
    """Part of the releases.

    Attributes:
        releases: the releases, in the order of `sort`.
        cursor: asks for the next part; null at the end.
    """

    releases: list[Release]
    cursor: str | None


class ReleaseDay(Health, kw_only=True, frozen=True):
    """How the sessions fared that began on a day.

    Attributes:
        day: the day, UTC.
    """

    day: date


class ReleaseCourse(Release, kw_only=True, frozen=True):
    """A release over time.

    Attributes:
        days: the last days on which a session of it began, in order; as many as were asked for, at most.
    """

    days: list[ReleaseDay]


class VersionCourse(Health, kw_only=True, frozen=True):
    """A version in a stretch of days: those on which a session of it began, in order."""

    version: str
    days: list[ReleaseDay]


class ReleaseHistory(Struct, kw_only=True, frozen=True):
    """How a product's versions fared day by day, UTC, from `first` to `last`.

    `days`: of all its versions, those on which a session began. `courses`: of the versions of which most sessions began
    in these days, and of the newest one, the newest first. `versions`: of how many a session began.
    """

    product: str
    first: date
    last: date
    days: list[ReleaseDay]
    courses: list[VersionCourse]
    versions: int


class ReleaseStore(Protocol):
    """What a store knows of releases."""

    def releases(
        self, product: str | None = None, *, sort: str = "-last_seen", limit: int = 100, cursor: str | None = None
    ) -> ReleasePage:
        """A page of releases (of a product), sorted by one of `SORTS`, with a `-` in front the largest first.

        Raises ValueError, `name: what to do`, for a sort or cursor that is none.
        """
        ...

    def release(self, product: str, version: str, *, days: int = 90) -> ReleaseCourse:
        """One release, with at most so many days. Raises UnknownRelease."""
        ...

    def release_courses(self, releases: Sequence[tuple[str, str]], *, days: int = 90) -> list[ReleaseCourse]:
        """The same of several, each a product and a version: those that there are, in this order."""
        ...

    def release_history(
        self, product: str, last: date, *, days: int | None = None, versions: int = 5
    ) -> ReleaseHistory:
        """How a product fared in so many days up to `last`, by default since its first; courses of so many versions.

        Of an unknown product there are no days.
        """
        ...
