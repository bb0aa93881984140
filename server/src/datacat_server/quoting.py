"""Words that are typed one after the other: a blank parts them, but not between quotes."""

import re

WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*(?:"|$)|[^\s"])+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|$)')
_ESCAPE = re.compile(r'\\(["\\])')


def plain(typed: str) -> str:
    """What was meant by something typed, some of it perhaps in quotes."""
    return _QUOTED.sub(lambda found: _ESCAPE.sub(r"\1", found[1]), typed)


def in_quotes(text: str) -> str:
    """The text as one word."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def plain_words(line: str) -> list[str]:
    """What is meant by each word of a line that says something, in order."""
    return [word for found in WORD.finditer(line) if (word := plain(found.group()))]
