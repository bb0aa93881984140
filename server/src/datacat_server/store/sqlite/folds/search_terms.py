"""Which sessions had what in their state: an inverted index, kept up to date with every batch.

A term is a path, a kind and a text: the canonical JSON of a value (a scalar or a whole array) or of an element of an
array. A posting says that a session had it, and whether it has it now. Objects are descended into and have no term.

What changes all the time, such as a position, would make a posting for each of its values. So a path of a session
that has had more than MOST_VALUES, or an array of more elements, has an overflow instead of any posting: it holds the
present value, and what the path ever was stands in digests (past_values.py). What an array ever held then is looked up
in the log of the state (state_check.py). A session with more than MOST_TERMS has one overflow for all its paths, of
which the log answers, and so has one of which a single record says more than is looked at: all others wait while it is.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from datacat_server.canonical import Path, canonical, write_key, write_path
from datacat_server.ingest.merge import merge
from datacat_server.store.sqlite.folds.past_values import LONGEST_ARRAY, add_past_values, clear_past_values

MOST_VALUES = 200
MOST_TERMS = 20_000
LARGEST = 1_000
"""From so many values on that it is made of, the text of an array or an object is its length only."""

VALUE, ELEMENT = 0, 1
EVERY_PATH = "\\"
"""The path of an overflow that is of all paths; no path is written so."""

_LONGEST_TEXT = 200
_LOOKS_A_TERM = 3
_PATCHES_AT_ONCE = 1_000
_REMOVED_AT_ONCE = 1_000
_WEIGHT_OF_SLOT = 300

Slot = tuple[str, int]
"""A path, as it is written, and a kind."""
Term = tuple[str, int, str]
"""A path, a kind and a text."""


@dataclass(slots=True)
class SessionTerms:
    """What the writer remembers of a session's postings: how many there are at most, and which slots overflowed."""

    counts: dict[Slot, int] = field(default_factory=dict)
    total: int = 0
    overflows: set[Slot] = field(default_factory=set)

    @property
    def weight(self) -> int:
        """About how much memory it takes, in bytes."""
        return _WEIGHT_OF_SLOT * (len(self.counts) + len(self.overflows))

    @property
    def full(self) -> bool:
        return (EVERY_PATH, VALUE) in self.overflows


def term(path: Path, kind: int, value: Any) -> Term:
    """The term of a value, or of an element, at a path. Of one that `is_large` others may have the same."""
    return _short(write_path(path), "\\#"), kind, _text_of(value)


def is_large(value: Any) -> bool:
    """Whether the text of the value says only how large it is, for it takes long to write all of it in one way."""
    return count_values(value, LARGEST) >= LARGEST


def count_values(value: Any, most: int) -> int:
    """How many values, arrays and objects it is made of, itself included; no more than `most` are counted."""
    if not isinstance(value, list | dict):
        return 1
    if len(value) >= most:
        return most
    count = 1 + len(value)
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, list | dict):
            count += count_values(child, most - count + 1) - 1
            if count >= most:
                return most
    return count


def load_terms(db: sqlite3.Connection, session: int) -> SessionTerms:
    """What `fold_state` left behind."""
    loaded = SessionTerms()
    query = "SELECT path, kind, count(*) FROM postings JOIN terms ON id = term WHERE session = ? GROUP BY path, kind"
    for path, kind, count in db.execute(query, (session,)):
        loaded.counts[path, kind] = count
        loaded.total += count
    loaded.overflows.update(db.execute("SELECT path, kind FROM overflows WHERE session = ?", (session,)))
    return loaded


def fold_state(
    db: sqlite3.Connection,
    session: int,
    terms: SessionTerms,
    before: dict[str, Any],
    after: dict[str, Any],
    patches: Sequence[dict[str, Any]],
) -> None:
    """Bring the postings of a session from one state to another, to which the patches have led."""
    if terms.full:
        return
    changes = _Changes(terms.overflows)
    touched: dict[str, Any] = {}
    try:
        for patch in patches:
            changes.begin()
            changes.pass_by("", patch, touched)
        changes.begin()
        changes.arrive("", before, after, touched)
    except _TooMuch:
        _give_up(db, session, terms)
        return
    if sum(map(len, changes.terms.values())) > MOST_TERMS:
        _give_up(db, session, terms)
        return
    for slot in changes.crowded:
        _overflow(db, session, terms, slot, None)
    for path, texts in changes.passed.items():
        add_past_values(db, session, path, texts)
    if changes.present:
        db.executemany(
            "UPDATE overflows SET now = ? WHERE session = ? AND path = ? AND kind = 0",
            [(text, session, path) for path, text in changes.present.items()],
        )
    if changes.terms:
        _write(db, session, terms, changes.terms)


