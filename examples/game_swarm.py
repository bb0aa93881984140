"""A swarm of games with different fates, versions and seeds, and what DataCat says of them: each, and all together.

    python examples/game_swarm.py                    12 games for some seconds
    python examples/game_swarm.py --games 40 --at-once 8

The table follows the games while they run: it is what the server says of each, not what this program knows. In the end
come the releases, as the web UI has them at /releases, and the problems, as at /problems: the newest version is the
worst. It needs nothing but the DataCat client and game.py, and runs on Python 3.6 or newer.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

GAME = Path(__file__).with_name("game.py")
FATES = {  # by version: the ends that its games come to, in turn; whatever their number, the newest crashes most
    "1.4.0": ("play", "stutter", "play", "walk-away", "play", "play", "play", "play"),
    "1.4.1": ("play", "exception", "play", "play", "play", "killed", "play", "play"),
    "1.5.0": ("segfault", "exception", "deadlock", "play", "segfault", "play", "exception", "play"),
}
OVER = ("ended", "crashed")
HANG_AFTER_SECONDS = 2  # on a busy machine a game that is well may be silent for half a second
START_SECONDS = 30  # how long a game may take to its first line
NEWS_SECONDS = 60  # how long nothing may change while no game plays


class NoGame(Exception):
    """A game that could not be played, or of which nothing is heard."""


class Game:
    """A game that is to run, runs, or has run.

    Attributes:
        version, fate, seed: what it is started with.
        session: its session's id, once it runs.
        status, reason: what the server says of it; "" as long as that knows nothing.
        has_hung: at some time, as the server says.
    """

    def __init__(self, version, fate, seed):
        self.version = version
        self.fate = fate
        self.seed = seed
        self.session = None
        self.status = ""
        self.reason = ""
        self.has_hung = False
        self._process = None
        self._is_put_down = False

    def start(self, url, seconds):
        """Start it, and wait for its session. Raises NoGame, with what it said, where it has none."""
        words = ["--version", self.version, "--fate", self.fate, "--seed", str(self.seed), "--url", url]
        words += ["--seconds", str(seconds), "--heartbeat-timeout", str(HANG_AFTER_SECONDS)]
        with tempfile.TemporaryFile("w+") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(GAME), *words],
                stdout=subprocess.PIPE,
                stderr=errors,
                universal_newlines=True,
            )
            patience = threading.Timer(START_SECONDS, self._process.kill)
            patience.daemon = True
            patience.start()
            self.session = self._process.stdout.readline().strip()
            patience.cancel()
            if not self.session:
                code = self._process.wait()
                errors.seek(0)
                raise NoGame(f"a game could not start, and ended with exit code {code}:\n{errors.read().strip()}")

    def look(self, server):
        """See what the server says. A game that hangs for good is killed, as a player would do it."""
        try:
            seen = server.get("/api/sessions/" + self.session, include="")
        except FileNotFoundError:  # its first batch is on its way
            return
        self.status, self.reason, self.has_hung = seen["status"], seen["reason"] or "", seen["ever_hung"]
        if self.status == "hung" and self.fate == "deadlock" and not self._is_put_down:
            self._is_put_down = True
            self._process.kill()

    def verdict(self):
        """What the server says of it, in words; a kill from here is no crash of its own."""
        if self.has_hung and self.status in OVER:
            return "hung, then " + ("killed" if self._is_put_down else self.status)
        return self.status or "-"

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def is_settled(self):
        """Whether it has ended, and the server knows it."""
        return self._process is not None and not self.is_running() and self.status in OVER

    def stop(self):
        if self.is_running():
            self._process.kill()
        if self._process is not None:
            self._process.communicate()


class Server:
    """Its REST API."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    def get(self, path, **parameters):
        """The JSON of an answer. Raises OSError, with a sentence; FileNotFoundError for what is not there."""
        query = urllib.parse.urlencode(parameters)
        key = os.environ.get("DATACAT_API_KEY")
        headers = {"Authorization": "Bearer " + key} if key else {}
        request = urllib.request.Request(self.url + path + "?" + query, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read().decode())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise FileNotFoundError(f"{self.url} has no {path}") from None
            raise OSError(f"{self.url} answers: {error.code} {error.reason}") from None
        except urllib.error.URLError as error:
            why = getattr(error.reason, "strerror", None) or error.reason
            raise OSError(f"{self.url} does not answer: {why}") from None
        except ValueError as error:  # no JSON, or no such address
            raise OSError(f"{self.url} does not answer as a DataCat server does: {error}") from None


