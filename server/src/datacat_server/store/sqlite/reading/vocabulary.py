"""The words that filters are made of: products, versions, machines, and what states had where.

What is distinct is found by steps from one to the next in an index, so that it costs nothing how often each is there.
At most LOOKED_AT are looked through for a text; of more, those are added that begin with it.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from datacat_server.canonical import canonical
from datacat_server.store.sqlite.folds.search_terms import ELEMENT, VALUE

LOOKED_AT = 500

_AFTER_ANY = "\U0010ffff"
_DIGEST_OF_PATH, _DIGEST_OF_VALUE = "\\#", "#"


def read_products(db: sqlite3.Connection, like: str, limit: int) -> list[str]:
    return _chosen(_names(db, "releases", "product", like), like, limit)


def read_versions(db: sqlite3.Connection, like: str, product: str | None, limit: int) -> list[str]:
    if product is None:
        return _chosen(_names(db, "sessions", "version", like), like, limit)
    rows = db.execute("SELECT version FROM releases WHERE product = ? ORDER BY last DESC LIMIT ?", (product, LOOKED_AT))
    return _chosen([version for (version,) in rows], like, limit)


def read_machines(db: sqlite3.Connection, like: str, limit: int) -> list[str]:
    return _chosen(_names(db, "sessions", "hostname", like), like, limit)


def read_paths(db: sqlite3.Connection, like: str, elements: bool, limit: int) -> list[str]:
    kind = ELEMENT if elements else VALUE
    paths = [
        path
        for path in _names(db, "terms", "path", like)
        if not path.startswith(_DIGEST_OF_PATH)
        and db.execute(
            "SELECT 1 FROM terms WHERE path = ? AND kind = ? AND text < '[' LIMIT 1", (path, kind)
        ).fetchone()
    ]
    return _chosen(paths, like, limit)


def read_values(db: sqlite3.Connection, path: str, like: str, elements: bool, limit: int) -> list[Any]:
    """Plain values only: the JSON of arrays and objects, which begins with a bracket, is left out."""
    found: dict[str, Any] = {}
    for beginning in dict.fromkeys(("", canonical(like)[:-1], like)):
        rows = db.execute(
            "SELECT text FROM terms WHERE path = ? AND kind = ? AND text >= ? AND text < ? ORDER BY text LIMIT ?",
            (path, ELEMENT if elements else VALUE, beginning, beginning + _AFTER_ANY, LOOKED_AT),
        )
        for (text,) in rows:
            if not text.startswith(("[", "{", _DIGEST_OF_VALUE)):
                value = msgspec.json.decode(text)
                found[value if isinstance(value, str) else text] = value
    # Numbers in their own order, before texts.
    in_order = sorted(found, key=lambda shown: (isinstance(found[shown], str), _size(found[shown]), shown))
    return [found[shown] for shown in _chosen(in_order, like, limit)]


def _size(value: Any) -> float:
    return value if isinstance(value, int | float) else 0.0


def _names(db: sqlite3.Connection, table: str, column: str, like: str) -> list[str]:
    """What is in a column with an index, each once: the first of all, and the first that begin with the text."""
    found: dict[str, None] = {}
    for beginning in dict.fromkeys(("", like)):
        rows = db.execute(
            f"WITH RECURSIVE found(name) AS (SELECT min({column}) FROM {table} WHERE {column} >= :first"
            f" UNION ALL SELECT (SELECT min({column}) FROM {table} WHERE {column} > found.name) FROM found"
            " WHERE found.name < :last LIMIT :most) SELECT name FROM found WHERE name < :last",
            {"first": beginning, "last": beginning + _AFTER_ANY, "most": LOOKED_AT},
        )
        found |= {name: None for (name,) in rows}
    return list(found)


def _chosen(names: Iterable[str], like: str, limit: int) -> list[str]:
    """Those that hold the text, whatever its case; those that begin with it first."""
    wanted = like.casefold()
    begin, hold = [], []
    for name in names:
        folded = name.casefold()
        if folded.startswith(wanted):
            begin.append(name)
        elif wanted in folded:
            hold.append(name)
    return [*begin, *hold][:limit]
