"""Wrong keys, counted by the address that they come from: each has so many to spend, and gets them back slowly."""

import ipaddress
import math
import time
from collections import OrderedDict
from dataclasses import dataclass

MOST_AT_ONCE = 20
SECONDS_PER_ATTEMPT = 3.0
LOG_EVERY_SECONDS = 60.0
KNOWN_FOR_SECONDS = 600.0
SECONDS_PER_ATTEMPT_OF_KNOWN = 0.1

_MOST_ADDRESSES = 10_000


@dataclass(slots=True)
class _Tally:
    """What one address has spent. `spent` is as of `time`; times are in seconds of the monotonic clock.

    `let_in`: when a right key that is counted here came last. `turned_away`: tries that nobody looked at.
    """

    time: float
    spent: float = 0.0
    let_in: float = float("-inf")
    logged: float = float("-inf")
    limit_logged: float = float("-inf")
    wrong: int = 0
    turned_away: int = 0


class Attempts:
    """The tallies of the addresses that sent keys lately; of at most 10,000, the newest.

    An address that a right key has come from lately gets its attempts back sooner: behind one address there may be
    many programs, and one with a wrong key must not shut out the others.
    """

    def __init__(self) -> None:
        self._tallies: OrderedDict[str, _Tally] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tallies)

    def wait(self, address: str) -> int:
        """For how many seconds an address should not try again; 0 when it may."""
        tally = self._tallies.get(_place(address))
        if tally is None:
            return 0
        now = time.monotonic()
        over = _spent(tally, now) - (MOST_AT_ONCE - 1)
        return math.ceil(over * _seconds_per_attempt(tally, now)) if over > 0 else 0

    def failed(self, address: str) -> bool:
        """Count a wrong key. Whether the address has spent its attempts by it, and this was not said for a minute."""
        now = time.monotonic()
        tally = self._tally(_place(address), now)
        tally.spent = min(tally.spent + 1, MOST_AT_ONCE)
        tally.wrong += 1
        if tally.spent <= MOST_AT_ONCE - 1 or now < tally.limit_logged + LOG_EVERY_SECONDS:
            return False
        tally.limit_logged = now
        return True

    def turned_away(self, address: str) -> None:
        """Count a try that was not looked at, for the log only: an address gets its attempts back while it tries."""
        self._tally(_place(address), time.monotonic()).turned_away += 1

    def succeeded(self, address: str) -> None:
        """Note that a right key came."""
        now = time.monotonic()
        self._tally(_place(address), now).let_in = now

    def to_tell(self, address: str) -> tuple[int, int] | None:
        """How many wrong keys came and how many tries were turned away since this was told; None where it is no time
        to tell it, or nothing.
        """
        now = time.monotonic()
        tally = self._tallies.get(_place(address))
        if tally is None or not (tally.wrong or tally.turned_away) or now < tally.logged + LOG_EVERY_SECONDS:
            return None
        counts = tally.wrong, tally.turned_away
        tally.wrong, tally.turned_away, tally.logged = 0, 0, now
        return counts

    def untold(self) -> list[str]:
        """The addresses of which there is something to tell, now or within a minute."""
        return [place for place, tally in self._tallies.items() if tally.wrong or tally.turned_away]

    def _tally(self, place: str, now: float) -> _Tally:
        """The tally of a place, as of now."""
        while self._tallies:
            oldest = next(iter(self._tallies.values()))
            if len(self._tallies) < _MOST_ADDRESSES and now < oldest.time + KNOWN_FOR_SECONDS:
                break
            self._tallies.popitem(last=False)
        tally = self._tallies.setdefault(place, _Tally(now))
        tally.spent, tally.time = _spent(tally, now), now
        self._tallies.move_to_end(place)
        return tally


def _seconds_per_attempt(tally: _Tally, now: float) -> float:
    return SECONDS_PER_ATTEMPT_OF_KNOWN if now < tally.let_in + KNOWN_FOR_SECONDS else SECONDS_PER_ATTEMPT


def _spent(tally: _Tally, now: float) -> float:
    return max(0.0, tally.spent - (now - tally.time) / _seconds_per_attempt(tally, now))


def _place(address: str) -> str:
    """What counts as one address: of IPv6 the first half, as the rest is for its owner to choose."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((ip, 64), strict=False))
    return address
