"""The order of a product's versions.

Versions that look like numbers (`1.10`, `v2.0.1-rc1`) stand among themselves in their natural order, 1.10 above 1.9
and a release above its candidates. All others stand where they were first seen: in the list by first sight the ones
that look like numbers change places among themselves, and nothing else moves. So the order is one for all of them, and
a version that says nothing (`unknown`, a commit's hash) disturbs no other.
"""

import re
from collections.abc import Mapping

_NUMBER = re.compile(
    r"[vV]?(\d{1,15}(?:\.\d{1,15}){0,7})(?:[-_.]?(dev|alpha|a|beta|b|pre|preview|c|rc)[-_.]?(\d{0,15}))?(?:\+.*)?",
    re.IGNORECASE | re.ASCII,
)
_STAGES = {"dev": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2, "pre": 3, "preview": 3, "c": 3, "rc": 3}
_RELEASED = 4

Natural = tuple[tuple[int, ...], int, int]


def natural(version: str) -> Natural | None:
    """What versions that look like numbers are compared by; None for one that does not."""
    found = _NUMBER.fullmatch(version)
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), _STAGES.get((found[2] or "").lower(), _RELEASED), int(found[3] or 0)


def in_order(first_seen: Mapping[str, int]) -> list[str]:
    """The versions, oldest first. `first_seen`: when each was, in microseconds."""
    seen = sorted(first_seen, key=lambda version: (first_seen[version], version))
    keys = {version: key for version in seen if (key := natural(version)) is not None}
    numbers = iter(sorted(keys, key=lambda version: (keys[version], first_seen[version], version)))
    return [next(numbers) if version in keys else version for version in seen]


def newest(first_seen: Mapping[str, int]) -> str | None:
    """The last in that order; None where there is none."""
    ordered = in_order(first_seen)
    return ordered[-1] if ordered else None


def is_later(version: str, than: str, first_seen: Mapping[str, int]) -> bool:
    """Whether a version comes after another one; both are in `first_seen`."""
    ordered = in_order(first_seen)
    return ordered.index(version) > ordered.index(than)
