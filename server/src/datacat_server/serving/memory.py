"""How memory is kept: by the C library, and by the collector of garbage."""

import ctypes
import gc

# From glibc's malloc.h, see mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 256 * 1024
_ARENAS = 2
_YOUNG = gc.get_threshold()[0]
_YOUNG_AT_START = 100_000


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


def hurry() -> None:
    """Hardly look for garbage: what a start imports and builds stays, and looking through it takes a tenth of it."""
    gc.set_threshold(_YOUNG_AT_START)


def keep_what_is_there() -> None:
    """The end of the hurry: what there is by now is not looked through again."""
    gc.freeze()
    gc.set_threshold(_YOUNG)
