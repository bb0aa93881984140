"""What a program has used."""

from __future__ import annotations

from typing import NamedTuple


class Used(NamedTuple):
    """What the program used: CPU time in seconds, and the most resident memory, None where it is not known.

    The system counts what the forked process had before it became the program as memory of the program. Where that was
    more, it is what the program's own was when it was last sampled.
    """

    user_seconds: float
    system_seconds: float
    peak_memory_bytes: int | None
