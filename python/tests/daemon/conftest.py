"""A real ingest server in small, programs that use the real client, and daemons as the command starts them."""

import contextlib
import gzip
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.http_daemon import HttpDaemon
from support.small_session import SmallSession
from support.wrapped import Wrapped

SOURCE = str(Path(__file__).parents[2] / "src")
PATIENCE = 60.0


def until(condition, what="it"):
    """The first true value of `condition()`; fails after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited for {what} in vain")


class IngestServer:
    """Keeps what is posted to /api/ingest by the rules of docs/design/records.md.

    Attributes:
        sessions: by id: {"line": the last session line, "writers": {name: next}, "records": [...], "lost": [...]}.
        answers: what to do with the coming requests, in turn, instead of answering: "cut" commits and closes the
            connection, "drop" closes it at once, a number answers with that status, bytes are the body of a 200.
        refuses: called with each record; True refuses that record by itself.
        muted: sessions for which no answer holds a position.
        rejects: called with the lines of a body; True answers the whole body with 400.
        fails: called with the lines of a body; True answers the whole body with 500.
        bars: called with a session line; True refuses the line, and so all that belongs to it.
        headers: sent with every answer.
        encodings: the Content-Encoding of each request.
    """

    def __init__(self, port=0):
        self.sessions = {}
        self.answers = []
        self.statuses = []
        self.keys = []
        self.encodings = []
        self.refuses = lambda record: False
        self.rejects = lambda lines: False
        self.fails = lambda lines: False
        self.bars = lambda line: False
        self.headers = {}
        self.muted = set()
        self.lock = threading.Lock()
        keeper = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                keeper.handle(self)

            def log_message(self, *arguments):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass

        self.http = Server(("127.0.0.1", port), Handler)
        self.port = self.http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def handle(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        encoding = request.headers.get("Content-Encoding")
        if encoding == "gzip":
            body = gzip.decompress(body)
        elif encoding == "zstd":
            body = importlib.import_module("zstandard").decompress(body)
        with self.lock:
            self.encodings.append(encoding)
            self.keys.append(request.headers.get("Authorization"))
            lines = [json.loads(line) for line in body.splitlines()]
            order = self.answers.pop(0) if self.answers else None
            if order is None and self.rejects(lines):
                order = 400
            if order is None and self.fails(lines):
                order = 500
            if order is None or order == "cut":
                answer = json.dumps(self.commit(lines)).encode()
                status = 200
            elif isinstance(order, bytes):
                status, answer = 200, order
            elif isinstance(order, int):
                status, answer = order, b'{"error": "some", "details": "thing"}'
            self.statuses.append(order or 200)
        if order in ("cut", "drop"):
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        request.send_response(status)
        request.send_header("Content-Length", str(len(answer)))
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(answer)

    def commit(self, lines):
        answer = {"status": "ok", "success": True, "sessions": {}, "refused": []}
        open_writers = set()
        if self.bars(lines[0]):
            no_place = {"session": None, "writer": None, "ordinal": None, "line": 1}
            answer["refused"].append({**no_place, "error": "bad_request", "details": "product: too long"})
            return answer
        for line in lines:
            kind = line["kind"]
            if kind == "session":
                session = self.sessions.setdefault(line["id"], {"writers": {}, "records": [], "lost": []})
                session["line"] = {**session.get("line", {}), **line}  # what was said once is not repeated
                positions = answer["sessions"].setdefault(line["id"], {"writers": {}})["writers"]
                open_writers = set()
            elif kind == "writer":
                writer, first, following = line["writer"], line["first"], line["next"]
                position = session["writers"].get(writer, 0)
                if line.get("lost") and first > position:
                    session["lost"].append((writer, position, first))
                    position = first
                if first == position:
                    open_writers.add(writer)
                    position = following
                positions[writer] = session["writers"][writer] = position
            elif line["writer"] in open_writers:
                if self.refuses(line):
                    answer["refused"].append(
                        {
                            "session": session["line"]["id"],
                            "writer": line["writer"],
                            "ordinal": line["ordinal"],
                            "error": "bad_request",
                            "details": "not liked",
                        }
                    )
                else:
                    session["records"].append(line)
        answer["sessions"] = {id: entry for id, entry in answer["sessions"].items() if id not in self.muted}
        return answer

    def only(self):
        """The one session."""
        (session,) = self.sessions.values()
        return session

    def records(self, kind, session=None):
        """The records of one kind of the one session, or of the one with the id."""
        with self.lock:
            if session is None and not self.sessions:
                return []
            found = self.only() if session is None else self.sessions.get(session, {"records": []})
            return [record for record in found["records"] if record["kind"] == kind]

    def verdicts(self, session=None):
        """The status words, in their order."""
        return [record["status"] for record in self.records("status", session)]

    def wait_for_session(self):
        """Return once a daemon has announced a session."""
        until(lambda: self.sessions, "a session")

    def wait_for_verdict(self, status, session=None):
        """The first record with that status, once it is there."""
        return until(lambda: next((r for r in self.records("status", session) if r["status"] == status), None), status)


@pytest.fixture
def wait_for():
    """`wait_for(condition, what)`: the first true value of `condition()`."""
    return until


@pytest.fixture
def server_class():
    """What `server` is one of, for a test that starts its own."""
    return IngestServer


@pytest.fixture
def server():
    """A server of its own."""
    running = IngestServer()
    yield running
    running.close()


class Bench:
    """A spool in a folder of its own, with programs and daemons on it; all that still run are killed in the end."""

    def __init__(self, folder):
        self.spool = folder / "spool"
        self.started = []

    def environment(self, url, **more):
        own = {
            key: value for key, value in os.environ.items() if not key.startswith("DATACAT_") or key.endswith("_RUN")
        }
        return {
            **own,
            "PYTHONPATH": SOURCE,
            "DATACAT_SPOOL": str(self.spool),
            "DATACAT_URL": url,
            "DATACAT_DAEMON": "true",
            **more,
        }

    def program(self, url, body, **more):
        """Start a program with a `session`; its daemon is to be started by `daemon`."""
        head = "import datacat, os, sys, time, ctypes, signal\n"
        head += "session = datacat.create_session(product='P', version='1', batch_interval_seconds=0.1)\n"
        process = subprocess.Popen(
            [sys.executable, "-c", head + body],
            env=self.environment(url, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def folder_of(self, process):
        """The process folder, once there is a session in it."""
        found = until(lambda: list(self.spool.glob(f"{process.pid}-*/*/manifest.json")), "a manifest")
        return found[0].parent.parent

    def daemon(self, folder, before="", **more):
        """Start the daemon of a process folder; `before` is code to run in it first."""
        code = f"import sys\n{before}\nfrom datacat_daemon.cli import main\nsys.exit(main())"
        process = subprocess.Popen(
            [sys.executable, "-c", code, "--process-dir", str(folder)],
            env=self.environment("", **more),
            stderr=subprocess.PIPE,
        )
        self.started.append(process)
        return process

    def run(self, url, body, **more):
        """Start a program and its daemon; returns both."""
        process = self.program(url, body, **more)
        return process, self.daemon(self.folder_of(process))

    def hasty_daemon(self, folder, **more):
        """A daemon whose long periods are short ones."""
        before = """
