"""What the overview shows, out of what the store has folded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from msgspec import Struct

from datacat_server.filters import Filter
from datacat_server.model import SessionSummary, Status
from datacat_server.store.problems import ProblemFilter, ProblemSummary
from datacat_server.store.protocol import Store
from datacat_server.store.releases import Release, ReleaseCourse

LATELY = timedelta(days=1)
TREND_DAYS = 14
MOST_PRODUCTS = 12
VERSIONS_OF_EACH = 3
MOST_RELEASES_READ = 200
MOST_IN_TROUBLE = 6
MOST_PROBLEMS = 6


class Troubled(Struct, frozen=True):
    """Sessions of a kind: how many there are (with `is_capped`: more than that), and the last of them."""

    count: int
    is_capped: bool
    latest: list[SessionSummary]


class Overview(Struct, frozen=True):
    """How everything is. `crashed`: of the sessions that began in the last day. `releases`: newest of each product."""

    now: datetime
    active: int
    active_is_capped: bool
    hung: Troubled
    crashed: Troubled
    releases: list[ReleaseCourse]
    more_releases: bool
    problems: list[ProblemSummary]

    @property
    def is_empty(self) -> bool:
        """Whether no session has ever come."""
        return not self.releases


def read_overview(store: Store) -> Overview:
    """The overview of this moment. Raises StoreError."""
    now = datetime.now(UTC)
    active = store.sessions(Filter(status=Status.ACTIVE), limit=1)
    known = store.releases(limit=MOST_RELEASES_READ)
    shown = list(_newest_of_each(known.releases))
    return Overview(
        now=now,
        active=active.total,
        active_is_capped=active.total_is_capped,
        hung=_troubled(store, Filter(status=Status.HUNG)),
        crashed=_troubled(store, Filter(status=Status.CRASHED, start=now - LATELY)),
        releases=store.release_courses([(one.product, one.version) for one in shown], days=TREND_DAYS),
        more_releases=len(known.releases) > len(shown),
        problems=_newest_problems(store),
    )


def _troubled(store: Store, wanted: Filter) -> Troubled:
    page = store.sessions(wanted, sort="-updated", limit=MOST_IN_TROUBLE)
    return Troubled(page.total, page.total_is_capped, page.sessions)


def _newest_of_each(releases: list[Release]) -> Iterator[Release]:
    """Of the products that were seen last, those versions that were seen last; together what is one product's."""
    of_each: dict[str, list[Release]] = {}
    for release in releases:
        of_each.setdefault(release.product, []).append(release)
    for versions in islice(of_each.values(), MOST_PRODUCTS):
        yield from versions[:VERSIONS_OF_EACH]


def _newest_problems(store: Store) -> list[ProblemSummary]:
    return store.problems(ProblemFilter(unsettled=True), sort="-first_seen", limit=MOST_PROBLEMS).problems
