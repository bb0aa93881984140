"""What the doctor has to say of something."""

from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """How things are: fine, to be looked after, or such that DataCat does not work as it should."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Finding(Struct, frozen=True):
    """One line. `about` is what was looked at, `advice` what to do where all is not well."""

    about: str
    level: Level
    text: str
    advice: str | None = None


def ok(about: str, text: str) -> Finding:
    return Finding(about, Level.OK, text)


def warn(about: str, text: str, advice: str) -> Finding:
    return Finding(about, Level.WARN, text, advice)


def bad(about: str, text: str, advice: str) -> Finding:
    return Finding(about, Level.BAD, text, advice)