class Screen:
    """Where a table is shown anew in the place of the one before; where that cannot be, only the last one."""

    def __init__(self):
        self._can_move = sys.stdout.isatty() and os.name != "nt"
        self._shown = 0

    def show(self, lines, last=False):
        if self._can_move and self._shown:
            sys.stdout.write(f"\033[{self._shown}F\033[J")
        if self._can_move or last:
            sys.stdout.write("".join(line + "\n" for line in lines))
            sys.stdout.flush()
        self._shown = len(lines)


def table(heads, rows):
    """Lines, with columns as wide as they need to be."""
    cells = [[str(cell) for cell in row] for row in [heads, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    return ["  ".join(cell.ljust(widths[column]) for column, cell in enumerate(row)).rstrip() for row in cells]


def of_games(games):
    rows = [[game.version, game.fate, game.verdict(), game.reason[:60]] for game in games]
    return table(["version", "fate", "DataCat says", "why"], rows)


def cast(count, seed):
    """So many games, as many of each version."""
    games = []
    for number in range(count):
        turn, version = divmod(number, len(FATES))
        fates = FATES[sorted(FATES)[version]]
        games.append(Game(sorted(FATES)[version], fates[turn % len(fates)], seed * 1000 + number))
    return games


def play(games, server, at_once, seconds):
    """Run all games, some at a time, until the server knows how each of them ended. Raises NoGame when it does not."""
    screen = Screen()
    waiting = list(games)
    known, since = None, time.monotonic()
    while not all(game.is_settled() for game in games):
        while waiting and sum(game.is_running() for game in games) < at_once:
            waiting.pop(0).start(server.url, seconds)
        for game in games:
            if game.session and not game.is_settled():
                game.look(server)
        screen.show(of_games(games))
        news = [(game.is_running(), game.status) for game in games]
        if news != known:
            known, since = news, time.monotonic()
        elif time.monotonic() - since > seconds + NEWS_SECONDS:
            screen.show(of_games(games), last=True)
            raise NoGame(f"nothing was heard of the games for {seconds + NEWS_SECONDS:.0f} seconds")
        time.sleep(0.2)
    screen.show(of_games(games), last=True)


def of_releases(server):
    rows = []
    for release in server.get("/api/releases", product="Comet Bow")["releases"]:
        numbers = [release["sessions"], release["crashed"], release["hung"], f"{release['crash_free']:.0f} %"]
        rows.append([release["version"], *numbers, release["new_problems"]])
    return table(["release", "sessions", "crashed", "hung", "crash-free", "new problems"], sorted(rows))


def of_problems(server):
    found = server.get("/api/problems", product="Comet Bow", sort="-sessions")["problems"]
    rows = [[problem["kind"], problem["sessions"], problem["new_in"], problem["title"][:70]] for problem in found]
    return table(["problem", "sessions", "since", "is"], rows)


def main():
    parser = argparse.ArgumentParser(description="A swarm of games that are watched by DataCat.")
    parser.add_argument("--games", type=int, default=12, help="default: %(default)s")
    parser.add_argument("--at-once", type=int, default=4, metavar="N", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=2, help="how long each plays (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=5, help="which games they play (default: %(default)s)")
    parser.add_argument("--url", default=os.environ.get("DATACAT_URL", "http://localhost:9090"), help="the server")
    options = parser.parse_args()
    games = cast(options.games, options.seed)
    server = Server(options.url)
    try:
        server.get("/health")
        play(games, server, options.at_once, options.seconds)
        print("\n".join(["", *of_releases(server), "", *of_problems(server), ""]))
        print("""See them: datacat ls 'product:"Comet Bow"'""")
    except (OSError, NoGame) as error:
        sys.exit(f"error: {error}")
    finally:
        for game in games:
            game.stop()


if __name__ == "__main__":
    main()
