"""Loaded by Schemathesis (tests/test_schemathesis.py): what it has to know of the API beside its description."""

import re
from datetime import UTC, datetime
from typing import Any

import schemathesis
from schemathesis import GenerationMode

_YEAR = re.compile(r"[0-9]{4}(?=-)")
_END = 253_402_300_800


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: Any, value: Any) -> bytes:
    """Lines are sent as they are; whatever else it makes up, as one line."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Take out of data that should do what is refused though no schema can say so; wrong data are sent as they are.

    A cursor that no page gave, a timeline that ends before it begins, a record of the future or of before 1970.
    """
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if isinstance(case.query, dict):
        case.query.pop("cursor", None)
        if case.path.endswith("/timeline") and {"from", "to"} <= case.query.keys():
            del case.query["to"]
    if isinstance(case.body, dict) and _is_another_time(case.body.get("timestamp")):
        case.body["timestamp"] = "2001-09-09T01:46:40Z"


def _is_another_time(timestamp: Any) -> bool:
    now = datetime.now(UTC)
    if isinstance(timestamp, str):
        year = _YEAR.match(timestamp)
        return year is not None and not 1970 < int(year[0]) < now.year
    return isinstance(timestamp, int | float) and now.timestamp() < timestamp < _END
