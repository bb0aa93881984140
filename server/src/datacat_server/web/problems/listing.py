"""The list of problems: what its address asks for, and what the page says of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from datacat_server.filters import LONGEST_Q
from datacat_server.store.problem_evidence import ProblemCensus
from datacat_server.store.problems import ProblemFilter, ProblemKind, ProblemPage, ProblemStatus
from datacat_server.store.protocol import Store
from datacat_server.web.problems.bars import SMALL_DAYS, trend

PAGE_SIZE = 50
NEWEST_FIRST = "-last_seen"
ORDERS = {"-last_seen": "last seen", "-first_seen": "first seen", "-count": "most often", "-sessions": "most sessions"}
ANY = "any"
UNSETTLED = (ProblemStatus.OPEN, ProblemStatus.REGRESSED)
NAMES = ("product", "version", "new_in", "kind", "status", "q", "sort")
_OFFERED = 200


def said_by(parameters: Mapping[str, str]) -> dict[str, str]:
    """What an address says of a list, without what is empty."""
    return {name: value for name in NAMES if (value := parameters.get(name))}


def problems_address(said: Mapping[str, str], **changes: str | None) -> str:
    """The address of the list with some of what is said changed, from the first page on."""
    query = urlencode([(name, value) for name, value in (dict(said) | changes).items() if value])
    return f"/problems?{query}" if query else "/problems"


def wanted_by(said: Mapping[str, str]) -> ProblemFilter:
    """The filter that is said; without a status those that nobody has settled yet. Raises ValueError, `name: why`."""
    if len(said.get("q", "")) > LONGEST_Q:
        raise ValueError(f"q: is longer than {LONGEST_Q} characters")
    status = said.get("status")
    return ProblemFilter(
        product=said.get("product"),
        version=said.get("version"),
        new_in=said.get("new_in"),
        unsettled=status is None,
        kind=_one_of("kind", ProblemKind, said.get("kind")),
        status=None if status == ANY else _one_of("status", ProblemStatus, status),
        q=said.get("q"),
    )


def read_list(store: Store, said: Mapping[str, str], cursor: str | None) -> ProblemPage:
    """Part of the list. Raises ValueError for what is no filter, sort or cursor."""
    return store.problems(wanted_by(said), sort=said.get("sort", NEWEST_FIRST), limit=PAGE_SIZE, cursor=cursor)


def list_context(store: Store, said: Mapping[str, str], page: ProblemPage, *, paged: bool) -> dict[str, Any]:
    """What the template of the list gets."""
    now = datetime.now(UTC)
    wanted = wanted_by(said)
    census = store.problem_census(msgspec.structs.replace(wanted, kind=None, status=None, unsettled=False))
    kinds = [wanted.kind] if wanted.kind else list(ProblemKind)
    statuses = [wanted.status] if wanted.status else list(UNSETTLED if wanted.unsettled else ProblemStatus)
    days = store.problem_days([one.id for one in page.problems], now.date() - timedelta(days=SMALL_DAYS - 1))
    return {
        "page": page,
        "said": said,
        "address": lambda **changes: problems_address(said, **changes),
        "narrowed": bool(said.keys() - {"sort", "status"}),
        "by_kind": {kind: census.count([kind], statuses) for kind in ProblemKind},
        "by_status": {status: census.count(kinds, [status]) for status in ProblemStatus},
        "any_kind": census.count(statuses=statuses),
        "any_status": census.count(kinds),
        "unsettled": census.count(kinds, UNSETTLED),
        "capped": census.is_capped,
        "sentence": _sentence(census, kinds),
        "trends": {problem_id: trend(some, now.date()) for problem_id, some in days.items()},
        "orders": ORDERS,
        "sort": said.get("sort", NEWEST_FIRST),
        "products": store.products(limit=_OFFERED),
        "versions": store.versions(product=said.get("product"), limit=_OFFERED) if said.get("product") else [],
        "paged": paged,
        "now": now,
    }


def _sentence(census: ProblemCensus, kinds: list[ProblemKind]) -> list[tuple[int, ProblemKind]]:
    """How many of each kind need a look; nothing of kinds of which none does."""
    return [(amount, kind) for kind in kinds if (amount := census.count([kind], UNSETTLED))]


def _one_of(name: str, words: Any, word: str | None) -> Any:
    if word is None:
        return None
    try:
        return words(word)
    except ValueError:
        raise ValueError(f"{name}: expected one of {', '.join(words)}") from None
