"""An application of the demo as the page holds it: its process, and what the server says of its session."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import datacat

APPLICATION = Path(__file__).with_name("application.py")


class Child:
    """A started application.

    Attributes:
        session: the id of its session.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(APPLICATION)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._one_at_a_time = threading.Lock()
        self.session: str = self._answer()["session"]
        self._client = datacat.DatacatClient()

    def tell(self, do: str, **arguments: object) -> str:
        """Have it do something; what became of that, in words. Waits until it is done, but for a hang."""
        with self._one_at_a_time:
            if self._process.poll() is not None:
                return "The application does not run any more. Start another one."
            try:
                self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
                self._process.stdin.flush()
            except OSError:  # it died just now
                return self._ending()
            if do == "hang":
                return "It hangs now."
            return f"Done: {do}." if self._answer() else self._ending()

    def kill(self) -> str:
        """Kill it from outside, also while it hangs."""
        self._process.kill()
        return self._ending()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {}
        return self._answer() if answer.get("done") == "hang" else answer

    def _ending(self) -> str:
        return f"The application has died: exit code {self._process.wait()}."

    def end(self) -> str:
        """Let it end as it should."""
        with self._one_at_a_time:
            if self._process.poll() is None:
                self._process.communicate()  # no more commands
        return f"The application has ended: exit code {self._process.returncode}."

    def verdict(self) -> str:
        """What the server says of the session."""
        try:
            seen = self._client.get_session(self.session)
        except datacat.DatacatError as error:
            return "not there yet" if error.status == 404 else str(error)
        parts = [f"**{seen['status']}**", f"{len(seen['events'])} events", f"{len(seen['metrics'])} metrics"]
        return ", ".join(parts) + (f": {seen['reason']}" if seen["reason"] else "")
