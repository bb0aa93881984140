"""Sessions as they are meant on a command line: by a search, by the beginning of an id, or the last one."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from datacat_server.cli.addressing import ServerError
from datacat_server.cli.asking import Reader, session_path
from datacat_server.cli.leaving import fail
from datacat_server.filters import LONGEST_Q, STATUSES, Filter, parse_filter, to_query
from datacat_server.model import SessionPage, SessionSummary
from datacat_server.quoting import in_quotes
from datacat_server.search_line import quoted, read_line, words

LAST = "last"
"""What is said for the newest session."""

LARGEST_PAGE = 1000
_MOST_LOOKED_AT = 5 * LARGEST_PAGE
_MOST_NAMED = 5

_BLANK = re.compile(r"\s")

Parameters = list[tuple[str, str]]


def searched(typed: Sequence[str]) -> Parameters:
    """The parameters of an address that words stand for, typed as in the search line of the pages.

    One that is not understood ends the command.
    """
    try:
        return read_line(" ".join(_as_one(word) for word in typed))
    except ValueError as error:
        fail(error)


def _as_one(word: str) -> str:
    """A word of a command line as it is typed into the search line.

    A shell has taken its quotes: `product:"My Game"` comes as one word with a blank in it.
    """
    if not _BLANK.search(word) or '"' in word:
        return word
    first, *others = words(word)
    if not first.name or any(other.name or other.value in STATUSES for other in others):
        return word
    return word[: first.value_at] + in_quotes(word[first.value_at :])


def picked(typed: Sequence[str], options: Filter) -> Parameters:
    """What both a search and options ask for. What cannot be asked ends the command."""
    parameters = [*searched(typed), *to_query(options)]
    try:
        return to_query(parse_filter(parameters))
    except ValueError as error:
        fail(error)


def pages(reader: Reader, parameters: Parameters, limit: int | None = None) -> Iterator[SessionPage]:
    """The sessions that parameters pick, at most `limit`, page by page. Raises ServerError."""
    left, cursor = limit, ""
    while left is None or left > 0:
        size = LARGEST_PAGE if left is None else min(left, LARGEST_PAGE)
        asked = [*parameters, ("limit", str(size)), *([("cursor", cursor)] if cursor else [])]
        page = reader.get("/api/sessions", SessionPage, asked)
        yield page
        if page.cursor is None:
            return
        cursor = page.cursor
        left = None if left is None else left - len(page.sessions)


def sessions(reader: Reader, parameters: Parameters, limit: int | None = None) -> Iterator[SessionSummary]:
    """The same, one by one. Raises ServerError."""
    for page in pages(reader, parameters, limit):
        yield from page.sessions


def session_meant(reader: Reader, said: str, among: Sequence[str] = ()) -> str:
    """The id of the session that somebody means: the id itself, a beginning that only one has, or `last`.

    `among`: words of a search, among which the last one is meant. Raises ServerError; what means none or several ends
    the command.
    """
    if not said:
        fail("ID: is empty; say an id, the beginning of one, or last")
    if said == LAST:
        for session in sessions(reader, [*searched(among), ("sort", "-created")], 1):
            return session.id
        fail("there is no such session" if among else "there is no session yet; `datacat run -- PROGRAM` makes one")
    if among:
        fail(f"a search goes with `{LAST}` only: {LAST} {' '.join(among)}")
    try:
        reader.get_json(session_path(said), [("include", "")])
        return said
    except ServerError as error:
        if error.status != 404:
            raise
    return _by_beginning(reader, said)


def _by_beginning(reader: Reader, beginning: str) -> str:
    """The id that begins so. The server finds it among the texts of sessions, where it may stand elsewhere too."""
    sought = quoted(beginning)
    if len(sought) > LONGEST_Q:
        fail("there is no session with this id")
    looked_at = islice(sessions(reader, [("q", sought)]), _MOST_LOOKED_AT)
    found = list(islice((one for one in looked_at if one.id.startswith(beginning)), _MOST_NAMED + 1))
    match found:
        case []:
            fail(f"there is no session {beginning}; `datacat ls` lists them")
        case [session]:
            return session.id
        case _:
            shown = "\n".join(f"  {one.id}  {one.product} {one.version}" for one in found[:_MOST_NAMED])
            more = "\n  …" if len(found) > _MOST_NAMED else ""
            fail(f"several sessions begin with {beginning}; say more of the id:\n{_printable(shown)}{more}")


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
