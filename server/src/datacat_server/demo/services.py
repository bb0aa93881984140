"""The demo's own server and web UI: `datacat up` as a process of its own, over a folder of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from datacat_server.model import Session

HOST = "127.0.0.1"


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


class Services:
    """A running server and web UI. A context manager: both have stopped when it is left."""

    def __init__(self, folder: Path, port: int, web_port: int) -> None:
        """`folder` is for the data and the log; the ports are free ones, see `usable_ports`."""
        self.api_url = f"http://{HOST}:{port}"
        self.web_url = f"http://{HOST}:{web_port}"
        self._log = folder / "server.log"
        environment = clean_environment() | {
            "DATACAT_DATA_PATH": str(folder / "data"),
            "DATACAT_SERVER_PORT": str(port),
            "DATACAT_WEB_PORT": str(web_port),
            "DATACAT_HOST": HOST,
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from datacat_server.cli.main import main; main()", "up"],
                cwd=folder,  # so that no config.json of the user's is read
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo; it stops the server when the games are gone
            )

    def __enter__(self) -> Self:
        try:
            for url in (f"{self.api_url}/health", f"{self.web_url}/sessions"):
                self._wait_for(url)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def session(self, session_id: str, *, whole: bool) -> Session | None:
        """A session; None as long as the server does not know it; if not `whole`, without its records.

        Raises DemoError when the server is gone.
        """
        url = f"{self.api_url}/api/sessions/{session_id}" + ("" if whole else "?include=vitals")
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return msgspec.json.decode(answer.read(), type=Session)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise DemoError(f"the server answered {error.code} for session {session_id}") from error
        except OSError as error:
            raise DemoError(f"the server has stopped answering: {error}\n{self._last_words()}") from error

    def _wait_for(self, url: str) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except OSError as error:
                if self._process.poll() is not None:
                    raise DemoError(f"the server did not start:\n{self._last_words()}") from error
                if time.monotonic() > deadline:
                    raise DemoError(f"{url} does not answer: {error}\n{self._last_words()}") from error
            time.sleep(0.05)

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-4000:].strip()

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def clean_environment() -> dict[str, str]:
    """The environment without the user's own DataCat settings, which are not meant for the demo."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DATACAT_")}


def usable_ports(port: int, web_port: int) -> tuple[int, int]:
    """The two ports themselves, with a free one for a 0. Raises DemoError, which names those that cannot be had."""
    options = {"--port": port, "--web-port": web_port}
    found, taken, reason = [], [], None
    with contextlib.ExitStack() as probes:
        for option, wanted in options.items():
            probe = probes.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, wanted))
                probe.listen()  # without it two probes may be given one port
            except OSError as error:
                taken.append(option)
                reason = error.strerror
            found.append(int(probe.getsockname()[1]))
    if taken:
        ports = " and ".join(str(options[option]) for option in taken)
        others = " ".join(f"{option} {options[option] % 65535 + 1}" for option in taken)
        raise DemoError(
            f"port {ports} on {HOST} cannot be used ({reason}). Stop the program that has it, "
            f'or choose another:\n    datacat demo {others}\n    make demo ARGS="{others}"'
        )
    return found[0], found[1]
