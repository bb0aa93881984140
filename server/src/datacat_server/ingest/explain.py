"""What is wrong with a record, in words that name the field."""

import re

_NAMES = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
    "null": "null",
}
_AT = re.compile(r" - at `(?:key in )?(?P<path>[^`]*)`$")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`")
_TYPES = re.compile(r"`(?P<types>[a-z]+(?: \| [a-z]+)*)`")


def explain(error: Exception, within: str = "record") -> str:
    """A decoding error as `field: what is wrong`; `within` stands for the whole that was decoded."""
    text = str(error)
    path = ""
    if at := _AT.search(text):
        path = at["path"].lstrip("$").lstrip(".").replace("[...]", "")
        text = text[: at.start()]
    if missing := _MISSING.fullmatch(text):
        return f"{path + '.' if path else ''}{missing['field']}: is missing"
    text = _TYPES.sub(lambda found: " or ".join(_NAMES.get(t, t) for t in _wanted(found["types"])), text)
    if not text.startswith("JSON"):
        text = text[:1].lower() + text[1:]
    return f"{path or within}: {text}"


def _wanted(types: str) -> list[str]:
    """Of the types that would do, those worth naming: not that null would do as well, nor numbers twice."""
    names = types.split(" | ")
    return [name for name in names if name != "null" and not (name == "int" and "float" in names)] or names
