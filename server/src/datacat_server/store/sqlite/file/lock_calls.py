"""The locks of open files: `flock`, and on Windows LockFileEx. The system lets go of them when their holder dies."""

import os
import sys

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _FAIL_IMMEDIATELY = 0x1
    _EXCLUSIVE = 0x2
    _BEHIND_ALL = 0x7FFFFFFF
    """In the high half of the offset: what is locked there can be read by nobody else, so it is not in the file."""

    class _Overlapped(ctypes.Structure):
        """OVERLAPPED of minwinbase.h."""

        _fields_ = [
            ("Internal", ctypes.c_size_t),
            ("InternalHigh", ctypes.c_size_t),
            ("Offset", wintypes.DWORD),
            ("OffsetHigh", wintypes.DWORD),
            ("hEvent", wintypes.HANDLE),
        ]

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.LockFileEx.argtypes = [
        *(wintypes.HANDLE, wintypes.DWORD, wintypes.DWORD, wintypes.DWORD, wintypes.DWORD),
        ctypes.POINTER(_Overlapped),
    ]
    _kernel32.LockFileEx.restype = wintypes.BOOL

    def lock(descriptor: int, *, alone: bool) -> bool:
        """Lock an open file, alone or beside others who do not want it alone; False where somebody is in the way."""
        place = _Overlapped(OffsetHigh=_BEHIND_ALL)
        flags = _FAIL_IMMEDIATELY | (_EXCLUSIVE if alone else 0)
        handle = msvcrt.get_osfhandle(descriptor)
        return bool(_kernel32.LockFileEx(handle, flags, 0, 1, 0, ctypes.byref(place)))

else:
    import fcntl

    def lock(descriptor: int, *, alone: bool) -> bool:
        """Lock an open file, alone or beside others who do not want it alone; False where somebody is in the way."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def write_whole(descriptor: int, content: bytes) -> None:
    """Make this the content of an open file. Raises OSError."""
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, content)


def read_begin(descriptor: int, size: int) -> bytes:
    """The first bytes of an open file, at most so many. Raises OSError."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, size)
