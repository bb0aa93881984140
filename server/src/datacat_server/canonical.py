"""One text for each value and each path of a state, so that what is equal is found under the same text."""

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode

Path = tuple[str, ...]


def canonical(value: Any) -> str:
    """A JSON value as JSON text: object keys sorted, numbers by their value. 1 and 1.0 are the same, true is not."""
    match value:
        case str():
            return _encode(value).decode()
        case bool() | None:
            return "null" if value is None else "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return repr(value)
        case dict():
            return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
        case _:
            return "[" + ",".join(map(canonical, value)) + "]"


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
