"""Every filter, sort and page, against a plain and slow implementation that keeps dicts and looks at all of them."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from datacat_server.filters import STATUSES, Filter, Relation, StateCondition, parse_filter, to_query
from datacat_server.ingest.decode import decode_batches
from datacat_server.model import Session
from datacat_server.store.protocol import SORTS
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME, connect
from datacat_server.store.sqlite.folds import search_terms
from datacat_server.store.sqlite.folds.search_terms import build_terms
from datacat_server.store.sqlite.folds.session_text import write_every_text
from datacat_server.store.sqlite.reading import listing, selection
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

START = 1_795_298_400_000_000
FIRST = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)

PRODUCTS = ("Game", "game Über", "50%")
VERSIONS = ("1.0", "1.10")
MACHINES = (None, "m1", "Bluebird")
REASONS = ("killed by SIGSEGV", 'out of "memory"', "STRASSE gesperrt", "a_b%", "x")
RAISED = {
    "kind": "event", "name": "e", "exception_type": "Strange", "exception_msg": "the STRASSE of 10%",
    "source_file": "/srv/straße.py", "source_function": "go_on",
}  # fmt: skip
TEXTS = (
    "GAME",
    "über",
    "straße",
    "bird",
    "1.",
    "%",
    "a_b",
    '"of me"',
    "of out",
    "killed game 1.0",
    "10% straße s1",
    '"STRASSE gesp" by',
    "out out of nothing",
    '""',
    "sigsegv",
    "s1",
    "0",
    "nothing like it",
    "\0",
    "xx",
)
LONG = "long " * 60
# Two of them most of the time, so that paths meet.
KEYS = ("a",) * 6 + ("b",) * 4 + ("a.b", "x:y", "", "back\\slash", "k" * 300)

scalars = st.sampled_from([0, 1, 2, 1.0, 2.5, -0.0, 10**18, 1e300, True, False, "x", "X", "1", "true", "", LONG, '"q"'])
elements = st.recursive(
    scalars | st.none(),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.sampled_from(KEYS), children, max_size=2),
    max_leaves=3,
)
arrays = st.lists(elements, max_size=4)
patches = st.recursive(
    st.dictionaries(st.sampled_from(KEYS), scalars | arrays | st.none(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner | scalars | arrays | st.none(), max_size=3),
    max_leaves=4,
)
records = st.lists(
    st.one_of(
        patches.map(lambda patch: {"kind": "state", "state": patch}),
        st.builds(
            lambda status, reason: {"kind": "status", "status": status, "reason": reason},
            st.sampled_from(["hung", "recovered", "suspended", "resumed", "ended", "crashed"]),
            st.sampled_from(REASONS),
        ),
        st.sampled_from(
            [{"kind": "event", "name": "e"}, {"kind": "event", "name": "e", "exception_type": "E"}, RAISED]
        ),
    ),
    max_size=6,
)
headers = st.fixed_dictionaries(
    {
        "product": st.sampled_from(PRODUCTS),
        "version": st.sampled_from(VERSIONS),
        "machine_id": st.sampled_from(MACHINES),
        "hostname": st.sampled_from(MACHINES),
        "time": st.integers(0, 5).map(lambda second: START + second * 1_000_000),
    }
)
moments = st.none() | st.integers(-1, 6).map(lambda second: FIRST + timedelta(seconds=second))
conditions = st.builds(
    StateCondition,
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=3).map(tuple) | st.just(("product",)),
    st.sampled_from([Relation.IS, Relation.WAS]),
    scalars | arrays | st.none() | st.sampled_from(PRODUCTS),
) | st.builds(
    StateCondition,
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=2).map(tuple),
    st.sampled_from([Relation.CONTAINS, Relation.CONTAINED]),
    elements,
)
filters = st.builds(
    Filter,
    product=st.none() | st.sampled_from(PRODUCTS),
    version=st.none() | st.sampled_from(VERSIONS),
    machine=st.none() | st.sampled_from(MACHINES),
    status=st.none() | st.sampled_from(STATUSES),
    start=moments,
    end=moments,
    q=st.none() | st.sampled_from(TEXTS),
    state=st.lists(conditions, max_size=2).map(tuple),
)
narrow = st.one_of(
    st.builds(Filter, state=st.tuples(conditions)),
    st.builds(Filter, q=st.sampled_from(TEXTS)),
    st.builds(Filter, status=st.sampled_from(STATUSES)),
    filters,
)


@dataclass
class Kept:
    """What the reference knows of a session: all its states, and the session as it reads by itself."""

    states: list[dict[str, Any]]
    ordinal: int = 0
    session: Session | None = None
    told: list[str] = field(default_factory=list)
    """Of its problems: what they are called, where they are, and their messages."""


@dataclass
class Reference:
    sessions: dict[str, Kept] = field(default_factory=dict)

    def meant(self, wanted: Filter) -> list[str]:
        return [name for name, kept in self.sessions.items() if holds(wanted, kept)]

    def page_order(self, wanted: Filter, sort: str) -> list[str]:
        ordered = sorted(self.meant(wanted), key=lambda name: self.value(name, sort.removeprefix("-")))
        return ordered[::-1] if sort.startswith("-") else ordered

    def value(self, name: str, sort: str) -> tuple[Any, int]:
        session = self.sessions[name].session
        assert session is not None
        length = max((session.ended_at or session.updated_at) - session.created_at, timedelta())
        values = {"created": session.created_at, "updated": session.updated_at, "duration": length}
        return values.get(sort, getattr(session, sort, None)), list(self.sessions).index(name)


def holds(wanted: Filter, kept: Kept) -> bool:
    session = kept.session
    assert session is not None
    texts = [session.id, session.product, session.version, session.machine_id, session.hostname, session.reason]
    texts += kept.told
    return (
        wanted.product in (None, session.product)
        and wanted.version in (None, session.version)
        and (wanted.machine is None or wanted.machine in (session.machine_id, session.hostname))
        and (wanted.status is None or has_status(wanted.status, session))
        and (wanted.start is None or session.created_at >= wanted.start)
        and (wanted.end is None or session.created_at < wanted.end)
        and all(any(word in text.casefold() for text in texts if text) for word in words_of(wanted.q or ""))
        and all(state_holds(condition, kept.states) for condition in wanted.state)
    )


def words_of(q: str) -> list[str]:
    """Every second part between quotes is one word as it stands; of the others blanks make several."""
    parts = q.casefold().split('"')
    return [word for place, part in enumerate(parts) for word in ([part] if place % 2 else part.split()) if word]


def has_status(status: str, session: Session) -> bool:
    match status:
        case "ever_hung":
            return session.ever_hung
        case "hung_recovered":
            return session.ever_hung and not session.hung
        case "hung_ended":
            return session.hung and session.ended_at is not None and not session.crashed
        case "hung_crashed":
            return session.hung and session.crashed
    return session.status == status


def state_holds(condition: StateCondition, states: list[dict[str, Any]]) -> bool:
    looked_at = states[-1:] if condition.relation in (Relation.IS, Relation.CONTAINS) else states
    for state in looked_at:
        found: Any = state
        for key in condition.path:
            found = found.get(key) if isinstance(found, dict) else None
        if condition.relation in (Relation.IS, Relation.WAS):
            if found is not None and not isinstance(found, dict) and same(found, condition.value):
                return True
        elif isinstance(found, list) and any(same(item, condition.value) for item in found):
            return True
    return False


def same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def merged(state: Any, change: dict[str, Any]) -> dict[str, Any]:
    new = dict(state) if isinstance(state, dict) else {}
    for key, value in change.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = merged(new.get(key), value) if isinstance(value, dict) else value
    return new


def send(store: SqliteStore, reference: Reference, name: str, header: dict[str, Any], said: list[Any]) -> None:
    """Have the store and the reference take a batch."""
    first = {"product": header["product"], "version": header["version"]}
    kept = reference.sessions.setdefault(name, Kept([first]))
    lines = [{"kind": "session", "id": name} | header, {"kind": "writer", "writer": "1-0"}]
    lines[1] |= {"first": kept.ordinal, "next": kept.ordinal + len(said)}
    for record in said:
        lines.append({"writer": "1-0", "ordinal": kept.ordinal, "time": START + kept.ordinal} | record)
        kept.ordinal += 1
        if record["kind"] == "state":
            kept.states.append(merged(kept.states[-1], record["state"]))
    batches, stray = decode_batches(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    result = store.ingest(batches)
    assert (stray, result.refused) == ([], [])


def check(store: SqliteStore, reference: Reference, asked: list[tuple[Filter, str, int]]) -> None:
    for name, kept in reference.sessions.items():
        kept.session = store.session(name, ())
        problems = store.session_problems(name)
        kept.told = [f"{shown.problem.title} {shown.problem.culprit}" for shown in problems]
        kept.told += [shown.message for shown in problems if shown.message]
        assert same(kept.session.state, kept.states[-1])
    for wanted, sort, limit in asked:
        expected = reference.page_order(wanted, sort)
        event(f"picks {'none' if not expected else 'all' if len(expected) == len(reference.sessions) else 'some'}")
        found: list[str] = []
        cursor = None
        while True:
            page = store.sessions(wanted, sort=sort, limit=limit, cursor=cursor)
            assert (page.total, page.total_is_capped) == (len(expected), False), wanted
            found += [session.id for session in page.sessions]
            cursor = page.cursor
            if cursor is None:
                break
            assert len(page.sessions) == limit
        assert found == expected, (wanted, sort)


def about(said: list[tuple[dict[str, Any], list[Any], list[Any]]]) -> list[StateCondition]:
    """What has an answer, most likely: about each value that was ever set somewhere."""
    found = {}
    for _, first, second in said:
        for record in (*first, *second):
            for path, value in leaves((), record.get("state", {})):
                for relation in (Relation.IS, Relation.WAS):
                    found[repr((path, relation, value))] = StateCondition(path, relation, value)
                for item in value[:1] if isinstance(value, list) else ():
                    for relation in (Relation.CONTAINS, Relation.CONTAINED):
                        found[repr((path, relation, item))] = StateCondition(path, relation, item)
    # A dozen of them: what is asked is asked four times.
    return list(found.values())[:: len(found) // 12 + 1]


def leaves(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves((*path, key), child)
    elif value is not None:
        yield path, value


@contextmanager
def limits(values: int, terms: int, largest: int, few: int, many: int, walk: int) -> Iterator[None]:
    """How many values and terms are indexed, how large ones; how many sessions are named, listed and walked by."""
    with (
        patch.object(search_terms, "MOST_VALUES", values),
        patch.object(search_terms, "MOST_TERMS", terms),
        patch.object(search_terms, "LARGEST", largest),
        patch.object(selection, "FEW", few),
        patch.object(selection, "MANY", many),
        patch.object(listing, "WALK", walk),
    ):
        yield


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    said=st.lists(st.tuples(headers, records, records), min_size=1, max_size=7),
    asked=st.lists(
        st.tuples(narrow, st.sampled_from([*SORTS, *(f"-{name}" for name in SORTS)]), st.integers(1, 4)), max_size=12
    ),
    values=st.sampled_from([1, 3, 200]),
    terms=st.sampled_from([8, 20_000]),
    largest=st.sampled_from([3, 1_000]),
    bounds=st.sampled_from([(0, 1, 3), (0, 1_000, 5_000), (1, 2, 4), (1_000, 30_000, 5)]),
)
def test_every_filter_sort_and_page_is_what_looking_at_all_sessions_gives(
    said: list[tuple[dict[str, Any], list[Any], list[Any]]],
    asked: list[tuple[Filter, str, int]],
    values: int,
    terms: int,
    largest: int,
    bounds: tuple[int, int, int],
) -> None:
    """As it comes in, after the store was opened again, after removals, and built anew from what was stored."""
    reference = Reference()
    asked = asked + [(Filter(state=(condition,)), "-created", 3) for condition in about(said)]
    with TemporaryDirectory() as folder, limits(values, terms, largest, *bounds):
        with closing(SqliteStore(Path(folder))) as store:
            for number, (header, first, _) in enumerate(said):
                send(store, reference, f"s{number}", header, first)
            check(store, reference, asked)
        with closing(SqliteStore(Path(folder))) as store:
            for number, (header, _, second) in enumerate(said):
                send(store, reference, f"s{number}", header, second)
            check(store, reference, asked)
            for number in range(0, len(said), 3):
                store.delete(f"s{number}")
                del reference.sessions[f"s{number}"]
            store.clear()
            check(store, reference, asked)
        with closing(connect(Path(folder) / FILE_NAME)) as db:
            db.execute("BEGIN")
            for table in ("session_texts", "terms", "postings", "overflows", "past_values"):
                db.execute(f"DELETE FROM {table}")
            write_every_text(db)
            for (session,) in db.execute("SELECT id FROM sessions").fetchall():
                build_terms(db, session)
            db.execute("COMMIT")
        with closing(SqliteStore(Path(folder))) as store:
            check(store, reference, asked)


@given(wanted=filters)
def test_a_filter_comes_back_from_its_address(wanted: Filter) -> None:
    again = parse_filter(to_query(wanted))
    assert to_query(again) == to_query(wanted)
    assert (again.product, again.start, again.end, again.q) == (wanted.product, wanted.start, wanted.end, wanted.q)
    for one, other in zip(again.state, wanted.state, strict=True):
        assert (one.path, one.relation) == (other.path, other.relation)
        assert same(one.value, other.value)
