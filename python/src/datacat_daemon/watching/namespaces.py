"""Processes of other PID namespaces, that is of containers: a pid means something only in its own.

A namespace sees its own processes and those of the namespaces below it, under other pids: `NSpid` in
`/proc/PID/status` has all of them, the innermost last. So from the initial namespace every process is seen, and from
any other one there may be processes that are not.

What may live unseen is left alone while it holds the lock by which it says that it lives (`datacat.alive`). Where it
has none, it is left alone until nothing was written for a day.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datacat import alive

from datacat_daemon.spool.manifest import a_manifest_in
from datacat_daemon.watching.proc_stat import read_stat
from datacat_daemon.watching.proc_status import read_status
from datacat_daemon.watching.process import boot_id

_INITIAL = "pid:[4026531836]"
"""PROC_PID_INIT_INO of the kernel's proc_ns.h."""

UNTOUCHED_SECONDS = 86_400.0
"""A process that cannot be seen and has no lock counts as gone when it has written nothing for so long."""
SETTLED_SECONDS = 60.0
"""The same of one that has let go of its lock: for one that has only closed all files that it had open."""


class Whereabouts(NamedTuple):
    """Where a process is: under which pid this daemon sees it, if it does; and whether it may be where none is seen."""

    pid: int | None
    may_be_hidden: bool


def own_namespace() -> str | None:
    """The PID namespace of this daemon, such as `pid:[4026531836]`; None where the system has none."""
    return namespace_of("self")


def namespace_of(pid: int | str) -> str | None:
    """The PID namespace of a process, None if that cannot be seen."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def whereabouts(pid: int, start: str | None, namespace: str | None) -> Whereabouts:
    """Look for a process.

    Args:
        pid: its pid in its own namespace.
        start: field 22 of its `/proc/PID/stat`, which is the same in every namespace.
        namespace: its PID namespace, None if it has said nothing about that.
    """
    own = own_namespace()
    if namespace is None or own is None or namespace == own:
        return Whereabouts(pid, False)
    for seen_as in _processes_of(namespace):
        stat = read_stat(seen_as)
        pids = (read_status(seen_as) or {}).get("NSpid", "").split()
        if stat is not None and stat.start == start and pids[-1:] == [str(pid)]:
            return Whereabouts(seen_as, False)
    return Whereabouts(None, own != _INITIAL)


def may_be_hidden(folder: Path) -> bool:
    """The process of a process folder may live where this daemon does not see it."""
    manifest = a_manifest_in(folder)
    if manifest is None or manifest.boot_id not in (None, boot_id()):
        return False
    place = whereabouts(manifest.pid, manifest.process_start, manifest.pid_namespace)
    if not place.may_be_hidden:
        return False
    lives = _holds_its_lock(folder)
    patience = UNTOUCHED_SECONDS if lives is None else SETTLED_SECONDS
    return bool(lives) or time.time() - _touched(folder) < patience


def is_gone(namespace: str | None, start: str | None) -> bool:
    """A namespace of others, of a process that began at `start`, has ended: nobody is left in it.

    Its number may have been given to another one since, in which everybody began later.
    """
    own = own_namespace()
    if namespace is None or own is None or namespace == own:
        return False
    stats = (read_stat(pid) for pid in _processes_of(namespace))
    return not any(stat is not None and int(stat.start) <= int(start or 0) for stat in stats)


if sys.platform == "win32":

    def _holds_its_lock(folder: Path) -> bool | None:
        return None

else:
    import fcntl

    def _holds_its_lock(folder: Path) -> bool | None:
        """The process of a folder holds the lock that says that it lives; None where there is none."""
        try:
            descriptor = os.open(folder / alive.NAME, os.O_RDWR)
        except OSError:
            return None
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False


def _touched(folder: Path) -> float:
    """When anything below a folder was last written to, seconds since 1970 UTC."""
    times = [0.0]
    for path in folder.glob("**/*"):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times)


def _processes_of(namespace: str) -> Iterator[int]:
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for name in names:
        if name.isdigit() and namespace_of(name) == namespace:
            yield int(name)
