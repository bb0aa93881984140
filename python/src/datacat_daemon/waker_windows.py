"""Events of Windows: set by one thread or process, waited for by another, beside handles of processes."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from ctypes import wintypes

assert sys.platform == "win32"

_MOST_HANDLES = 64  # MAXIMUM_WAIT_OBJECTS
_CROWDED_SECONDS = 0.08
_WAIT_FAILED = 0xFFFFFFFF

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.CreateEventW.argtypes = [wintypes.LPVOID, wintypes.BOOL, wintypes.BOOL, wintypes.LPCWSTR]
_kernel32.CreateEventW.restype = wintypes.HANDLE
_kernel32.SetEvent.argtypes = [wintypes.HANDLE]
_kernel32.ResetEvent.argtypes = [wintypes.HANDLE]
_kernel32.CloseHandle.argtypes = [wintypes.HANDLE]
_kernel32.WaitForSingleObject.argtypes = [wintypes.HANDLE, wintypes.DWORD]
_kernel32.WaitForSingleObject.restype = wintypes.DWORD
_kernel32.WaitForMultipleObjects.argtypes = [
    *(wintypes.DWORD, ctypes.POINTER(wintypes.HANDLE), wintypes.BOOL, wintypes.DWORD)
]
_kernel32.WaitForMultipleObjects.restype = wintypes.DWORD


class Event:
    """An event, which stays set until it is cleared.

    Args:
        name: by which other processes of the logon session know it; None for one of this process only.

    Attributes:
        handle: of the event. Raises OSError where it cannot be had.
    """

    def __init__(self, name: str | None = None) -> None:
        handle = _kernel32.CreateEventW(None, True, False, name)
        if not handle:
            raise ctypes.WinError(ctypes.get_last_error())
        self.handle = int(handle)

    def set(self) -> None:
        """Whoever waits goes on."""
        _kernel32.SetEvent(self.handle)

    def clear(self) -> bool:
        """Take it back; whether it was set."""
        was_set = bool(_kernel32.WaitForSingleObject(self.handle, 0) == 0)
        _kernel32.ResetEvent(self.handle)
        return was_set

    def wait(self, others: Sequence[int], seconds: float) -> None:
        """Wait until it or one of the other handles is signalled; at most so many seconds.

        Where there are more than the system waits for at once, the wait is short: all of them are looked at after it.
        Raises OSError where one of them is no handle: it would be asked again at once, and for ever.
        """
        handles = list(dict.fromkeys([self.handle, *others]))  # the system refuses one that is there twice
        if len(handles) > _MOST_HANDLES:
            handles, seconds = handles[:_MOST_HANDLES], min(seconds, _CROWDED_SECONDS)
        array = (wintypes.HANDLE * len(handles))(*handles)
        if _kernel32.WaitForMultipleObjects(len(handles), array, False, int(seconds * 1000)) == _WAIT_FAILED:
            raise ctypes.WinError(ctypes.get_last_error())

    def close(self) -> None:
        """Let go of it."""
        _kernel32.CloseHandle(self.handle)
