"""How the C library keeps memory: what many threads have used for large bodies goes back to the system."""

import ctypes

# From glibc's malloc.h, see mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 256 * 1024
_ARENAS = 2


def give_back_freed_memory() -> None:
    """Have large blocks mapped by themselves, and threads share two arenas. Before the first thread is started.

    By itself glibc keeps up to 8 arenas a core and raises both thresholds with the first large block that is freed:
    a few large bodies at once left 300 MB behind. With another C library nothing is done.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for setting, value in ((_ARENA_MAX, _ARENAS), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE)):
        mallopt(setting, value)
