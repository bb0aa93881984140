"""Numbers, lengths of time and instants, in words for people."""

import math
import re
from datetime import UTC, datetime

_CODE = re.compile(r"\w*[_(]|\w+\.\w")
LONGEST_UNIT = 20
_SIZES = ("B", "KB", "MB", "GB", "TB", "PB")


def number(value: float | int) -> str:
    """A number with up to four significant digits and thousands separators: `12,403`, `57.81`, `0.0025`."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}" if abs(value) < 1e15 else f"{float(value):.4g}"
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}" if size < 1e15 else f"{value:.4g}"
    if size < 1e-4:
        return f"{value:.3g}"
    digits = 3 - math.floor(math.log10(size))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def quantity(value: float, unit: str | None) -> str:
    """A value with its unit; bytes and seconds in the size that reads best: `3.8 GB`, `16.2 ms`.

    A unit of more than `LONGEST_UNIT` characters, which no unit has, is cut.
    """
    match unit:
        case "bytes" | "byte" | "B":
            return size(value)
        case "seconds" | "s" | "sec":
            return _seconds(value)
        case None | "":
            return number(value)
        case "percent" | "%":
            return f"{number(value)} %"
        case _:
            return f"{number(value)} {shorten(unit, LONGEST_UNIT)}"


def quantities(low: float, high: float, unit: str | None) -> str:
    """A range of values, with its unit once where it is the same for both."""
    lower, upper = quantity(low, unit), quantity(high, unit)
    unit = unit and shorten(unit, LONGEST_UNIT)
    if unit and lower.endswith(f" {unit}") and upper.endswith(f" {unit}"):
        lower = lower.removesuffix(f" {unit}")
    return f"{lower} – {upper}"


def percent(value: float) -> str:
    """A share in percent, to one digit, never rounded up: `99.9 %` is not yet all."""
    return f"{number(math.floor(value * 10) / 10)} %"


def size(value: float) -> str:
    """A number of bytes, in powers of 1000."""
    scaled, power = float(value), 0
    while abs(scaled) >= 1000 and power < len(_SIZES) - 1:
        scaled /= 1000
        power += 1
    return f"{number(scaled if power == 0 else round(scaled, 1))} {_SIZES[power]}"


def _seconds(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return duration(value) if value >= 0 else f"{number(value)} s"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns")):
        if abs(value) * factor >= 1:
            return f"{number(float(f'{value * factor:.3g}'))} {unit}"
    return f"{number(value)} s"


def duration(seconds: float) -> str:
    """A length of time, its two largest units: `14 min 3 s`, `2 d 4 h`, `0.42 s`, `2.5 ms`."""
    seconds = max(0.0, seconds)
    if seconds < 0.0995:  # more would be 1e+02
        return f"{seconds * 1000:.2g} ms" if seconds >= 5e-5 else "0 s"
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (secs, "s")]
    first = next((i for i, (amount, _) in enumerate(parts) if amount), 3)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)


def count(amount: int, noun: str) -> str:
    """A number of things: `1 event`, `12,403 events`."""
    return f"{number(amount)} {noun if amount == 1 else noun + 's'}"


def rate(amount: float, seconds: float) -> str:
    """How often something came, to two digits: `0.79 /s`, `1,240 /s`."""
    value = amount / seconds
    return f"{number(round(value) if abs(value) >= 100 else float(f'{value:.2g}'))} /s"


def elapsed(seconds: float, digits: int = 3) -> str:
    """A place on a session's time axis: `13:24.118`, `1:02:03.500`."""
    sign = "-" if seconds < 0 else ""
    ticks = round(abs(seconds) * 10**digits)
    whole, fraction = divmod(ticks, 10**digits)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    clock = f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"
    return f"{sign}{clock}.{fraction:0{digits}}" if digits else f"{sign}{clock}"


def ago(instant: datetime, now: datetime) -> str:
    """How long ago an instant was, in its largest unit: `2 h ago`."""
    seconds = (now - instant).total_seconds()
    if seconds < 1:
        return "just now"
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def exact(instant: datetime) -> str:
    """An instant to the millisecond, in UTC: `2026-11-21 22:04:02.118 UTC`."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03} UTC"


def rfc3339(instant: datetime) -> str:
    """An instant for machines: `2026-11-21T22:04:02.118000Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shorten(text: str, limit: int) -> str:
    """The text, cut and marked with an ellipsis where it is longer than `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clip(text: str, limit: int = 2000) -> str:
    """The text as it is up to `limit` characters; of a longer one the beginning, and how long it is."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters in all; the JSON has them)"


def sentence_case(text: str) -> str:
    """The text with a capital first letter and no full stop, to go on with; a name out of code stays as it is."""
    text = text.rstrip(". ")
    if _CODE.match(text):
        return text
    return text[:1].upper() + text[1:]