def build_terms(db: sqlite3.Connection, session: int) -> None:
    """The postings of a session that has none, from the log of its state."""
    patches = db.execute("SELECT patch FROM state_changes WHERE session = ? ORDER BY seq", (session,))
    terms, state = SessionTerms(), dict[str, Any]()
    while some := [msgspec.json.decode(patch) for (patch,) in islice(patches, _PATCHES_AT_ONCE)]:
        before = state
        for patch in some:
            state = merge(state, patch)
        fold_state(db, session, terms, before, state, some)


def rebuild_terms(db: sqlite3.Connection, session: int) -> None:
    """The postings of a session anew."""
    while clear_terms(db, session, _REMOVED_AT_ONCE) == _REMOVED_AT_ONCE:
        pass
    build_terms(db, session)


def rebuild_overflowed_terms(db: sqlite3.Connection, session: int) -> None:
    """The postings of a session anew, if a path of it has overflowed."""
    query = "SELECT 1 FROM overflows WHERE session = ? AND path <> ? AND kind = ?"
    if db.execute(query, (session, EVERY_PATH, VALUE)).fetchone():
        rebuild_terms(db, session)


class _TooMuch(Exception):
    """There is more to look at than one record is worth."""


class _Changes:
    """What a batch makes of the terms of a session: by slot the texts, and of each whether it holds at the end.

    `crowded`: the slots that have had too many in this batch alone, or an array with too many elements.
    `present`: of the paths without terms, those and what overflowed before, the text of what is there at the end,
    None for nothing. `passed`: of the same paths, the texts of what the patches have set.
    """

    def __init__(self, overflows: set[Slot]) -> None:
        self.terms: dict[Slot, dict[str, bool]] = {}
        self.crowded: set[Slot] = set()
        self.present: dict[str, str | None] = {}
        self.passed: dict[str, dict[str, bool]] = {}
        self._overflows = overflows
        self._left = 0

    def begin(self) -> None:
        """Begin to look at something: at each patch, and at the states, it raises _TooMuch after so many values."""
        self._left = _LOOKS_A_TERM * MOST_TERMS

    def pass_by(self, prefix: str, patch: dict[str, Any], touched: dict[str, Any]) -> None:
        """Note what a patch sets, and gather what patches touch: by key True, or a dict where they go deeper only."""
        for key, value in patch.items():
            if isinstance(value, dict):
                deeper = touched.setdefault(key, {})
                self.pass_by(f"{prefix}{write_key(key)}.", value, {} if deeper is True else deeper)
            else:
                touched[key] = True
                if value is not None:
                    self._note(prefix + write_key(key), value, False)

    def arrive(self, prefix: str, before: dict[str, Any], after: dict[str, Any], touched: dict[str, Any]) -> None:
        """Note what was before and is no more, then what is now, of all that was touched."""
        for key, deeper in touched.items():
            old, new = before.get(key), after.get(key)
            path = prefix + write_key(key)
            if deeper is not True and isinstance(old, dict) and isinstance(new, dict):
                self.arrive(f"{path}.", old, new, deeper)
                continue
            self._note_all(path, old, False)
            self._note_all(path, new, True)

    def _note_all(self, path: str, value: Any, now: bool) -> None:
        if isinstance(value, dict):
            for key, child in value.items():
                self._note_all(f"{path}.{write_key(key)}", child, now)
        elif value is not None:
            self._note(path, value, now, at_the_end=True)

    def _note(self, path: str, value: Any, now: bool, *, at_the_end: bool = False) -> None:
        self._left -= 1
        if self._left < 0:
            raise _TooMuch
        path = _short(path, "\\#")
        slot = path, VALUE
        if self._has_terms(slot):
            self._add(slot, self._text(value), now)
        if slot in self._overflows or slot in self.crowded:
            if at_the_end:
                self.present[path] = self._text(value) if now else None
            elif not isinstance(value, list):
                self.passed.setdefault(path, {})[_short(canonical(value), "#")] = False
            elif len(value) <= LONGEST_ARRAY:
                self.passed.setdefault(path, {})[self._text(value)] = False
        if isinstance(value, list):
            self._note_elements((path, ELEMENT), value, now)

    def _note_elements(self, slot: Slot, elements: list[Any], now: bool) -> None:
        if not self._has_terms(slot):
            return
        if len(elements) > MOST_VALUES:
            self._crowd(slot)
            return
        for element in elements:
            self._add(slot, self._text(element), now)
            if slot in self.crowded:
                return

    def _has_terms(self, slot: Slot) -> bool:
        return slot not in self._overflows and slot not in self.crowded

    def _add(self, slot: Slot, text: str, now: bool) -> None:
        texts = self.terms.get(slot)
        if texts is None:
            texts = self.terms[slot] = {}
        texts[text] = now
        if len(texts) > MOST_VALUES:
            self._crowd(slot)

    def _crowd(self, slot: Slot) -> None:
        self.crowded.add(slot)
        path, kind = slot
        texts = self.terms.pop(slot, {})
        if kind == VALUE:
            self.passed[path] = texts

    def _text(self, value: Any) -> str:
        if isinstance(value, list | dict):
            self._left -= count_values(value, LARGEST)
        return _text_of(value)


