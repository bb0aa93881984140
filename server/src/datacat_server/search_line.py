"""The search line of the list: what somebody types, and the parameters of an address that it stands for.

`product:MyGame version:1.4 crashed machine:bluebird from:-7d state.level=7 ever:window_state.open="space probe" text`.
A blank parts words, but not between quotes. What begins like no field, and is no status, is text to look for: each word
by itself, what is in quotes as it stands.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import msgspec

from datacat_server.filters import STATUSES
from datacat_server.quoting import WORD, in_quotes, plain, plain_words

FIELDS = ("product", "version", "machine", "status", "from", "to", "q")
CONDITIONS = {"state": "state", "ever": "state_ever", "contains": "contains", "ever_contains": "ever_contains"}
"""How conditions on the state are typed, and their names in an address."""
SHORT = "state."
"""`state.level=7` is `state:level=7`."""

LONGEST = 4_000
"""So many characters of a line are read."""

_FIELD = re.compile(rf"({'|'.join((*FIELDS, 'state_ever', *CONDITIONS))}):")
_EQUALS = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^"=])*)=')
_PLAIN = re.compile(r'[^\s"]+')
# Addresses and paths have a colon too, but then a slash or a backslash; a type may be written with two.
_LIKE_A_FIELD = re.compile(r"([A-Za-z_]{2,20}):(?![/\\:])(?=.)")
_PLAIN_PATH = re.compile(r'[^\s"=]+')

Parameters = list[tuple[str, str]]


@dataclass(frozen=True)
class Word:
    """A part of the line from `begin` to `end`: a field, with its path where it has one, and what stands for a value.

    `name` is that of the address, empty for text; `value` is as it was typed. `value_at`: where it begins.
    """

    begin: int
    end: int
    name: str
    path: str | None
    value: str
    value_at: int


def words(line: str) -> Iterator[Word]:
    """The parts of a line, in order."""
    for found in WORD.finditer(line[:LONGEST]):
        yield _word(found.group(), found.start(), found.end())


def _word(text: str, begin: int, end: int) -> Word:
    name, at = "", 0
    if text.startswith(SHORT):
        name, at = "state", len(SHORT)
    elif field := _FIELD.match(text):
        name, at = CONDITIONS.get(field[1], field[1]), field.end()
    if name in CONDITIONS.values():
        equals = _EQUALS.match(text, at)
        if equals is None:
            return Word(begin, end, name, None, text[at:], begin + at)
        return Word(begin, end, name, plain(equals[1]), text[equals.end() :], begin + equals.end())
    return Word(begin, end, name, None, text[at:], begin + at)


def read_line(line: str) -> Parameters:
    """Names and values of an address. Raises ValueError, `name: what to do`, for a condition without a value."""
    parameters: Parameters = []
    texts = []
    typed = list(words(line))
    has_status = any(word.name == "status" for word in typed)
    for word in typed:
        if word.name in CONDITIONS.values():
            if not word.path or not word.value:
                raise ValueError(f"{_typed(word.name)}: expected path=value, such as {_typed(word.name)}:level=7")
            parameters.append((word.name, f"{word.path}:{_json(word.value)}"))
        elif word.name == "q":
            texts.append(plain(word.value))
        elif word.name:
            if value := plain(word.value):
                parameters.append((word.name, value))
        elif word.value in STATUSES and not has_status:
            has_status = True
            parameters.append(("status", word.value))
        else:
            texts.append(plain(word.value))
    if text := " ".join(quoted(one) for one in texts if one):
        parameters.append(("q", text))
    return parameters


def mistaken(parameters: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The words of the text that look as if a field was meant, `error:KeyError`, with the field that is most like it.

    The field is empty where none is like it.
    """
    found = []
    for name, text in parameters:
        for word in plain_words(text) if name == "q" else ():
            if looks := _LIKE_A_FIELD.match(word):
                near = get_close_matches(looks[1].lower(), (*FIELDS, *CONDITIONS), n=1)
                found.append((word, near[0] if near else ""))
    return found


def write_line(parameters: Iterable[tuple[str, str]]) -> str:
    """A line from which `read_line` makes the same parameters, but for their order; other names are left out."""
    said: list[str] = []
    texts: list[str] = []
    for name, text in parameters:
        if not text:
            continue
        if name in CONDITIONS.values():
            path, _, wanted = split_condition(text)
            value = msgspec.json.decode(wanted) if _is_json(wanted) else wanted
            shown = f"{typed_path(path)}={typed_value(value)}"
            said.append(f"{SHORT}{shown}" if name == "state" else f"{_typed(name)}:{shown}")
        elif name == "q":
            texts.extend(map(_typed_text, plain_words(text)))
        elif name in FIELDS:
            said.append(f"{name}:{quoted(text)}")
    return " ".join([*said, *texts])


def split_condition(value: str) -> tuple[str, str, str]:
    """`path:value` of an address at its colon, as `str.partition`: a backslash takes the meaning from what follows."""
    path = re.match(r"(?:[^\\:]|\\.?)*", value, re.DOTALL)
    end = path.end() if path else 0
    return value[:end], value[end : end + 1], value[end + 1 :]


def quoted(text: str) -> str:
    """The text as it is typed: in quotes where it would fall apart without them."""
    return text if _PLAIN.fullmatch(text) else in_quotes(text)


def typed_path(path: str) -> str:
    """A path as it is typed, likewise."""
    return path if _PLAIN_PATH.fullmatch(path) else in_quotes(path)


def typed_value(value: Any) -> str:
    """A value of a state as it is typed: text that would be taken for something else stands in quotes."""
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode()  # without blanks
    return in_quotes(value) if _is_json(value) else quoted(value)


def _json(typed: str) -> str:
    """A value of a condition as it stands in an address: what is quoted is text, and never a number."""
    if not typed.startswith('"') and _is_json(typed):
        return typed
    text = plain(typed)
    return msgspec.json.encode(text).decode() if _is_json(text) else text


def _typed_text(text: str) -> str:
    """A word to look for, in quotes where it would be read as something else."""
    read = [(word.name, word.value) for word in words(text)]
    return text if read == [("", text)] and text not in STATUSES and '"' not in text else in_quotes(text)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _typed(name: str) -> str:
    return next(typed for typed, other in CONDITIONS.items() if other == name)
