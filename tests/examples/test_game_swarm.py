"""The swarm of games: the table is what the server says of each, and the releases and problems come of it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

SWARM = Path(__file__).parents[2] / "examples" / "game_swarm.py"


def test_a_swarm_shows_how_each_game_fared_and_what_that_says_of_the_releases(stage):
    done = stage.run(sys.executable, SWARM, "--games", "12", "--at-once", "6", "--seconds", "0.3")
    assert (done.returncode, done.stderr) == (0, "")
    games, releases, problems, last = (part.splitlines() for part in done.stdout.split("\n\n"))
    expected = {"play": "ended", "walk-away": "ended", "stutter": "hung, then ended", "deadlock": "hung, then killed"}
    for line in games[1:]:
        _, fate, verdict = re.split(" {2,}", line)[:3]
        wanted = expected.get(fate, "crashed")
        assert verdict == wanted or verdict == f"hung, then {wanted}", line  # on a busy machine any game may hang
    assert len(games) == 13
    told = {line.split()[0]: line.split()[1:3] for line in releases[1:]}
    assert told == {"1.4.0": ["4", "0"], "1.4.1": ["4", "1"], "1.5.0": ["4", "3"]}
    assert any("KeyError" in line for line in problems[1:])
    (listing,) = (shlex.split(line.partition(": ")[2]) for line in last)
    listed = subprocess.run([*listing, "--json"], env=stage.environment(), capture_output=True, text=True, check=True)
    assert listed.stdout.count('"Comet Bow"') == 12


def test_a_game_that_cannot_start_ends_the_swarm_with_what_it_said(stage, tmp_path):
    tmp_path.joinpath("datacat.py").write_text("raise ImportError('no client here')\n")
    done = stage.run(sys.executable, SWARM, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: a game could not start, and ended with exit code 1:\nTraceback")
    assert done.stderr.endswith("ImportError: no client here\n")


def test_without_a_server_it_says_so(stage):
    done = stage.run(sys.executable, SWARM, "--url", "http://127.0.0.1:9")
    assert (done.returncode, done.stderr.startswith("error: http://127.0.0.1:9 does not answer: ")) == (1, True)