def _write(db: sqlite3.Connection, session: int, terms: SessionTerms, changes: dict[Slot, dict[str, bool]]) -> None:
    rows = [(*slot, text, now) for slot, texts in changes.items() for text, now in texts.items()]
    db.executemany("INSERT OR IGNORE INTO terms (path, kind, text) VALUES (?, ?, ?)", [row[:3] for row in rows])
    db.executemany(
        "INSERT INTO postings SELECT id, ?, ? FROM terms WHERE path = ? AND kind = ? AND text = ?"
        " ON CONFLICT (term, session) DO UPDATE SET now = excluded.now WHERE now <> excluded.now",
        [(session, now, path, kind, text) for path, kind, text, now in rows],
    )
    for slot, texts in changes.items():
        # Counted in the tables only now and then: a path may well go back and forth between two values for ever.
        terms.counts[slot] = terms.counts.get(slot, 0) + len(texts)
        terms.total += len(texts)
        if terms.counts[slot] > MOST_VALUES:
            terms.total -= terms.counts[slot]
            terms.counts[slot] = _count(db, session, slot)
            terms.total += terms.counts[slot]
            if terms.counts[slot] > MOST_VALUES:
                _overflow(db, session, terms, slot, next((text for text, now in texts.items() if now), None))
    if terms.total > MOST_TERMS:
        terms.total = db.execute("SELECT count(*) FROM postings WHERE session = ?", (session,)).fetchone()[0]
        if terms.total > MOST_TERMS:
            _give_up(db, session, terms)


def _overflow(db: sqlite3.Connection, session: int, terms: SessionTerms, slot: Slot, now: str | None) -> None:
    """From now on the slot has no postings. `now`: the text of what is there, for a path."""
    path, kind = slot
    found = db.execute(f"SELECT id, text {_OF_SLOT}", (session, path, kind)).fetchall()
    db.execute("INSERT INTO overflows VALUES (?, ?, ?, ?)", (path, kind, session, now if kind == VALUE else None))
    terms.overflows.add(slot)
    terms.total -= terms.counts.pop(slot, 0)
    if kind == VALUE:
        add_past_values(db, session, path, [text for _, text in found])
    remove_postings(db, session, [number for number, _ in found])


def _give_up(db: sqlite3.Connection, session: int, terms: SessionTerms) -> None:
    """From now on the session has no postings at all."""
    clear_past_values(db, session, -1)
    db.execute("DELETE FROM overflows WHERE session = ?", (session,))
    db.executemany(
        "INSERT INTO overflows VALUES (?, ?, ?, NULL)", [(EVERY_PATH, kind, session) for kind in (VALUE, ELEMENT)]
    )
    terms.counts, terms.total = {}, 0
    terms.overflows = {(EVERY_PATH, VALUE), (EVERY_PATH, ELEMENT)}
    remove_postings(db, session, [row[0] for row in db.execute(_OF_SESSION, (session, -1))])


def clear_terms(db: sqlite3.Connection, session: int, most: int) -> int:
    """Remove at most so many postings of a session that is gone; how many. Fewer: nothing of it is left."""
    found = [row[0] for row in db.execute(_OF_SESSION, (session, most))]
    remove_postings(db, session, found)
    most -= len(found)
    parts = clear_past_values(db, session, most)
    overflows = db.execute(
        "DELETE FROM overflows WHERE (path, kind, session) IN"
        " (SELECT path, kind, session FROM overflows WHERE session = ? LIMIT ?)",
        (session, most - parts),
    ).rowcount
    return len(found) + parts + overflows


def remove_postings(db: sqlite3.Connection, session: int, numbers: Iterable[int]) -> None:
    """Remove postings of a session by the numbers of their terms, and those terms that nobody else had."""
    pairs = [(number, session) for number in numbers]
    db.executemany("DELETE FROM postings WHERE term = ? AND session = ?", pairs)
    db.executemany(
        "DELETE FROM terms WHERE id = ? AND NOT EXISTS (SELECT 1 FROM postings WHERE term = id)",
        [(number,) for number, _ in pairs],
    )


_OF_SLOT = "FROM postings JOIN terms ON id = term WHERE session = ? AND path = ? AND kind = ?"
_OF_SESSION = "SELECT term FROM postings WHERE session = ? LIMIT ?"


def _count(db: sqlite3.Connection, session: int, slot: Slot) -> int:
    count: int = db.execute(f"SELECT count(*) {_OF_SLOT}", (session, *slot)).fetchone()[0]
    return count


def _text_of(value: Any) -> str:
    if isinstance(value, list | dict) and is_large(value):
        return f"#{len(value)}"
    return _short(canonical(value), "#")


def _short(text: str, mark: str) -> str:
    """The text, or of a long one its digest behind a mark with which no text begins."""
    return text if len(text) <= _LONGEST_TEXT else mark + hashlib.sha256(text.encode()).hexdigest()
