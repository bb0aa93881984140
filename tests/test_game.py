"""The example runs by itself: with the client alone, and also where there is no server."""

import json
import subprocess
import sys
from pathlib import Path

from support.spools import run_program, sessions_in

GAME = Path(__file__).parents[1] / "examples" / "game.py"


def test_the_example_runs_without_a_server_and_records_all_it_does(tmp_path):
    tally = tmp_path / "tally.json"
    done = run_program(tmp_path / "spool", [sys.executable, GAME, "--seconds", "1", "--tally", tally])
    assert done.returncode == 0, done.stderr
    (session,) = sessions_in(tmp_path / "spool")
    assert done.stdout.strip() == session.manifest["session_id"]
    logged = json.loads(tally.read_text())
    for key, count in logged.items():
        kind, _, name = key.partition(":")
        found = session.of(kind if kind in ("event", "state") else "metric", name or None)
        assert len(found) == count, key
    assert {metric["type"] for metric in session.of("metric")} == {"gauge", "counter", "histogram", "timer"}


def test_help_tells_every_fate():
    done = subprocess.run([sys.executable, GAME, "--help"], capture_output=True, text=True, check=True)
    for fate in ("play", "exception", "segfault", "killed", "stutter", "deadlock", "walk-away"):
        assert f"\n  {fate} " in done.stdout
