"""The games of the demo as processes."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from datacat_server.demo.cast import Instance
from datacat_server.demo.services import clean_environment

GAME = Path(__file__).with_name("game.py")
HEARTBEAT_TIMEOUT_SECONDS = 2
BETWEEN_STARTS_SECONDS = 0.2


class Player:
    """One running game."""

    def __init__(self, instance: Instance, folder: Path, api_url: str) -> None:
        self.instance = instance
        self._output = folder / f"instance-{instance.number}.log"
        self._tally = folder / f"instance-{instance.number}.tally.json"
        self._tally.unlink(missing_ok=True)  # of an earlier demo in this folder
        command = [sys.executable, str(GAME), "--fate", instance.fate, "--url", api_url, "--tally", str(self._tally)]
        command += ["--seconds", str(instance.seconds), "--seed", str(instance.number)]
        command += ["--heartbeat-timeout", str(HEARTBEAT_TIMEOUT_SECONDS)]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=clean_environment() | {"DATACAT_SPOOL": str(folder / "spool")},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def session_id(self) -> str | None:
        """The id of its session, which it prints first of all; None until it has."""
        first, newline, _ = self._output.read_text(errors="replace").partition("\n")
        return first if newline else None

    @property
    def tally(self) -> Mapping[str, int] | None:
        """What it has logged by name; None until it has met its fate."""
        return json.loads(self._tally.read_text()) if self._tally.exists() else None

    @property
    def last_words(self) -> str:
        return self._output.read_text(errors="replace")[-2000:]


class Swarm:
    """All games of a cast. A context manager: no game and no daemon of theirs is left when it has been left."""

    def __init__(self, cast: tuple[Instance, ...], folder: Path, api_url: str) -> None:
        self._spool = folder / "spool"
        self.players: list[Player] = []
        for instance in cast:
            self.players.append(Player(instance, folder, api_url))
            time.sleep(BETWEEN_STARTS_SECONDS)  # seven interpreters at once would make each other late

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for player in self.players:
            player.process.kill()
            player.process.wait()
        self._wait_for_daemons()

    def _wait_for_daemons(self) -> None:
        """A daemon leaves, and takes its folder away, when the server has all that its process has logged."""
        deadline = time.monotonic() + 10
        while any(self._spool.glob("*-*/")) and time.monotonic() < deadline:
            time.sleep(0.05)
