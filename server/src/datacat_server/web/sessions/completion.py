"""What may stand in the search line where the caret is: names of fields, and values that sessions have."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from datacat_server.filters import STATUSES
from datacat_server.quoting import plain
from datacat_server.search_line import (
    CONDITIONS,
    SHORT,
    Word,
    quoted,
    read_line,
    typed_path,
    typed_value,
    words,
)
from datacat_server.store.protocol import Store

MOST = 12
LONGEST_SHOWN = 100

_FIELDS = {
    "product:": "its name",
    "version:": "as it was logged",
    "machine:": "its name or id",
    "status:": "how it is, or fared",
    SHORT: "what the state says now",
    "ever:": "what the state ever said",
    "contains:": "what a list in the state holds now",
    "ever_contains:": "what a list in the state ever held",
    "from:": "created then or later",
    "to:": "created before",
}
_INSTANTS = {
    "-1h": "an hour ago",
    "-24h": "a day ago",
    "-7d": "a week ago",
    "-30d": "30 days ago",
    "today": "0:00 UTC",
    "yesterday": "0:00 UTC",
}
_DATES = 5
_ELEMENTS = ("contains", "ever_contains")


class Option(Struct, frozen=True):
    """Something to put into the line. `text` takes the place of what is there; `goes_on`: a value is to follow."""

    text: str
    shown: str
    hint: str = ""
    goes_on: bool = False


class Completion(Struct, frozen=True):
    """What may stand in the line from the character `begin` to the character `end`, as a browser counts them."""

    begin: int
    end: int
    options: list[Option]


def complete(store: Store, line: str, caret: int) -> Completion:
    """The options at a place in a line, `caret` characters from its start. Raises StoreError."""
    caret = min(max(caret, 0), len(line))
    typed = line[:caret]
    word = next((word for word in words(typed) if word.end == caret), None)
    if word is None:
        return Completion(caret, caret, _fields(""))
    # Of the word that the caret is in, what stands behind it is replaced too.
    whole = next((other for other in words(line) if other.begin == word.begin), word)
    return Completion(word.begin, max(caret, whole.end), _options(store, word, line)[:MOST])


def _options(store: Store, word: Word, line: str) -> list[Option]:
    value = plain(word.value)
    match word.name:
        case "product":
            return _values(word.name, store.products(value, limit=MOST))
        case "version":
            return _values(word.name, store.versions(value, product=_product(line), limit=MOST))
        case "machine":
            return _values(word.name, store.machines(value, limit=MOST))
        case "status":
            return [Option(f"status:{status}", status) for status in STATUSES if status.startswith(value.lower())]
        case "from" | "to":
            instants = {**_INSTANTS, **_dates()}
            begun = [(text, hint) for text, hint in instants.items() if text.startswith(value.lower())]
            return [Option(f"{word.name}:{text}", text, hint) for text, hint in begun]
        case "state" | "state_ever" | "contains" | "ever_contains" if word.path is None:
            return _paths(store, word, value)
        case "state" | "state_ever" | "contains" | "ever_contains":
            return _state_values(store, word, value)
        case "":
            return [*_fields(word.value), *_statuses(word.value), *_everywhere(store, value)]
        case _:
            return []


def _dates() -> dict[str, str]:
    """The last days before yesterday, UTC, and which day of the week each was."""
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=2 + ago) for ago in range(_DATES)]
    return {day.isoformat(): f"{day:%A}, 0:00 UTC" for day in days}


def _fields(beginning: str) -> list[Option]:
    return [Option(name, name, hint, goes_on=True) for name, hint in _FIELDS.items() if name.startswith(beginning)]


def _statuses(beginning: str) -> list[Option]:
    return [Option(f"status:{status}", f"status:{status}") for status in STATUSES if status.startswith(beginning)]


def _everywhere(store: Store, text: str) -> list[Option]:
    """Products and machines that hold a text: so whoever does not know the fields finds them."""
    few = 4
    return [
        *_values("product", store.products(text, limit=few), named=True),
        *_values("machine", store.machines(text, limit=few), named=True),
    ]


def _product(line: str) -> str | None:
    try:
        return dict(read_line(line)).get("product")
    except ValueError:
        return None


def _values(name: str, values: Iterable[str], *, named: bool = False) -> list[Option]:
    texts = [(f"{name}:{quoted(value)}", value) for value in values]
    return [Option(text, _short(text if named else value)) for text, value in texts]


def _paths(store: Store, word: Word, value: str) -> list[Option]:
    begin = _beginning(word)
    paths = store.state_paths(value, elements=word.name in _ELEMENTS, limit=MOST)
    options = [Option(f"{begin}{path}=", _short(path), goes_on=True) for path in map(typed_path, paths)]
    if word.name not in _ELEMENTS:
        # Lists have no plain value, but what they hold can be asked for.
        holds = "contains" if word.name == "state" else "ever_contains"
        lists = map(typed_path, store.state_paths(value, elements=True, limit=MOST))
        options += [Option(f"{holds}:{path}=", _short(path), "a list", goes_on=True) for path in lists]
    return options


def _state_values(store: Store, word: Word, value: str) -> list[Option]:
    path = word.path or ""
    begin = f"{_beginning(word)}{typed_path(path)}="
    found = store.state_values(path, value, elements=word.name in _ELEMENTS, limit=MOST)
    return [Option(begin + typed_value(one), _short(_shown(one))) for one in found]


def _beginning(word: Word) -> str:
    if word.name == "state":
        return SHORT
    return next(typed for typed, name in CONDITIONS.items() if name == word.name) + ":"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
