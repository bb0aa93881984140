"""Instants and ages, as they are written in addresses and options."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = 253_402_300_800  # of the year 9999, the last that RFC 3339 can write
_LAST = datetime.max.replace(tzinfo=UTC)
_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
DAYS = {"today": 0, "yesterday": 1}
"""Days by name: how many days ago they are."""
AGES = "s, min (or m), h, d or w"
"""The units of an age, for texts that ask for one."""


class TooFarBack(ValueError):
    """An age that leads to before 1970."""


def read_instant(text: str) -> datetime:
    """The instant that RFC 3339, a date, or a number since 1970 UTC says; without a zone it is taken as UTC.

    A number is of seconds, with a fraction perhaps; with 13 digits, of milliseconds, as browsers and Grafana count.
    `-7d` is so long ago, as `read_age` takes it; `today` and `yesterday` are the beginnings of these days, UTC. A date
    before 1970 is taken as its beginning: nothing stored is older.

    Raises ValueError for what is none, or a number of seconds after 9999; TooFarBack for an age that leads to before
    1970.
    """
    if text in DAYS:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=DAYS[text])
    if re.fullmatch(r"[0-9]{13}", text):
        return _since_epoch(int(text) * 1000)
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?(e[+-]?[0-9]{1,3})?", text) and not re.fullmatch(r"(19|20)[0-9]{6}", text):
        return _since_epoch(round(min(float(text), _END) * 1_000_000))
    if re.match(r"-[0-9.]+[a-z]", text):
        if re.fullmatch(rf"-[0-9]{{10,}}(\.[0-9]+)?({'|'.join(_UNITS)})", text):
            raise TooFarBack(text)
        return _ago(read_age(text[1:]))
    # What was a plus in an address that nobody quoted has become a blank.
    instant = datetime.fromisoformat(re.sub(r" (\d\d:\d\d)$", r"+\1", text) if "T" in text else text)
    try:
        return max(_EPOCH, (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC))
    except OverflowError:  # in the first or the last hours that a calendar has, elsewhere
        return _EPOCH if instant.year == 1 else _LAST


def read_age(text: str) -> float:
    """The seconds that a length of time has: a number and its unit, s, min (or m), h, d or w. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(s|min|m|h|d|w)", text)
    if found is None:
        raise ValueError(text)
    return float(found[1]) * _UNITS[found[2]]


def _ago(seconds: float) -> datetime:
    now = datetime.now(UTC)
    if seconds >= now.timestamp():
        raise TooFarBack(seconds)
    return now - timedelta(seconds=seconds)


def _since_epoch(microseconds: int) -> datetime:
    if microseconds >= _END * 1_000_000:
        raise ValueError(microseconds)
    return _EPOCH + timedelta(microseconds=microseconds)
