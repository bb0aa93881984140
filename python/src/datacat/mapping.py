"""Maps a segment in the midst of a logging call, so that neither this call nor those after it are held up.

- Its pages are made writable now: otherwise each of them costs 3 to 30 microseconds at the first store into it.
- The interpreter's lock is kept. Whatever Python itself does with a file lets go of the lock, and where other threads
  compute, getting it back takes 5 ms and more, a dozen times for one segment. The calls here, by ctypes, take 0.2 ms
  together; they wait for nothing, as the file is in memory already when the daemon has just made it ready.
- The new file takes the place of the old one at the same address: so nothing has to be unmapped.

Where there is no ctypes, and on other systems than Linux with 64 bits, Python's own ways are used.
"""

import errno
import mmap
import os
import struct
import sys

from datacat._compat import map_file

try:
    import ctypes
except ImportError:
    ctypes = None

_O_CLOEXEC = 0o2000000
_PROT_READ_WRITE = 3
_MAP_SHARED_FIXED = 0x11
_MADV_POPULATE_WRITE = 23  # since Linux 5.14

# Where a mapping could not be replaced, there may be none any more: Python must not unmap what has come there since.
_lost = []


def _system_calls():
    """The C library's open, lseek, mmap, madvise and close, which keep the interpreter's lock; None without them."""
    if ctypes is None or not sys.platform.startswith("linux") or struct.calcsize("P") != 8:
        return None
    try:
        library = ctypes.PyDLL(None, use_errno=True)
        library.lseek.restype = ctypes.c_long
        library.lseek.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int]
        library.mmap.restype = ctypes.c_void_p
        library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
        library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        return library.open and library.close and library
    except (AttributeError, OSError):
        return None


_library = _system_calls()


def take_up(path, size, old=None):
    """Map a file for writing, with all its pages at hand.

    Args:
        path: the file; it is `size` bytes long, and its blocks are allocated.
        size: bytes.
        old: a mapping of the same size that this function has made and nobody will use any more: the new one takes its
            place, if it can. Where this call fails, it is not to be given again.

    Returns an mmap. Raises OSError.
    """
    if _library is None:
        page = map_file(path, size)
        _touch(page)
        return page
    descriptor = _library.open(_encode(path), os.O_RDWR | _O_CLOEXEC)
    if descriptor < 0:
        raise _error(path)
    try:
        if _library.lseek(descriptor, 0, os.SEEK_END) < size:
            raise OSError(errno.EINVAL, "shorter than a segment", path)
        page = mmap.mmap(-1, size) if old is None else old
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        if _library.mmap(address, size, _PROT_READ_WRITE, _MAP_SHARED_FIXED, descriptor, 0) != address:
            _lost.append(page)
            raise _error(path)
        if _library.madvise(address, size, _MADV_POPULATE_WRITE) != 0:
            if ctypes.get_errno() != errno.EINVAL:  # no room on the disk, where the file system allocates late
                raise _error(path)
            _touch(page)
    finally:
        _library.close(descriptor)
    return page


def _encode(path):
    if isinstance(path, bytes):
        return path
    return os.fsencode(path) if hasattr(os, "fsencode") else path.encode(sys.getfilesystemencoding())


def _touch(page):
    """Store into every page but the first, which is written at once anyway."""
    later = page[mmap.PAGESIZE :: mmap.PAGESIZE]
    page[mmap.PAGESIZE :: mmap.PAGESIZE] = later


def _error(path):
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)
