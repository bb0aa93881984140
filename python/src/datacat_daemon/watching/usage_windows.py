"""What a process uses, by what Windows tells of it: CPU, memory, open handles."""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

from datacat import windows as calls

assert sys.platform == "win32"

_TICKS_PER_SECOND = 10_000_000


class _MemoryCounters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of psapi.h."""

    _fields_ = [
        ("cb", wintypes.DWORD),
        ("PageFaultCount", wintypes.DWORD),
        ("PeakWorkingSetSize", ctypes.c_size_t),
        ("WorkingSetSize", ctypes.c_size_t),
        ("QuotaPeakPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPeakNonPagedPoolUsage", ctypes.c_size_t),
        ("QuotaNonPagedPoolUsage", ctypes.c_size_t),
        ("PagefileUsage", ctypes.c_size_t),
        ("PeakPagefileUsage", ctypes.c_size_t),
    ]


_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.K32GetProcessMemoryInfo.argtypes = [wintypes.HANDLE, ctypes.POINTER(_MemoryCounters), wintypes.DWORD]
_kernel32.K32GetProcessMemoryInfo.restype = wintypes.BOOL
_kernel32.GetProcessHandleCount.argtypes = [wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD)]
_kernel32.GetProcessHandleCount.restype = wintypes.BOOL


def cpu_seconds(handle: int) -> tuple[float, float] | None:
    """Seconds of CPU that a process has used: its own, and the system's for it; None where they are not told."""
    times = calls.times_of(handle)
    return None if times is None else (times[3] / _TICKS_PER_SECOND, times[2] / _TICKS_PER_SECOND)


def memory_bytes(handle: int) -> tuple[int, int] | None:
    """The resident memory of a process, and the most it has had; None where they are not told."""
    counters = _MemoryCounters(cb=ctypes.sizeof(_MemoryCounters))
    if not _kernel32.K32GetProcessMemoryInfo(handle, ctypes.byref(counters), counters.cb):
        return None
    return counters.WorkingSetSize, counters.PeakWorkingSetSize


def open_handles(handle: int) -> int | None:
    """How many handles a process has open, of files and of anything else; None where that is not told."""
    count = wintypes.DWORD()
    return count.value if _kernel32.GetProcessHandleCount(handle, ctypes.byref(count)) else None
