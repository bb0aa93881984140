"""Programs that are started through `python -m datacat_daemon.wrapping`."""

import subprocess
import sys
import time

WRAPPER = [sys.executable, "-m", "datacat_daemon.wrapping"]


TELL_SIGNALS = """
import os, signal, sys, time
names = sys.argv[1:]
for name in names:
    signal.signal(getattr(signal, name), lambda number, frame: print(signal.Signals(number).name, flush=True))
print("ready", os.getpid(), flush=True)
while True:
    time.sleep(0.01)
"""


class Wrapped:
    """A program that was started through the wrapper, and its session at the server."""

    def __init__(self, bench, server, command, options=(), **popen):
        self.bench = bench
        self.server = server
        environment = bench.environment(server.url, **popen.pop("variables", {}))
        del environment["DATACAT_DAEMON"]
        popen = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        words = [*WRAPPER, *options, "--", *(str(word) for word in command)]
        self.process = subprocess.Popen(words, env=environment, **popen)
        bench.started.append(self.process)

    def finish(self, given=b""):
        """Wait for the end; what was printed."""
        return self.process.communicate(given, timeout=60)

    def verdict(self):
        """The final status record, once it is there."""
        return self.wait(lambda: [r for r in self.server.records("status") if r["status"] in ("ended", "crashed")])[0]

    def finished(self):
        """The data of the event program_finished."""
        return self.wait(lambda: self.events("program_finished"))[0]["data"]

    def events(self, name):
        return [record for record in self.server.records("event") if record["name"] == name]

    def lines(self, stream="stdout"):
        return [event["message"] for event in self.events(stream)]

    def settle(self):
        """Wait until its daemon has nothing left to do."""
        self.wait(lambda: self.bench.left() == [])

    @staticmethod
    def wait(condition):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.02)
        raise AssertionError("waited in vain")
