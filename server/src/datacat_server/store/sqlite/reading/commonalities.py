"""What the sessions of a problem have in common, against sessions of the same product without it.

Both sides are bounded: the newest with it, those without it that began at about the same times, and of each no more
postings than a page has time for. At the same times, because versions, machines and states change with time: against
sessions of another week nearly everything would stand out.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from math import comb
from random import Random
from typing import Any

import msgspec

from datacat_server.store.problems import (
    LEAST_DIFFERENCE,
    MOST_OTHERS,
    MOST_STANDING_OUT,
    MOST_WITH,
    SURE_BELOW,
    Commonalities,
    Commonality,
    Trait,
    UnknownProblem,
)
from datacat_server.store.sqlite.folds.search_terms import ELEMENT, VALUE

_MOST_POSTINGS = 50_000
_PLACES = 20
"""At so many moments the others are drawn, each in the middle of as many sessions with the problem."""
_MOST_PASSED = MOST_OTHERS
"""So many sessions are looked at on either side of a moment: where nearly all have the problem, few are found."""
_OF_COLUMNS = {"product", "version"}
"""Paths of the state that repeat a column."""

_Found = tuple[Trait, str, str]


def read_commonalities(db: sqlite3.Connection, problem_id: str) -> Commonalities:
    """What stands out. Raises UnknownProblem."""
    row = db.execute("SELECT product FROM problems WHERE id = ?", (problem_id,)).fetchone()
    if row is None:
        raise UnknownProblem(problem_id)
    having = [
        session
        for (session,) in db.execute(
            "SELECT session FROM problem_sessions WHERE problem = ? ORDER BY last DESC LIMIT ?", (problem_id, MOST_WITH)
        )
    ]
    others = _others(db, row[0], problem_id, having)
    for sample in (having, others):
        Random(0).shuffle(sample)  # so that its first ones, where there is time for no more, are of all times
    if len(having) < 2 or not others:
        return Commonalities(sessions=len(having), others=len(others), found=[])
    return _standing_out(_Counted(db, having), _Counted(db, others))


def _others(db: sqlite3.Connection, product: str, problem_id: str, having: list[int]) -> list[int]:
    """Sessions without the problem: to every so many of those with it, as many that began next to the middle one."""
    moments = [
        created
        for (created,) in db.execute(
            "SELECT created FROM sessions WHERE id IN (SELECT value FROM json_each(?)) ORDER BY created",
            (msgspec.json.encode(having).decode(),),
        )
    ]
    places = min(_PLACES, len(moments))
    found: dict[int, None] = {}
    for place in range(places):
        middle = moments[(2 * place + 1) * len(moments) // (2 * places)]
        later = _away_from(db, product, problem_id, middle, ">=", "ASC")
        earlier = _away_from(db, product, problem_id, middle, "<", "DESC")
        nearest = merge(later, earlier)
        left = max((place + 1) * MOST_OTHERS // places - len(found), 0)
        found |= dict.fromkeys(islice((number for _, number in nearest if number not in found), left))
    return list(found) or _newest(db, product, problem_id)


def _newest(db: sqlite3.Connection, product: str, problem_id: str) -> list[int]:
    """The newest sessions without the problem, at whatever time."""
    rows = db.execute(
        "SELECT id FROM sessions WHERE product = ? AND NOT EXISTS (SELECT 1 FROM problem_sessions"
        " WHERE problem = ? AND session = sessions.id) ORDER BY created DESC LIMIT ?",
        (product, problem_id, MOST_OTHERS),
    )
    return [session for (session,) in rows]


def _away_from(
    db: sqlite3.Connection, product: str, problem_id: str, middle: int, side: str, order: str
) -> Iterator[tuple[int, int]]:
    """How far from a moment, on one side of it, sessions without the problem began, and which; the nearest first."""
    return db.execute(
        "SELECT abs(created - ?), id FROM (SELECT created, id FROM sessions INDEXED BY sessions_by_product"
        f" WHERE product = ? AND created {side} ? ORDER BY created {order} LIMIT {_MOST_PASSED})"
        " WHERE NOT EXISTS (SELECT 1 FROM problem_sessions WHERE problem = ? AND session = id)",
        (middle, product, middle, problem_id),
    )


class _Counted:
    """In how many (`counts`) of so many `sessions` each trait is; of the first ones, as far as there is time for them.

    A session is counted whole or not at all: else what is rare would be whatever was not looked at.
    """

    def __init__(self, db: sqlite3.Connection, sessions: list[int]) -> None:
        listed = msgspec.json.encode(sessions).decode()
        postings = db.execute(
            "SELECT key, term FROM json_each(?) CROSS JOIN postings ON session = value LIMIT ?",
            (listed, _MOST_POSTINGS),
        ).fetchall()
        self.sessions = len(sessions) if len(postings) < _MOST_POSTINGS else max(1, postings[-1][0])
        terms = Counter(term for place, term in postings if place < self.sessions)
        self.counts = Counter(_of_columns(db, msgspec.json.encode(sessions[: self.sessions]).decode()))
        for term, path, kind, text in db.execute(
            "SELECT id, path, kind, text FROM terms WHERE id IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(list(terms)).decode(),),
        ):
            # Behind these marks stands a digest, of which nobody could say what it was.
            if path not in _OF_COLUMNS and not path.startswith("\\#") and not text.startswith("#"):
                self.counts[_TRAITS[kind], path, text] += terms[term]


def _standing_out(here: _Counted, there: _Counted) -> Commonalities:
    found = []
    for trait, count in here.counts.items():
        share, share_without = count / here.sessions, there.counts[trait] / there.sessions
        if count > 1 and share - share_without >= LEAST_DIFFERENCE:
            found.append((share_without - share, -share, trait))
    # What is compared is what could have stood out at all: of a trait of one session nothing is said.
    compared = sum(1 for count in here.counts.values() if count > 1)
    return Commonalities(
        sessions=here.sessions,
        others=there.sessions,
        found=[_commonality(trait, here, there, compared) for *_, trait in sorted(found)[:MOST_STANDING_OUT]],
    )


def _commonality(trait: _Found, here: _Counted, there: _Counted, compared: int) -> Commonality:
    count, count_without = here.counts[trait], there.counts[trait]
    return Commonality(
        trait=trait[0],
        path=trait[1],
        value=trait[2],
        count=count,
        share=count / here.sessions,
        count_without=count_without,
        share_without=count_without / there.sessions,
        sure=by_chance(count, here.sessions, count_without, there.sessions) * compared < SURE_BELOW,
    )


def by_chance(count: int, having: int, count_without: int, others: int) -> float:
    """How probable it is that, drawn blindly, so many of a trait's sessions are among those `having` the problem.

    Fisher's exact test, one-sided.
    """
    with_trait, everyone = count + count_without, having + others
    most = min(with_trait, having)
    ways = comb(everyone, having)
    return sum(comb(with_trait, k) * comb(everyone - with_trait, having - k) for k in range(count, most + 1)) / ways


def _of_columns(db: sqlite3.Connection, listed: str) -> Iterator[_Found]:
    rows = db.execute(
        "SELECT version, coalesce(hostname, machine_id), facts FROM sessions"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (listed,),
    )
    for version, machine, facts in rows:
        yield Trait.VERSION, "", version
        if machine:
            yield Trait.MACHINE, "", machine
        for name, value in _facts(facts).items():
            if isinstance(value, str | int | bool) and len(str(value)) <= _LONGEST_FACT:
                yield Trait.FACT, name, value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _facts(text: str) -> dict[str, Any]:
    facts = msgspec.json.decode(text)
    return facts if isinstance(facts, dict) else {}


_LONGEST_FACT = 200
_TRAITS = {VALUE: Trait.STATE, ELEMENT: Trait.ELEMENT}
