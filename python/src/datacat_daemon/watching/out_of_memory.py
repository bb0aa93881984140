"""Tells a SIGKILL that the kernel sent for want of memory from any other.

The kernel counts such kills: in the memory cgroup of the process that it killed (`oom_kill` in `memory.events.local`
of cgroup v2, see the kernel's admin-guide/cgroup-v2; in `memory.oom_control` of v1), and for the whole machine
(`oom_kill` in `/proc/vmstat`). A count that rose while the process died is its own, or that of a neighbour in the same
cgroup, which is killed for the same want; the machine's alone says no more than "probably".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LOOK_SECONDS = 5.0
_NO_LIMIT = 1 << 60
_VMSTAT = Path("/proc/vmstat")


@dataclass(frozen=True)
class OutOfMemory:
    """The kernel killed for want of memory.

    Attributes:
        certain: in the cgroup of the process; else somewhere on the machine.
        limit_bytes: the memory that its cgroup may take, None without a limit.
    """

    certain: bool
    limit_bytes: int | None = None


@dataclass(frozen=True)
class _Kills:
    """How many processes were killed for want of memory: in the cgroup whose folder is given, and on the machine."""

    folder: Path | None
    in_cgroup: int | None
    on_machine: int | None


class MemoryKillWatch:
    """Remembers the kernel's counts while a process runs.

    Args:
        pid: the process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._newer = self._older = _read_kills(_memory_cgroup(pid))
        self._due = 0.0

    def look(self, now: float) -> None:
        """Look at the counts now and then; `now` in seconds on the monotonic clock."""
        if now >= self._due:
            self._due = now + _LOOK_SECONDS
            # A kill is counted a moment before the process is gone: the newest counts may hold its own already.
            self._older, self._newer = self._newer, _read_kills(_memory_cgroup(self._pid))

    def verdict(self) -> OutOfMemory | None:
        """Once it was killed by SIGKILL: whether that was for want of memory."""
        before = self._older if self._older.folder == self._newer.folder else self._newer
        after = _read_kills(before.folder)
        if before.in_cgroup is not None and after.in_cgroup is not None:
            return OutOfMemory(True, _limit(before.folder)) if after.in_cgroup > before.in_cgroup else None
        if before.on_machine is not None and after.on_machine is not None and after.on_machine > before.on_machine:
            return OutOfMemory(False)
        return None


def _read_kills(folder: Path | None) -> _Kills:
    in_cgroup = None
    if folder is not None:
        counts = (_count(folder / name) for name in ("memory.events.local", "memory.events", "memory.oom_control"))
        in_cgroup = next((count for count in counts if count is not None), None)
    return _Kills(folder, in_cgroup, _count(_VMSTAT))


def _count(path: Path) -> int | None:
    try:
        for line in _read(path).splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    except (OSError, ValueError):
        pass
    return None


def _memory_cgroup(pid: int) -> Path | None:
    """The folder of the cgroup that limits a process's memory: v1 where that has the controller, else v2."""
    try:
        text = _read(f"/proc/{pid}/cgroup")
    except OSError:
        return None
    paths: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, own = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), own))
    by_v1 = "memory" in paths
    path = paths.get("memory" if by_v1 else "")
    for root, mounted, is_memory_v1, is_v2 in _mounts():
        if path is not None and (is_memory_v1 if by_v1 else is_v2):
            inside = path[len(root.rstrip("/")) :] if path.startswith(root) else path
            folder = Path(mounted + "/" + inside.strip("/"))
            return folder if folder.is_dir() else Path(mounted)
    return None


def _read(path: Path | str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _mounts() -> Iterator[tuple[str, str, bool, bool]]:
    """Of each cgroup file system: root, where it is mounted, is it v1 with the memory controller, is it v2."""
    try:
        lines = _read("/proc/self/mountinfo").splitlines()
    except OSError:
        return
    for line in lines:
        before, _, after = line.partition(" - ")
        kind, _, options = after.partition(" ")
        if kind.startswith("cgroup"):
            fields = before.split()
            yield fields[3], fields[4], "memory" in options.split()[-1].split(","), kind == "cgroup2"


def _limit(folder: Path | None) -> int | None:
    """The lowest limit of a cgroup and those above it, in bytes."""
    found = []
    while folder is not None and (folder / "cgroup.procs").exists():
        for name in ("memory.max", "memory.limit_in_bytes"):
            try:
                found.append(int(_read(folder / name)))
            except (OSError, ValueError):  # "max" is no number
                continue
        folder = folder.parent
    lowest = min(found, default=_NO_LIMIT)
    return lowest if lowest < _NO_LIMIT else None
