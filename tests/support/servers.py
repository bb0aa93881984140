"""A real server, and a real web UI: the commands, as processes, over a folder of their own."""

import os
import re
from pathlib import Path

import pytest

from support.preloaded import Forked


class Server:
    """A running `datacat-server`, or `datacat-web`.

    Args:
        data: its data folder.
        port: 0 for any free one.
        command: "server" or "web".

    Attributes:
        url: its address.
    """

    def __init__(self, data: Path, port: int = 0, command: str = "server", **environment: str) -> None:
        self.data = data
        code = f"from datacat_server.cli.{command} import main; main()"
        words = [f"--{command}-port", str(port), "--data-path", str(data)]
        own = {key: value for key, value in os.environ.items() if key not in ("DATACAT_API_KEY", "DATACAT_URL")}
        self.process = Forked(code, words, Path.cwd(), {**own, **environment}, errors_to_output=True)
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if found := re.search(r"http://[\d.]+:\d+", line):
                self.url = found.group()
                return
        raise RuntimeError("the server did not start:\n" + "".join(said))

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> None:
        """End it by SIGTERM, as an administrator would."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def server(tmp_path: Path):
    """A server with an empty store."""
    running = Server(tmp_path / "data")
    yield running
    running.stop()


@pytest.fixture
def web_ui(server: Server):
    """The web UI over what `server` stores."""
    running = Server(server.data, command="web")
    yield running
    running.stop()
