"""Numbers, lengths of time and instants, in words for people."""

import math
import re
from collections.abc import Collection
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


def finer(value: float, step: float) -> str:
    """A number as `number` writes it, with more digits where values that are `step` apart would look the same."""
    usual = number(value)
    if not step or not value or not math.isfinite(value) or abs(value) >= 1e15 or "e" in usual:
        return usual
    needed = min(-math.floor(math.log10(step) + 1e-9), 15 - math.ceil(math.log10(abs(value)) + 1e-9))
    return f"{value:,.{needed}f}" if needed > len(usual.partition(".")[2]) else usual


def step_within(low: float, high: float) -> float:
    """How far apart values between two others must be to be told apart: a hundredth to a tenth of the span."""
    span = high / 20 - low / 20
    return 10.0 ** math.floor(math.log10(span)) if 1e-300 < span < math.inf else 0.0


def step_for_all(values: Collection[float], unit: str | None) -> float:
    """The step that tells these values apart; 0 where they are whole numbers that are apart as they are."""
    usual = {quantity(value, unit) for value in values}
    if len(usual) == len(set(values)) and not any("." in text for text in usual):
        return 0.0
    return step_within(min(values), max(values))


def quantity(value: float, unit: str | None, step: float = 0.0) -> str:
    """A value with its unit; bytes and seconds in the size that reads best: `3.8 GB`, `16.2 ms`.

    `step`: values so far apart are told apart, in the same unit. A unit of more than `LONGEST_UNIT` characters, which
    no unit has, is cut.
    """
    match unit:
        case "bytes" | "byte" | "B":
            return size(value, step)
        case "seconds" | "s" | "sec":
            return _seconds(value, step)
        case None | "":
            return finer(value, step)
        case "percent" | "%":
            return f"{finer(value, step)} %"
        case _:
            return f"{finer(value, step)} {shorten(unit, LONGEST_UNIT)}"


def is_scaled(unit: str | None) -> bool:
    """Whether values of a unit are written in the size that reads best, so that each needs a unit of its own."""
    return unit in ("bytes", "byte", "B", "seconds", "s", "sec")


def quantities(low: float, high: float, unit: str | None) -> str:
    """A range of values, told apart however near they are, with its unit once where it is the same for both."""
    step = step_for_all((low, high), unit) * 10
    lower, upper = quantity(low, unit, step), quantity(high, unit, step)
    unit = unit and shorten(unit, LONGEST_UNIT)
    if unit and lower.endswith(f" {unit}") and upper.endswith(f" {unit}"):
        lower = lower.removesuffix(f" {unit}")
    return f"{lower} – {upper}"


def percent(value: float) -> str:
    """A share in percent, to one digit, never rounded up: `99.9 %` is not yet all."""
    return f"{number(math.floor(value * 10) / 10)} %"


def size(value: float, step: float = 0.0) -> str:
    """A number of bytes, in powers of 1000; `step` as of `quantity`."""
    scaled, power = float(value), 0
    while abs(scaled) >= 1000 and power < len(_SIZES) - 1:
        scaled /= 1000
        power += 1
    step /= 1000**power
    return f"{number(scaled) if power == 0 else finer(_rounded(scaled, 1, step), step)} {_SIZES[power]}"


def _rounded(value: float, digits: int, step: float) -> float:
    """Rounded to so many digits after the point, unless a step needs more."""
    return value if step and step < 10.0**-digits else round(value, digits)


def _seconds(value: float, step: float = 0.0) -> str:
    if not math.isfinite(value):
        return f"{number(value)} s"
    if value == 0 or abs(value) >= 100:
        if value >= 0 and (not step or duration(value) != duration(value + step)):
            return duration(value)
        return f"{finer(value, step)} s"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns")):
        if abs(value) * factor >= 1:
            usual = float(f"{value * factor:.3g}")
            is_enough = not step or step * factor >= 10.0 ** (math.floor(math.log10(abs(usual))) - 2)
            return f"{finer(usual if is_enough else value * factor, step * factor)} {unit}"
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
    whole = math.isfinite(value) and abs(value) >= 100
    return f"{number(round(value) if whole else float(f'{value:.2g}'))} /s"


def elapsed(seconds: float, digits: int = 3) -> str:
    """A place on a session's time axis: `13:24.118`, `1:02:03.500`; beyond a day `3 d 4:05:06`, or `30 d`."""
    sign = "-" if seconds < 0 else ""
    if abs(seconds) >= 86400:
        days, rest = divmod(round(abs(seconds)), 86400)
        return f"{sign}{days} d {rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}".removesuffix(" 0:00:00")
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
