"""What the client asks of Windows by its own calls (kernel32), and of its registry. Imported there only."""

import ctypes
from ctypes import wintypes

try:
    import winreg
except ImportError:
    import _winreg as winreg

SYNCHRONIZE = 0x00100000
QUERY_LIMITED = 0x1000
_EVENT_MODIFY_STATE = 0x0002
_WOW64_64KEY = 0x0100

_MACHINE = r"SOFTWARE\Microsoft\Cryptography"
_BOOT = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.OpenProcess.argtypes = [wintypes.DWORD, wintypes.BOOL, wintypes.DWORD]
kernel32.OpenProcess.restype = wintypes.HANDLE
kernel32.GetProcessTimes.argtypes = [wintypes.HANDLE] + [ctypes.POINTER(ctypes.c_uint64)] * 4
kernel32.GetProcessTimes.restype = wintypes.BOOL
kernel32.WaitForSingleObject.argtypes = [wintypes.HANDLE, wintypes.DWORD]
kernel32.WaitForSingleObject.restype = wintypes.DWORD
kernel32.CloseHandle.argtypes = [wintypes.HANDLE]
kernel32.CloseHandle.restype = wintypes.BOOL
kernel32.OpenEventW.argtypes = [wintypes.DWORD, wintypes.BOOL, wintypes.LPCWSTR]
kernel32.OpenEventW.restype = wintypes.HANDLE
kernel32.SetEvent.argtypes = [wintypes.HANDLE]
kernel32.SetEvent.restype = wintypes.BOOL


def open_process(pid, inherit=False):
    """A handle to wait for a process and to ask about it, for children too with `inherit`; None where there is none."""
    return kernel32.OpenProcess(SYNCHRONIZE | QUERY_LIMITED, inherit, pid) or None


def close(handle):
    """Close a handle."""
    kernel32.CloseHandle(handle)


def times_of(handle):
    """(start, end, kernel time, user time) of a process, in units of 100 ns, the first two since 1601 UTC; or None.

    The process need not run any more; until it has ended, the second means nothing.
    """
    times = [ctypes.c_uint64() for _ in range(4)]
    if not kernel32.GetProcessTimes(handle, *[ctypes.byref(time) for time in times]):
        return None
    return tuple(time.value for time in times)


def process_start(pid):
    """When a process started, in 100 ns since 1601 UTC, as text; None where it cannot be seen, or has ended.

    One that has ended can be opened for as long as anybody holds a handle of it.
    """
    handle = open_process(pid)
    if handle is None:
        return None
    try:
        times = times_of(handle) if kernel32.WaitForSingleObject(handle, 0) else None
        return None if times is None else str(times[0])
    finally:
        close(handle)


def set_event(name):
    """Set the named event, if anybody has made it."""
    event = kernel32.OpenEventW(_EVENT_MODIFY_STATE, False, name)
    if event:
        kernel32.SetEvent(event)
        close(event)


def machine_guid():
    """What the system has called itself when it was installed; None where that cannot be read."""
    return _value(_MACHINE, "MachineGuid")


def boot_id():
    """How often the system has been started, as text; None where it does not count."""
    count = _value(_BOOT, "BootId")
    return None if count is None else "boot-%s" % count


def _value(path, name):
    try:
        key = winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, winreg.KEY_READ | _WOW64_64KEY)
        try:
            return winreg.QueryValueEx(key, name)[0]
        finally:
            winreg.CloseKey(key)
    except EnvironmentError:
        return None
