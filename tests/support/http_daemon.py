"""A daemon that listens on a free port, and plain HTTP requests to it, as a program in any language would send them."""

import http.client
import json
import signal
import subprocess
import sys


class HttpDaemon:
    """A standalone daemon.

    Args:
        bench: the spool it works on.
        url: the server that it ships to.
        options: further words of its command line.
        before: code to run in it first.
        more: further variables of its environment; `cwd` the folder it is started in.

    Attributes:
        process: it runs.
        port: where it listens.
    """

    def __init__(self, bench, url, *options, before="", cwd=None, **more):
        code = f"import sys\n{before}\nfrom datacat_daemon.cli import main\nsys.exit(main())"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "--port", "0", *options],
            env=bench.environment(url, **{"DATACAT_BATCH_INTERVAL_SECONDS": "0.1", **more}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            text=True,
        )
        bench.started.append(self.process)
        self.port = port_in(self.process.stdout.readline())

    def ask(self, method, path, body=None, **headers):
        """One request on a connection of its own; its status and JSON."""
        return ask(self.port, method, path, body, **headers)

    def post(self, path, **body):
        """A POST that has to work; its JSON."""
        status, content = self.ask("POST", path, body)
        assert status == 200, (path, status, content)
        return content

    def register(self, pid, product="Shop", version="2.1"):
        """Register a session; its id."""
        return self.post("/register", parent_pid=pid, product=product, version=version)["session_id"]

    def session(self, session_id):
        """The whole session."""
        status, content = self.ask("GET", f"/session?session_id={session_id}")
        assert status == 200, content
        return content

    def stop(self, number=signal.SIGTERM):
        """Send it a signal and wait; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


def port_in(line):
    """The port in the line that a daemon prints when it listens."""
    said, _, port = line.strip().rpartition(":")
    assert said == "datacat-daemon listens on http://127.0.0.1", line
    return int(port)


def ask(port, method, path, body=None, **headers):
    """One request on a connection of its own; its status and JSON. A dict is sent as JSON, bytes as they are."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        own = {"Content-Type": "application/json"} if method == "POST" else {}
        own.update({name.replace("_", "-"): value for name, value in headers.items()})
        connection.request(method, path, data, {name: value for name, value in own.items() if value is not None})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
