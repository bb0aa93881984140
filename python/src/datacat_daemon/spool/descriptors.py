"""How many files a daemon may have open: as many as the system lets it, and what that means for how it goes about."""

from __future__ import annotations

import contextlib
import sys

MOST_WRITERS_OPEN = 10
"""Of one session; where there are more, the segment of each is opened only while it is looked at."""

_ENOUGH = 65_536
_OF_THE_C_RUNTIME = 8_192
"""So many descriptors the C library of Windows gives out at most."""

if sys.platform == "win32":

    def raise_limit() -> None:
        """Take what the system allows."""

    def _limit() -> int:
        return _OF_THE_C_RUNTIME

else:
    import resource

    def raise_limit() -> None:
        """Take what the hard limit allows."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    def _limit() -> int:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return _ENOUGH if soft == resource.RLIM_INFINITY else min(soft, _ENOUGH)


def most_sessions_open() -> int:
    """So many sessions may keep their files open between two looks; where there are more, none does."""
    return max(2, min(50, _limit() // 32))


def most_processes() -> int:
    """So many process folders can be looked after, with a few descriptors each."""
    return max(4, _limit() // 8)
