"""A process that is watched by a handle (Windows): it is signalled when the process ends, and then tells its exit code.

While the handle is open its pid is not given to another process.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

from datacat import windows as calls

from datacat_daemon.watching.exit_status import status_of_windows

assert sys.platform == "win32"

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.WaitForSingleObject.argtypes = [wintypes.HANDLE, wintypes.DWORD]
_kernel32.WaitForSingleObject.restype = wintypes.DWORD
_kernel32.GetExitCodeProcess.argtypes = [wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD)]
_kernel32.GetExitCodeProcess.restype = wintypes.BOOL
_kernel32.GetProcessId.argtypes = [wintypes.HANDLE]
_kernel32.GetProcessId.restype = wintypes.DWORD


class HandleProcess:
    """Watched by its handle. Raises ProcessLookupError where it is gone or cannot be seen.

    Args:
        pid, start: as for `watch_process`.
        handle: one that the process has handed on; it tells how the process ended even if that was before.
    """

    def __init__(self, pid: int, start: str | None, handle: int | None = None) -> None:
        self.pid = pid
        opened = calls.open_process(pid) if handle is None else handle
        if opened is None:
            raise ProcessLookupError(f"no process {pid} that can be seen")
        self._handle = int(opened)
        times = calls.times_of(self._handle)
        if handle is None and start is not None and times is not None and str(times[0]) != start:
            self.close()
            raise ProcessLookupError(f"process {pid} is another one now")

    def has_ended(self) -> bool:
        return bool(_kernel32.WaitForSingleObject(self._handle, 0) == 0)

    def exit_status(self) -> int | None:
        code = wintypes.DWORD()
        if not self.has_ended() or not _kernel32.GetExitCodeProcess(self._handle, ctypes.byref(code)):
            return None
        return status_of_windows(code.value)

    def fileno(self) -> int:
        return self._handle

    def send_signal(self, number: int) -> bool:
        return False

    def close(self) -> None:
        calls.close(self._handle)


def is_handle_of(pid: int, handle: int) -> bool:
    """The number is a handle of this process."""
    return bool(_kernel32.GetProcessId(handle) == pid)
