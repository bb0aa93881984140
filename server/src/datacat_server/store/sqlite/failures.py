"""SQLite's errors, in the words that a user of the server is told."""

import sqlite3

from datacat_server.store.errors import StoreError, StoreUnavailable

_UNAVAILABLE = {
    sqlite3.SQLITE_FULL: "the disk of the server is full; free some space there, then send it again",
    sqlite3.SQLITE_IOERR: "the server cannot use its disk; look after it, then send it again",
    sqlite3.SQLITE_BUSY: "another process holds the data of the server; send it again later",
    sqlite3.SQLITE_LOCKED: "another process holds the data of the server; send it again later",
}


def explained(error: Exception) -> Exception:
    """What a caller is told instead of an error of SQLite's; any other error stays as it is."""
    if not isinstance(error, sqlite3.Error):
        return error
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _UNAVAILABLE:
        return StoreUnavailable(_UNAVAILABLE[code])
    return StoreError(f"the data of the server cannot be used: {error}")
