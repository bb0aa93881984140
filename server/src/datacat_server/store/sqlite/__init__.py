"""The embedded store: one SQLite file in WAL mode, one writer with group commit, many readers."""

from datacat_server.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
