"""Runs the demo from beginning to end."""

import contextlib
import importlib.util
import json
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.text import Text

from datacat_server.demo.cast import CAST
from datacat_server.demo.outcome import Outcome, look
from datacat_server.demo.screen import Screen, summary
from datacat_server.demo.services import DemoError, Services, usable_ports
from datacat_server.demo.swarm import Swarm

SETTLED_WITHIN_SECONDS = 60
BETWEEN_LOOKS_SECONDS = 0.4
INTERRUPTED = 130  # what a shell makes of Ctrl-C


def run(console: Console, *, once: bool, port: int, web_port: int, data: Path | None, as_json: bool) -> int:
    """Start everything, watch until all is settled, and then serve until Ctrl-C, or stop when it is for `once`.

    It is shown on `console`; for `as_json` the outcome is printed to standard output besides.
    `data` is a folder that is kept; None means one that is removed at the end. Returns the exit code: 0 when every
    verdict was right and every record there, 1 when not or when the demo could not be started, 130 when it was
    interrupted before that was clear. Raises DemoError.
    """
    screen = Screen(console)
    try:
        require_client()
        port, web_port = usable_ports(port, web_port)
        with stoppable(), data_folder(data) as folder:
            screen.console.print(f"Data folder: {folder}" + ("" if data else " (removed at the end)"), soft_wrap=True)
            with Services(folder, port, web_port) as services, Swarm(CAST, folder, services.api_url) as swarm:
                with screen:
                    outcomes = watch(swarm, services, screen)
                screen.console.print(summary(outcomes))
                settled = all(outcome.right for outcome in outcomes)
                if as_json:
                    print(json.dumps(report(outcomes, services)), flush=True)
                if not settled:
                    explain(screen.console, outcomes, swarm)
                if not once:
                    serve(screen.console, services)
                return 0 if settled else 1
    except KeyboardInterrupt:
        return INTERRUPTED


def require_client() -> None:
    """Raises DemoError when the games would have no client to import."""
    if importlib.util.find_spec("datacat") is None or importlib.util.find_spec("datacat_daemon") is None:
        raise DemoError("the games need DataCat's client, the distribution datacat-client (pip install ./python).")


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does, so that it takes its processes with it."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def data_folder(chosen: Path | None) -> Iterator[Path]:
    """The folder that was chosen, made if need be, or a temporary one. Raises DemoError when it cannot be used."""
    if chosen is None:
        with tempfile.TemporaryDirectory(prefix="datacat-demo-") as folder:
            yield Path(folder)
        return
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=chosen):
            pass
    except OSError as error:
        raise DemoError(f"the folder {chosen} (--data) cannot be used: {error.strerror}.") from error
    yield chosen.resolve()


def watch(swarm: Swarm, services: Services, screen: Screen) -> list[Outcome]:
    """Look again and again until every outcome is right, or the time is up."""
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    outcomes = [look(player, services) for player in swarm.players]
    while time.monotonic() < deadline:
        screen.show(outcomes)
        if all(outcome.right for outcome in outcomes):
            # What was right may have changed while the others were not settled yet.
            outcomes = [look(player, services) for player in swarm.players]
            if all(outcome.right for outcome in outcomes):
                break
        time.sleep(BETWEEN_LOOKS_SECONDS)
        looks = zip(swarm.players, outcomes, strict=True)
        outcomes = [before if before.right else look(player, services) for player, before in looks]
    screen.show(outcomes, final=True)
    return outcomes


def report(outcomes: list[Outcome], services: Services) -> dict[str, object]:
    """The outcome of the whole demo, for `--json`."""
    return {
        "settled": all(outcome.right for outcome in outcomes),
        "api": services.api_url,
        "ui": services.web_url,
        "instances": [outcome.as_dict() for outcome in outcomes],
    }


def explain(console: Console, outcomes: list[Outcome], swarm: Swarm) -> None:
    """Say what is not as it must be, with what those games have printed."""
    for outcome, player in zip(outcomes, swarm.players, strict=True):
        if not outcome.right:
            number, expected = outcome.instance.number, outcome.instance.expected
            found = f"is {outcome.status}" if outcome.status else "has not come to the server"
            console.print(
                f"Instance {number} {found}; it must be {expected}, with all its evidence and records.", style="red"
            )
            console.print(player.last_words, markup=False, soft_wrap=True)


def serve(console: Console, services: Services) -> None:
    """Keep everything up until Ctrl-C."""
    console.print(
        Text.assemble("\nSee for yourself: ", (services.web_url, "bold"), "   (Ctrl-C stops everything)"),
        soft_wrap=True,
    )
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)  # Windows has no pause(), and its locks do not wake of Ctrl-C
