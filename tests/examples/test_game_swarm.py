"""The swarm of games: the table is what the server says of each, and the releases and problems come of it."""

import collections
import sys
from pathlib import Path

SWARM = Path(__file__).parents[2] / "examples" / "game_swarm.py"


def test_a_swarm_shows_how_each_game_fared_and_what_that_says_of_the_releases(stage):
    done = stage.run(sys.executable, SWARM, "--games", "12", "--at-once", "6", "--seconds", "0.3")
    assert (done.returncode, done.stderr) == (0, "")
    games, releases, problems = (part.splitlines() for part in done.stdout.split("\n\n"))
    expected = {"play": "ended", "walk-away": "ended", "stutter": "ended"}
    counted = collections.Counter()
    for line in games[1:]:
        version, fate, status = line.split()[:3]
        assert status == expected.get(fate, "crashed"), line
        counted[version, status] += 1
    assert len(games) == 13
    told = {line.split()[0]: line.split()[1:3] for line in releases[1:]}
    assert told == {version: ["4", str(counted[version, "crashed"])] for version in ("1.4.0", "1.4.1", "1.5.0")}
    assert counted["1.5.0", "crashed"] > 0
    assert any("KeyError" in line for line in problems[1:])


def test_without_a_server_it_says_so(stage):
    done = stage.run(sys.executable, SWARM, "--url", "http://127.0.0.1:9")
    assert (done.returncode, done.stderr.startswith("error: http://127.0.0.1:9: ")) == (1, True)
