"""Finding processes by a variable of their environment, which daemons inherit from the program that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def with_environment(name: str, value: str) -> list[int]:
    """Pids of the running processes of this user that have a variable with a value. Zombies are not among them."""
    entry = f"{name}={value}"
    if sys.platform == "linux":
        return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if entry in _environment(folder)]
    listing = subprocess.run(["ps", "-axwwE", "-o", "pid=,command="], capture_output=True, text=True, check=True)
    return [int(line.split()[0]) for line in listing.stdout.splitlines() if f" {entry} " in f"{line} "]


def _environment(folder: Path) -> list[str]:
    try:
        return (folder / "environ").read_text(errors="replace").split("\0")
    except OSError:  # gone since, or somebody else's
        return []


def command(pid: int) -> str:
    """The command line of a process, for people."""
    listing = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip()


def kill_all(name: str, value: str) -> None:
    """Kill every process that has the variable, and those that these start meanwhile; returns when none is left."""
    while pids := [pid for pid in with_environment(name, value) if pid != os.getpid()]:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
