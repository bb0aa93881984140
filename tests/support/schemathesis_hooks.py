"""Loaded by Schemathesis (tests/test_schemathesis.py): what it has to know of the API beside its description."""

import re
from typing import Any

import schemathesis

LATE = 2_000_000_000
END = 253_402_300_800
WHOLE = ("count", "pid", "source_line")
OTHER_TIMES = re.compile(r"(?!19[7-9]\d|20[01]\d|202[0-5])\d{4}-")


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: Any, value: Any) -> bytes:
    """Lines are sent as they are; whatever else it makes up, as one line."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Take out what is refused though the description cannot say so.

    A cursor that no page gave, an end that comes before the beginning, a time that is not between 1970 and tomorrow, a
    whole number that is written as 3.0.
    """
    if isinstance(case.query, dict):
        if isinstance(case.query.get("cursor"), str):
            del case.query["cursor"]
        if all(isinstance(case.query.get(name), str) for name in ("from", "to")):
            del case.query["to"]
        for name in ("from", "to", "at"):
            if isinstance(text := case.query.get(name), str) and OTHER_TIMES.match(text):
                case.query[name] = "2001-09-09"
    if isinstance(case.body, dict):
        when = case.body.get("timestamp")
        if (isinstance(when, int | float) and LATE < when < END) or (isinstance(when, str) and OTHER_TIMES.match(when)):
            case.body["timestamp"] = 1_000_000_000
        for name in WHOLE:
            if isinstance(number := case.body.get(name), float) and number.is_integer():
                case.body[name] = int(number)
