"""A process's vitals, and what its daemon costs: CPU, memory, threads and open files, as metrics.

From `/proc` where there is one, on Windows from the system's own calls, by which all handles count as open files. Else
from psutil, where it is installed; else from `ps`, which does not tell threads and open files.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from datacat_daemon.watching.ps import ask_ps

_SELF_STAT = "/proc/self/stat"
_FIRST_SECONDS = 1.0


class Usage(NamedTuple):
    """What a process uses: seconds of CPU since it began, resident bytes, threads, open files; None if unknown."""

    cpu_seconds: float
    resident_bytes: int
    threads: int | None = None
    open_files: int | None = None


def read_usage(pid: int) -> Usage | None:
    """What a process uses now, None where there is none or the system does not tell."""
    return _best_way()(pid)


class VitalsWatch:
    """Samples a process and this daemon, every so often.

    Args:
        pid: the process.
        interval: seconds between two samples, the first comes sooner; 0 for never.
        now: seconds on the monotonic clock.

    Attributes:
        resident_bytes: the memory that the process had when it was last sampled, None before.
    """

    def __init__(self, pid: int, interval: float, now: float) -> None:
        self.resident_bytes: int | None = None
        self._interval = interval
        self._process = _Course(pid)
        self._daemon = _Course(os.getpid())
        self._due = now + min(interval, _FIRST_SECONDS)
        if interval:
            self._process.look(now)
            self._daemon.look(now)

    def look(self, now: float) -> list[bytes]:
        """The payloads of metric records (docs/design/records.md), if a sample is due; else none."""
        if not self._interval or now < self._due:
            return []
        self._due = now + self._interval
        cpu, usage = self._process.look(now)
        own_cpu, own = self._daemon.look(now)
        if usage is None:
            return []
        self.resident_bytes = usage.resident_bytes
        gauges = (
            ("process_cpu_percent", cpu, "percent"),
            ("process_resident_memory_bytes", usage.resident_bytes, "bytes"),
            ("process_threads", usage.threads, None),
            ("process_open_files", usage.open_files, None),
            ("daemon_cpu_percent", own_cpu, "percent"),
            ("daemon_resident_memory_bytes", None if own is None else own.resident_bytes, "bytes"),
        )
        return [_gauge(name, value, unit) for name, value, unit in gauges if value is not None]


class _Course:
    """The usage of one process from look to look."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._last: tuple[float, float] | None = None

    def look(self, now: float) -> tuple[float | None, Usage | None]:
        """Percent of one core since the last look, None at the first; and the usage."""
        usage = read_usage(self._pid)
        last, self._last = self._last, None if usage is None else (now, usage.cpu_seconds)
        if usage is None or last is None or now <= last[0]:
            return None, usage
        return round(max(0.0, 100 * (usage.cpu_seconds - last[1]) / (now - last[0])), 2), usage


def _gauge(name: str, value: float, unit: str | None) -> bytes:
    content: dict[str, Any] = {"name": name, "type": "gauge", "value": value}
    if unit is not None:
        content["unit"] = unit
    return json.dumps(content, separators=(",", ":")).encode("ascii")


def _best_way() -> Callable[[int], Usage | None]:
    if sys.platform == "win32" or os.path.exists(_SELF_STAT):
        return _by_system
    return _by_psutil if importlib.util.find_spec("psutil") else _by_ps


if sys.platform == "win32":
    from datacat import windows as calls

    from datacat_daemon.watching import usage_windows

    def _by_system(pid: int) -> Usage | None:
        handle = calls.open_process(pid)
        if handle is None:
            return None
        try:
            cpu, memory = usage_windows.cpu_seconds(handle), usage_windows.memory_bytes(handle)
            if cpu is None or memory is None:
                return None
            return Usage(sum(cpu), memory[0], None, usage_windows.open_handles(handle))
        finally:
            calls.close(handle)

else:

    def _by_system(pid: int) -> Usage | None:
        """Fields 14 and 15 (CPU), 20 (threads) and 24 (pages) of `/proc/PID/stat`, see proc_pid_stat(5)."""
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                stat = file.read()
            fields = stat[stat.rindex(b")") + 1 :].split()
            ticks = int(fields[11]) + int(fields[12])
            resident = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
            return Usage(ticks / os.sysconf("SC_CLK_TCK"), resident, int(fields[17]), _open_files(pid))
        except (OSError, ValueError, IndexError):
            return None


def _open_files(pid: int) -> int | None:
    folder = f"/proc/{pid}/fd"
    try:
        # Since Linux 6.2 the folder's size is their number: a process may have many thousands.
        return os.stat(folder).st_size or len(os.listdir(folder))
    except OSError:
        return None


def _by_psutil(pid: int) -> Usage | None:
    import psutil  # type: ignore[import-untyped, unused-ignore]

    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        usage = Usage(times.user + times.system, process.memory_info().rss, process.num_threads())
    except psutil.Error:
        return None
    try:
        return usage._replace(open_files=process.num_fds())
    except psutil.Error:
        return usage


def _by_ps(pid: int) -> Usage | None:
    try:
        time, resident = ask_ps("time=,rss=", pid).split()
        return Usage(_seconds(time), int(resident) << 10)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _seconds(time: str) -> float:
    """`[days-][hours:]minutes:seconds`, where macOS gives hundredths of a second too."""
    days, _, clock = time.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return int(days or 0) * 86_400 + seconds
