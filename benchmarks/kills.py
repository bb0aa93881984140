"""The server is killed a hundred times under load: how soon it answers again, and whether all is there, once."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # the senders are those of the tests

from support.load import BatchSender, Sender, SingleSender

KILLS = 100
_BETWEEN_SECONDS = 0.3
_LONGEST_START_SECONDS = 30


@dataclass(frozen=True)
class Start:
    """Seconds until a server answered; of these what it computed, and waited for a core that others had."""

    until_answer: float
    computing: float
    waiting: float


@dataclass(frozen=True)
class Found:
    """Events that were acknowledged, those of them that are missing, those that are there twice; how starts went."""

    acknowledged: int
    missing: int
    twice: int
    median: Start
    worst: Start


def measure() -> Found:
    """Five senders without a pause, and a kill every few tenths of a second."""
    with tempfile.TemporaryDirectory(prefix="datacat-bench-") as name:
        data = Path(name) / "data"
        process, port, _ = _start(data, 0)
        address = ("127.0.0.1", port)
        senders: list[Sender] = [BatchSender(address, f"batches{size}", size) for size in (1, 20, 300)]
        senders += [SingleSender(address, f"single{number}") for number in range(2)]
        for sender in senders:
            sender.start()
        starts = []
        for number in range(KILLS):
            time.sleep(_BETWEEN_SECONDS * (0.5 + number % 10 / 10))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            process, _, start = _start(data, port)
            starts.append(start)
        for sender in senders:
            sender.stop()
        process.terminate()
        process.communicate()
        missing, twice = _compare(data, senders)
    acknowledged = sum(len(sender.acknowledged) for sender in senders)
    starts.sort(key=lambda start: start.until_answer)
    return Found(acknowledged, missing, twice, starts[len(starts) // 2], starts[-1])


def _start(data: Path, port: int) -> tuple["subprocess.Popen[str]", int, Start]:
    # An installed server has its modules compiled. A checkout may not, and is not to be littered with them.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(data.parent / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
    begin = time.perf_counter()
    command = [str(Path(sys.executable).with_name("datacat-server")), "--port", str(port), "--data-path", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    found = re.search(r"http://[\d.]+:(\d+)", process.stdout.readline())
    if found is None:
        raise RuntimeError("the server did not start again")
    try:
        _await_answer(f"{found.group()}/health", begin + _LONGEST_START_SECONDS)
    except RuntimeError:
        process.kill()
        process.communicate()
        raise
    until_answer = time.perf_counter() - begin
    times = psutil.Process(process.pid).cpu_times()
    return process, int(found[1]), Start(until_answer, times.user + times.system, _waited(process.pid))


def _await_answer(url: str, deadline: float) -> None:
    """Return when a GET is answered 200. Raises RuntimeError at the deadline, of `time.perf_counter()`."""
    said: OSError | None = None
    while True:
        left = deadline - time.perf_counter()
        if left <= 0:
            raise RuntimeError(f"{url} was not answered within {_LONGEST_START_SECONDS} s of the start: {said}")
        try:
            with urllib.request.urlopen(url, timeout=left) as answer:
                answer.read()
                return
        except OSError as error:  # not yet, or another status than 200
            said = error
            time.sleep(0.005)


def _waited(process: int) -> float:
    """Seconds that a process could have computed and had no core, by its first thread; 0 where no kernel tells."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def _compare(data: Path, senders: list[Sender]) -> tuple[int, int]:
    missing = twice = 0
    names = (
        "SELECT name, count(*) FROM events WHERE session = (SELECT id FROM sessions WHERE session_id = ?) GROUP BY name"
    )
    with closing(sqlite3.connect(data / "datacat.sqlite3")) as db:
        for sender in senders:
            found = dict(db.execute(names, (sender.session,)))
            missing += len(set(sender.acknowledged) - found.keys())
            twice += sum(count > 1 for count in found.values())
    return missing, twice
