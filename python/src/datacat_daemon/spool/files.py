"""Opens files of the spool, and reads them at an offset, so that nobody else is hindered.

On POSIX these are `os.open` and `os.pread`. On Windows a file that is open can be neither deleted nor replaced, unless
everybody who has it open allows that (FILE_SHARE_DELETE), which Python's own ways of opening do not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    from datacat import windows as calls

    _GENERIC_READ = 0x80000000
    _GENERIC_WRITE = 0x40000000
    _SHARE_ALL = 0x7
    _OPEN_EXISTING = 3
    _OPEN_ALWAYS = 4
    _INVALID_HANDLE = wintypes.HANDLE(-1).value
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.CreateFileW.argtypes = [
        *(wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID, wintypes.DWORD, wintypes.DWORD),
        wintypes.HANDLE,
    ]
    _kernel32.CreateFileW.restype = wintypes.HANDLE

    def _opened(path: str | Path, access: int, disposition: int, flags: int) -> int:
        handle = _kernel32.CreateFileW(str(path), access, _SHARE_ALL, None, disposition, 0, None)
        if handle == _INVALID_HANDLE:
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            return msvcrt.open_osfhandle(handle, flags | os.O_BINARY | os.O_NOINHERIT)
        except OSError:  # there are no descriptors left
            calls.close(handle)
            raise

    def open_to_read(path: str | Path) -> int:
        """A descriptor to read a file, which others may write, delete and replace meanwhile. Raises OSError."""
        return _opened(path, _GENERIC_READ, _OPEN_EXISTING, os.O_RDONLY)

    def open_lock(path: Path) -> int:
        """A descriptor of a file to be locked, which is made if need be, and may be deleted. Raises OSError."""
        return _opened(path, _GENERIC_READ | _GENERIC_WRITE, _OPEN_ALWAYS, os.O_RDWR)

    def read_at(descriptor: int, size: int, offset: int) -> bytes:
        """Up to `size` bytes from an offset on; not from two threads at once. Raises OSError."""
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)

else:
    read_at = os.pread

    def open_to_read(path: str | Path) -> int:
        """A descriptor to read a file, which others may write, delete and replace meanwhile. Raises OSError."""
        return os.open(path, os.O_RDONLY)

    def open_lock(path: Path) -> int:
        """A descriptor of a file to be locked, which is made if need be, and may be deleted. Raises OSError."""
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
