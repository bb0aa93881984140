"""One text for each value and each path of a state, so that what is equal is found under the same text."""

import re
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="sorted").encode
_INEXACT = re.compile(rb"\d[.eE]").search

Path = tuple[str, ...]


def canonical(value: Any) -> str:
    """A JSON value as JSON text: object keys sorted, numbers by their value. 1 and 1.0 are the same, true is not."""
    if isinstance(value, float):
        return _of_float(value)
    encoded = _encode(value)
    # Only numbers with a fraction or an exponent are written in more than one way.
    return encoded.decode() if _INEXACT(encoded) is None else _by_value(value)


def _by_value(value: Any) -> str:
    match value:
        case float():
            return _of_float(value)
        case dict():
            return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
        case list():
            return "[" + ",".join(map(canonical, value)) + "]"
        case _:
            return _encode(value).decode()


def _of_float(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def write_path(path: Path) -> str:
    """The keys joined by dots; a dot, a colon or a backslash in a key stands behind a backslash."""
    return ".".join(map(write_key, path))


def write_key(key: str) -> str:
    """One key as it stands in a path."""
    return key if _SPECIAL.isdisjoint(key) else "".join(f"\\{it}" if it in _SPECIAL else it for it in key)


def read_path(text: str) -> Path:
    """The keys of a dotted path. A backslash before anything else than a dot, a colon or a backslash is itself."""
    keys = [""]
    at = 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in _SPECIAL:
            at += 1
            keys[-1] += text[at]
        elif text[at] == ".":
            keys.append("")
        else:
            keys[-1] += text[at]
        at += 1
    return tuple(keys)


_SPECIAL = frozenset("\\.:")
