"""What a call of the Go client costs the program that makes it, with a daemon and without: go/bench_test.go."""

import os
import re
import subprocess
import sys
from pathlib import Path

from real import Running

ROOT = Path(__file__).resolve().parent.parent
_COUNT = "2000x"  # a call with a daemon is a round trip: more of them would say nothing else
_LINE = re.compile(r"^Benchmark(\w+)/(\w+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op", re.MULTILINE)


def find_go() -> str | None:
    """The command `go`, or None."""
    words = [sys.executable, ROOT / "scripts" / "go_toolchain.py"]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip() or None


def measure_go(server: Running) -> dict[str, float]:
    """Microseconds of a call, by "Daemon LogEvent" and the like; empty where there is no Go.

    Raises RuntimeError, with what Go said, where that failed.
    """
    command = find_go()
    if command is None:
        return {}
    daemon = f"{sys.executable} -m datacat_daemon"
    own = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "DATACAT_DAEMON": daemon}
    words = [command, "test", "-run", "^$", "-bench", ".", "-benchtime", _COUNT, "."]
    done = subprocess.run(
        words,
        cwd=ROOT / "go",
        env={**os.environ, **server.environment(), **own},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = {f"{how} {call}": float(ns) / 1000 for how, call, ns in _LINE.findall(done.stdout)}
    if done.returncode or not found:
        raise RuntimeError(done.stdout)
    return found
