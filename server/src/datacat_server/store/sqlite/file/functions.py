"""What SQL may call of ours."""

import sqlite3

from datacat_server.store.sqlite.folds.session_text import searchable
from datacat_server.store.sqlite.folds.state_check import StateCheck


def add_functions(db: sqlite3.Connection) -> None:
    """`searchable(text, ...)` (session_text.py) and `state_holds(session, relation, path, value)` (state_check.py)."""
    db.create_function("searchable", -1, searchable, deterministic=True)
    db.create_function("state_holds", 4, StateCheck(db).holds)
