"""Wrong keys, counted by the address that they come from: each has so many to spend, and gets them back slowly."""

import ipaddress
import math
import time
from collections import OrderedDict
from dataclasses import dataclass

MOST_AT_ONCE = 20
SECONDS_PER_ATTEMPT = 3.0
LOG_EVERY_SECONDS = 60.0

_MOST_ADDRESSES = 10_000
_FORGOTTEN_AFTER = max(MOST_AT_ONCE * SECONDS_PER_ATTEMPT, LOG_EVERY_SECONDS)


@dataclass(slots=True)
class _Tally:
    """What one address has spent. `spent` is as of `time`, in seconds of the monotonic clock."""

    time: float
    spent: float = 0.0
    logged: float = float("-inf")
    unlogged: int = 0


class Attempts:
    """The tallies of the addresses that sent wrong keys lately; of at most 10,000, the newest."""

    def __init__(self) -> None:
        self._tallies: OrderedDict[str, _Tally] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tallies)

    def wait(self, address: str) -> int:
        """For how many seconds an address should not try again; 0 when it may."""
        tally = self._tallies.get(_place(address))
        if tally is None:
            return 0
        over = _spent(tally, time.monotonic()) - (MOST_AT_ONCE - 1)
        return math.ceil(over * SECONDS_PER_ATTEMPT) if over > 0 else 0

    def failed(self, address: str) -> int:
        """Count a wrong key. How many there were since the last that was told, when it is time to tell; else 0."""
        now = time.monotonic()
        tally = self._tally(_place(address), now)
        tally.spent = min(_spent(tally, now) + 1, MOST_AT_ONCE)
        tally.time = now
        tally.unlogged += 1
        if now < tally.logged + LOG_EVERY_SECONDS:
            return 0
        count, tally.unlogged, tally.logged = tally.unlogged, 0, now
        return count

    def _tally(self, place: str, now: float) -> _Tally:
        while self._tallies:
            oldest = next(iter(self._tallies.values()))
            if len(self._tallies) < _MOST_ADDRESSES and now < oldest.time + _FORGOTTEN_AFTER:
                break
            self._tallies.popitem(last=False)
        tally = self._tallies.setdefault(place, _Tally(now))
        self._tallies.move_to_end(place)
        return tally


def _spent(tally: _Tally, now: float) -> float:
    return max(0.0, tally.spent - (now - tally.time) / SECONDS_PER_ATTEMPT)


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
