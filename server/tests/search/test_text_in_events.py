"""A text that is looked for in events is found whatever the case of its letters, and nothing else is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from datacat_server.ingest.result import IngestResult
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.views import EventQuery

PARTS: list[Any] = [
    "moved", "MOVED", "300 \N{KELVIN SIGN}", "300 k", "stra\u00dfe", "strasse", "\ufb01le", "file", "100%", "100_",
    "a\\b", "a\x00moved", "\x00", "plain\nline", "line", "caf\u00e9", "CAF\u00c9", 'quote"d', "m\u0131ved", "",
    {"x": 17}, ["moved", "1_"],
]  # fmt: skip
ASKED = [
    "moved", "MoVeD", "k", "ss", "fi", "%", "_", "0_", "0%", "\\", "a\\b", "\\n", "n", "\x00", "d\x00", "caf\u00e9",
    "\u00e9", '"', "x", "17", "\u0131", "i", "i" * 2_000,
]  # fmt: skip
FIELDS = ("name", "message", "data", "exception")


def event(field: str, part: Any) -> dict[str, Any]:
    said = {"kind": "event", "name": "e", "message": "?"}
    match field:
        case "data":
            return said | {"data": {"said": part}}
        case "exception":
            return said | {"exception_type": "Error", "exception_msg": str(part), "stacktrace": []}
        case _:
            return said | {field: part if isinstance(part, str) and part else "e"}


def holds(text: str, said: dict[str, Any]) -> bool:
    """What is promised, in plain words: in the name, the message, the data as JSON or the exception's message."""
    data = json.dumps(said["data"], ensure_ascii=False, separators=(",", ":")) if "data" in said else ""
    texts = (said["name"], said["message"], data, said.get("exception_msg", ""))
    return any(text.casefold() in part.casefold() for part in texts)


@pytest.mark.parametrize("field", FIELDS)
def test_a_text_is_found_in_every_field_whatever_its_case_and_letters(
    store: SqliteStore, send: Callable[..., IngestResult], field: str
) -> None:
    said = [event(field, part) for part in PARTS]
    assert send("s1", records=said).refused == []
    every = store.event_page("s1", EventQuery(), limit=100, oldest_first=True).events
    for text in ASKED:
        found = store.event_page("s1", EventQuery(q=text), limit=100, oldest_first=True).events
        assert found == [one for one, what in zip(every, said, strict=True) if holds(text, what)], text
