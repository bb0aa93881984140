"""What the sessions of a problem have in common, against sessions of the same product without it.

Both sides are bounded: the newest of either, and of each no more postings than a page has time for.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from math import comb
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
    others = [
        session
        for (session,) in db.execute(
            "SELECT id FROM sessions WHERE product = ? AND NOT EXISTS (SELECT 1 FROM problem_sessions"
            " WHERE problem = ? AND session = sessions.id) ORDER BY created DESC LIMIT ?",
            (row[0], problem_id, MOST_OTHERS),
        )
    ]
    if len(having) < 2 or not others:
        return Commonalities(sessions=len(having), others=len(others), found=[])
    return _standing_out(_Counted(db, having), _Counted(db, others))


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
