"""What the sessions of a problem have in common, against sessions of the same product without it.

Both sides are bounded: the newest of either, and of each no more postings than a page has time for.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from datacat_server.store.problems import (
    LEAST_DIFFERENCE,
    MOST_OTHERS,
    MOST_STANDING_OUT,
    MOST_WITH,
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
    compared = len(having) > 1 and bool(others)
    return Commonalities(
        sessions=len(having), others=len(others), found=_standing_out(db, having, others) if compared else []
    )


def _standing_out(db: sqlite3.Connection, having: list[int], others: list[int]) -> list[Commonality]:
    here, there = _counts(db, having), _counts(db, others)
    found = []
    for (trait, path, value), count in here.items():
        share, share_without = count / len(having), there[trait, path, value] / len(others)
        if count > 1 and share - share_without >= LEAST_DIFFERENCE:
            found.append(Commonality(trait=trait, path=path, value=value, share=share, share_without=share_without))
    found.sort(key=lambda one: (one.share_without - one.share, -one.share, one.trait, one.path, one.value))
    return found[:MOST_STANDING_OUT]


def _counts(db: sqlite3.Connection, sessions: list[int]) -> Counter[_Found]:
    """In how many of the sessions each trait is."""
    listed = msgspec.json.encode(sessions).decode()
    counts = Counter(_of_columns(db, listed))
    terms = Counter(
        term
        for (term,) in db.execute(
            "SELECT term FROM postings WHERE session IN (SELECT value FROM json_each(?)) LIMIT ?",
            (listed, _MOST_POSTINGS),
        )
    )
    numbers = msgspec.json.encode(list(terms)).decode()
    for term, path, kind, text in db.execute(
        "SELECT id, path, kind, text FROM terms WHERE id IN (SELECT value FROM json_each(?))", (numbers,)
    ):
        # Behind these marks stands a digest, of which nobody could say what it was.
        if path not in _OF_COLUMNS and not path.startswith("\\#") and not text.startswith("#"):
            counts[_TRAITS[kind], path, text] += terms[term]
    return counts


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
