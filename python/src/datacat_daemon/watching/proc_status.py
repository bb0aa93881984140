"""`/proc/PID/status` as a dictionary, see proc_pid_status(5)."""

from __future__ import annotations


def read_status(pid: int) -> dict[str, str] | None:
    """Its fields by name, such as `TracerPid`; None where there is no such process or no `/proc`."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
