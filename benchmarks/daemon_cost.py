"""What the daemon beside a program costs while that logs 1,000 records a second: share of one core, resident memory."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from real import Running

RECORDS_A_SECOND = 1_000
SECONDS = 20
_SETTLE_SECONDS = 3

# A game of 50 frames a second that logs 20 records in each; and a state twice a second.
LOGS = """
import sys, time
import datacat
session = datacat.create_session(product="benchmark", version="1")
session.start_heartbeat_monitor(timeout=10)
print(session.session_id, session.sink._folder, flush=True)
begin = time.monotonic()
frame = 0
while time.monotonic() - begin < {seconds}:
    for i in range(10):
        session.log_event("moved", {{"x": frame + i, "y": 2}})
    for i in range(5):
        session.log_gauge("fps", 60.0 - i / 7, unit="fps")
    for i in range(3):
        session.log_counter("enemies", tags=["kind:wraith"])
    session.log_histogram("frame_time", 0.012 + frame % 7 / 1000, unit="seconds")
    if frame % 25:
        session.log_timer("physics", 0.003, count=4)
    else:
        session.update_state({{"frame": frame, "player": {{"health": 100, "x": frame / 2}}}})
    session.heartbeat()
    frame += 1
    time.sleep(max(0.0, begin + frame * 20 / {rate} - time.monotonic()))
session.end()
"""


@dataclass(frozen=True)
class Cost:
    """The daemon's share of one core (1.0 is all of it), its resident memory in bytes, and records a second."""

    share: float
    resident: int
    rate: float


def measure(running: Running, seconds: int = SECONDS) -> Cost:
    """What a daemon costs while its program logs."""
    program = running.start(LOGS.format(seconds=seconds + 2 * _SETTLE_SECONDS, rate=RECORDS_A_SECOND))
    assert program.stdout is not None
    session_id, folder = program.stdout.readline().split()
    time.sleep(_SETTLE_SECONDS)
    daemon = _daemon_of(Path(folder).parent)
    begin, used, settled = time.monotonic(), _processor_seconds(daemon), _acknowledged(Path(folder))
    time.sleep(seconds)
    elapsed = time.monotonic() - begin
    used = _processor_seconds(daemon) - used
    rate = (_acknowledged(Path(folder)) - settled) / elapsed
    resident = _resident(daemon)
    program.communicate()
    running.wait_for_status(session_id, "ended")
    return Cost(used / elapsed, resident, rate)


def _daemon_of(process_folder: Path) -> int:
    """The pid of the daemon that holds the lock of a process folder."""
    inode = (process_folder / "daemon.lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[5].rsplit(":", 1)[-1] == str(inode):
            return int(fields[4])
    raise RuntimeError(f"nobody holds {process_folder}/daemon.lock")


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _acknowledged(folder: Path) -> int:
    content: dict[str, int] = json.loads((folder / "acked.json").read_text())
    return sum(content.values())
