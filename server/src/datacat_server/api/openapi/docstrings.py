"""What the docstring of a struct says: of the struct itself, and in the section `Attributes:` of its fields."""

import inspect

_HEADING = "Attributes:"
_FIELD = " " * 4
_FURTHER = " " * 8


def about(kind: type) -> str:
    """What a type says of itself, without the section; empty for nothing."""
    return _read(kind)[0]


def about_fields(kind: type) -> dict[str, str]:
    """By name, what a type and those that it is derived from say of fields; the type itself goes first."""
    said: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        said |= own_fields(base)
    return said


def own_fields(kind: type) -> dict[str, str]:
    """By name, what a type says of fields in its own docstring, each on one line that begins with a capital."""
    return _read(kind)[1]


def _read(kind: type) -> tuple[str, dict[str, str]]:
    """Of the section each field is `name: text`, which goes on in lines that are indented further."""
    text: list[str] = []
    fields: dict[str, str] = {}
    name = ""
    inside = False
    for line in inspect.cleandoc(kind.__dict__.get("__doc__") or "").splitlines():
        inside = line == _HEADING or (inside and (not line or line.startswith(_FIELD)))
        if not inside:
            text.append(line)
        elif line.startswith(_FURTHER):
            fields[name] += f" {line.strip()}"
        elif line.startswith(_FIELD):
            name, _, said = line.strip().partition(": ")
            fields[name] = said[:1].upper() + said[1:]
    return "\n".join(text).strip(), fields
