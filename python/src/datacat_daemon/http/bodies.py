"""What requests say, checked, as the payloads of records (shapes: docs/design/records.md).

A wrong field is a 400 that begins with its name. What else a body says is of no account, as in the REST API.
"""

from __future__ import annotations

import json
import math
from typing import Any

from datacat.tame import MAX_TEXT

from datacat_daemon.http.errors import bad_request
from datacat_daemon.shipping.fold import LONGEST_NAME, LONGEST_TAG, MOST_BOUNDS, MOST_TAGS

LEVELS = ("debug", "info", "warning", "error", "critical")
OTHER_LEVELS = ("warn", "fatal", "notice", "trace")
"""Names that the server takes for one of the levels (docs/design/records.md)."""

METRIC_TYPES = ("gauge", "counter", "histogram", "timer")
_TEXTS = ("level", "category", "group", "message", "exception_type", "exception_msg", "source_file", "source_function")

Body = dict[str, Any]


def parse(data: bytes) -> Body:
    """The JSON object of a body. Raises HttpError."""
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise bad_request("the body: expected a JSON object")
    return content


def session_id(body: Body) -> str:
    """Which session a request is about. Raises HttpError."""
    return required_text(body, "session_id", MAX_TEXT)


def event_fields(body: Body) -> dict[str, Any]:
    """An event's fields; an exception is one with an `exception_type`. Raises HttpError."""
    fields: dict[str, Any] = {name: text(body, name) for name in _TEXTS}
    level = fields["level"]
    if level is not None and level.lower() not in (*LEVELS, *OTHER_LEVELS):
        raise bad_request(f"level: expected one of {', '.join(LEVELS)}, not {_shown(level)}")
    is_exception = fields["exception_type"] is not None
    if is_exception:
        kind, said = fields["exception_type"], fields["exception_msg"]
        fields["category"] = fields["category"] or "exception"
        fields["message"] = fields["message"] or (f"{kind}: {said}" if said else kind)
    if is_exception and body.get("name") is None:
        fields["name"] = "exception"
    else:
        fields["name"] = required_text(body, "name", LONGEST_NAME)
    fields["source_line"] = whole_number(body, "source_line")
    fields["labels"] = words(body, "labels")
    trace = body.get("stacktrace")
    fields["stacktrace"] = trace.splitlines() if isinstance(trace, str) else words(body, "stacktrace")
    data = body.get("data")
    fields["data"] = data if data is None or isinstance(data, dict) else {"value": data}
    return _given(fields)


def metric_fields(body: Body) -> dict[str, Any]:
    """A metric's fields. Raises HttpError."""
    kind = text(body, "type") or "gauge"
    if kind not in METRIC_TYPES:
        raise bad_request(f"type: expected one of {', '.join(METRIC_TYPES)}, not {kind!r}")
    fields: dict[str, Any] = {
        "name": required_text(body, "name", LONGEST_NAME),
        "type": kind,
        "value": number(body, "value"),
        "unit": text(body, "unit"),
        "tags": words(body, "tags"),
        "count": whole_number(body, "count"),
        "metadata": mapping(body, "metadata"),
    }
    if kind == "counter":
        fields["delta"] = number(body, "delta")
        if fields["delta"] is None and fields["value"] is None:
            fields["delta"] = 1
    elif fields["value"] is None:
        raise bad_request("value: is missing")
    if kind == "histogram":
        fields["buckets"] = _buckets(body)
    _check_tags(fields["tags"])
    return _given(fields)


def state_fields(body: Body) -> dict[str, Any]:
    """A patch of the state. Raises HttpError."""
    patch = mapping(body, "state")
    if patch is None:
        raise bad_request('state: is missing; it is an object that is merged into the state, such as {"level": 7}')
    return {"state": patch}


def required_text(body: Body, name: str, most: int) -> str:
    """A field that has to be there and not empty. Raises HttpError."""
    value = text(body, name)
    if not value:
        raise bad_request(f"{name}: is missing")
    if len(value) > most:
        raise bad_request(f"{name}: expected at most {most} characters")
    return value


def text(body: Body, name: str) -> str | None:
    """A text or None. Raises HttpError."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise bad_request(f"{name}: expected a text, not {_shown(value)}")
    return value


def number(body: Body, name: str) -> float | None:
    """A finite number or None. Raises HttpError."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
        raise bad_request(f"{name}: expected a number, not {_shown(value)}")
    return value


def whole_number(body: Body, name: str) -> int | None:
    """A whole number, 0 or more, or None. Raises HttpError."""
    value = number(body, name)
    if value is None:
        return None
    if value != int(value) or not 0 <= value < 1 << 63:
        raise bad_request(f"{name}: expected a whole number, 0 or more, not {_shown(value)}")
    return int(value)


def flag(body: Body, name: str) -> bool:
    """True or false; what is not there is false. Raises HttpError."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise bad_request(f"{name}: expected true or false, not {_shown(value)}")
    return bool(value)


def mapping(body: Body, name: str) -> dict[str, Any] | None:
    """An object or None. Raises HttpError."""
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise bad_request(f"{name}: expected an object, not {_shown(value)}")
    return value


def words(body: Body, name: str) -> list[str] | None:
    """A list of text or None; an object is its `key:value` words, a single text a list of one. Raises HttpError."""
    value = body.get(name)
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict) and not any(isinstance(item, (dict, list)) for item in value.values()):
        return [f"{key}:{item if isinstance(item, str) else json.dumps(item)}" for key, item in value.items()]
    if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise bad_request(f"{name}: expected a list of texts, not {_shown(value)}")
    return value


def _check_tags(tags: list[str] | None) -> None:
    if tags is not None and len(tags) > MOST_TAGS:
        raise bad_request(f"tags: expected at most {MOST_TAGS}")
    if tags is not None and any(len(tag) > LONGEST_TAG for tag in tags):
        raise bad_request(f"tags: expected at most {LONGEST_TAG} characters in each")


def _buckets(body: Body) -> list[float] | None:
    bounds = body.get("buckets")
    if bounds is None:
        return None
    if not isinstance(bounds, list) or len(bounds) > MOST_BOUNDS:
        raise bad_request(f"buckets: expected a list of at most {MOST_BOUNDS} numbers, not {_shown(bounds)}")
    return [checked for bound in bounds if (checked := number({"buckets": bound}, "buckets")) is not None]


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _shown(value: Any) -> str:
    shown = json.dumps(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
