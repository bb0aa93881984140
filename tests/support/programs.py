"""Programs that log to DataCat, with a spool of their own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from support import processes


class Programs:
    """Starts programs that log to DataCat, all with one spool.

    Attributes:
        spool: the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "spool"
        self._folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def start(self, code: str, url: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a Python program whose server is at `url`; its output can be read from the process."""
        script = self._folder / f"program{len(self._started)}.py"
        script.write_text(textwrap.dedent(code))
        own = {key: value for key, value in os.environ.items() if not key.startswith("DATACAT_")}
        process = subprocess.Popen(
            [sys.executable, str(script), *arguments],
            env={**own, "DATACAT_SPOOL": str(self.spool), "DATACAT_URL": url, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def daemons(self) -> list[int]:
        """Pids of the daemons that look after these programs."""
        own = {process.pid for process in self._started}
        return [pid for pid in processes.with_environment("DATACAT_SPOOL", str(self.spool)) if pid not in own]

    def stop(self) -> None:
        """Kill what still runs of them and of their daemons."""
        processes.kill_all("DATACAT_SPOOL", str(self.spool))
        for process in self._started:
            process.communicate()
