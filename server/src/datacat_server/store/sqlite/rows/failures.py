"""SQLite's errors, in the words that a user of the server is told."""

import sqlite3

from datacat_server.store.errors import StoreDamaged, StoreError, StoreUnavailable

_UNAVAILABLE = {
    sqlite3.SQLITE_FULL: "the disk of the server is full; free some space there, then send it again",
    sqlite3.SQLITE_IOERR: "the server cannot use its disk; look after it, then send it again",
    sqlite3.SQLITE_BUSY: "another process holds the data of the server; send it again later",
    sqlite3.SQLITE_LOCKED: "another process holds the data of the server; send it again later",
    sqlite3.SQLITE_READONLY: "the server may not write its data; make its folder writable, then send it again",
    sqlite3.SQLITE_CANTOPEN: "the server cannot open its data; look after its folder, then send it again",
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_WHAT_TO_DO = (
    "`datacat doctor --full` says more; stop the server, and put a backup in place with `datacat restore FILE`"
)


def explained(error: Exception) -> Exception:
    """What a caller is told instead of an error of SQLite's; any other error stays as it is."""
    if not isinstance(error, sqlite3.Error):
        return error
    code = _code_of(error)
    if code in _UNAVAILABLE:
        return StoreUnavailable(_UNAVAILABLE[code])
    if code in _DAMAGED:
        return StoreDamaged(f"the data of the server is damaged ({error}), and nothing is written to it; {_WHAT_TO_DO}")
    return StoreError(f"the data of the server cannot be used: {error}")


def is_out_of_space(error: Exception) -> bool:
    """Whether the disk is full, as far as can be told: some calls of SQLite's name it an error of the disk."""
    return isinstance(error, sqlite3.Error) and _code_of(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def advice_at_opening(error: Exception) -> str:
    """What to do about a file that cannot be opened; begins with `; ` where there is anything to say."""
    match _code_of(error):
        case sqlite3.SQLITE_NOTADB:
            return "; move it away, or set data_path to another folder"
        case sqlite3.SQLITE_CORRUPT:
            return f"; {_WHAT_TO_DO}"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN:
            return "; make the folder and the file writable for this user, or set data_path to another folder"
        case sqlite3.SQLITE_FULL:
            return "; the disk is full: free some space there"
        case _:
            return ""


def _code_of(error: Exception) -> int:
    """SQLite's primary result code."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