from datacat_daemon import daemon, janitor
from datacat_daemon.shipping import backoff
daemon.DUTY_SECONDS = daemon.SCAN_SECONDS = 0.2
backoff.LONGEST_PAUSE = 0.5
janitor.GRACE_SECONDS = 1.0
"""
        return self.daemon(folder, before, **more)

    def finish(self, daemon):
        """Wait for a daemon to have nothing left to do, and see that it leaves nothing."""
        assert daemon.wait(PATIENCE) == 0, daemon.stderr.read()

    def left(self):
        """What is in the spool, but for the lock."""
        return sorted(path.name for path in self.spool.iterdir() if path.name != "janitor.lock")

    def close(self):
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()


@pytest.fixture
def session(tmp_path, server):
    """A session's folder with one writer of small segments, and what ships it."""
    return SmallSession(tmp_path, server)


@pytest.fixture
def bench(tmp_path):
    """Programs and daemons on a spool of their own."""
    own = Bench(tmp_path)
    yield own
    own.close()


@pytest.fixture
def parent(bench):
    """A process that does nothing, for sessions to be registered for."""
    process = subprocess.Popen(["sleep", "120"])
    bench.started.append(process)
    return process


@pytest.fixture
def lonely(bench):
    """A standalone daemon whose server is away."""
    return HttpDaemon(bench, "http://127.0.0.1:9")


@pytest.fixture
def wrap(bench, server):
    """`wrap(command, options=[...])`: a program through the wrapper, its daemon shipping to `server`."""

    def start(command, options=(), **popen):
        return Wrapped(bench, server, command, options, **popen)

    yield start
    deadline = time.monotonic() + 60
    while bench.spool.exists() and bench.left() and time.monotonic() < deadline:
        time.sleep(0.05)
