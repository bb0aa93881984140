"""The same exceptions given to Bugsink and to DataCat, one a request over one connection, stored when acknowledged."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import real
from batches import Connection, head
from peer_metrics import free_port, wait_for

EVENTS = 200
_VENV = Path(tempfile.gettempdir()) / f"datacat-bench-bugsink-{os.getuid()}"
_PROGRAMS = _VENV / "bin"
_FRAMES = [(f"/app/module{number}.py", 10 + number, f"function{number}") for number in range(5)]
_PROJECT = "from projects.models import Project; print('key', Project.objects.create(name='bench').sentry_key)"


@dataclass(frozen=True)
class Found:
    """Exceptions a second."""

    ours: float
    theirs: float


def measure() -> Found:
    """Bugsink is installed into an environment of its own, which is kept; its tasks run within the request."""
    return Found(_ours(), _theirs())


def _ours() -> float:
    trace = [f'  File "{file}", line {line}, in {function}' for file, line, function in _FRAMES]
    with real.server() as running:
        connection = Connection(running.url)
        connection.send(head("one", 0, 0))
        begin = time.perf_counter()
        for number in range(EVENTS):
            event = {
                "name": "exception", "level": "error", "exception_type": "ValueError",
                "exception_msg": f"number {number} will not do", "stacktrace": trace,
            }  # fmt: skip
            connection.request("POST", "/api/sessions/one/events", json.dumps(event).encode())
        return EVENTS / (time.perf_counter() - begin)


def _theirs() -> float:
    frames = [
        {"filename": file, "lineno": line, "function": function, "in_app": True} for file, line, function in _FRAMES
    ]
    with _bugsink() as (url, key):
        connection = Connection(url)
        headers = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}"}
        begin = time.perf_counter()
        for number in range(EVENTS):
            value = {"type": "ValueError", "value": f"number {number} will not do", "stacktrace": {"frames": frames}}
            event = {
                "event_id": uuid.uuid4().hex, "timestamp": time.time(), "platform": "python", "level": "error",
                "exception": {"values": [value]},
            }  # fmt: skip
            lines = [{"event_id": event["event_id"]}, {"type": "event"}, event]
            body = "\n".join(map(json.dumps, lines)).encode()
            connection.request("POST", "/api/1/envelope/", body, headers)
        return EVENTS / (time.perf_counter() - begin)


@contextmanager
def _bugsink() -> Iterator[tuple[str, str]]:
    """A Bugsink that runs, with one project: its address and the project's key."""
    prepared = _prepared()
    with tempfile.TemporaryDirectory(prefix="datacat-bench-") as folder:
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
        port = free_port()
        command = [_PROGRAMS / "gunicorn", f"--bind=127.0.0.1:{port}", "--workers=1", "--threads=2", "bugsink.wsgi"]
        # Nothing else may speak to it while it runs.
        process = subprocess.Popen(
            [*command, "--no-control-socket"], cwd=folder, env=_environment(folder), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}", (prepared / "key").read_text()
        finally:
            process.terminate()
            process.wait()


def _prepared() -> Path:
    """A folder with the settings and the empty tables of a Bugsink, which take a minute to make; it is kept."""
    folder = _VENV / "prepared"
    if (folder / "key").exists():
        return folder
    shutil.rmtree(_VENV, ignore_errors=True)  # left half made
    subprocess.run([sys.executable, "-m", "venv", _VENV], check=True)
    subprocess.run([_PROGRAMS / "python", "-m", "pip", "install", "--quiet", "bugsink"], check=True)
    folder.mkdir()
    manage = _PROGRAMS / "bugsink-manage"
    for command in (
        [_PROGRAMS / "bugsink-create-conf", "--template=local", "--host=127.0.0.1"],
        [manage, "migrate", "--verbosity=0", "--database=default"],
        [manage, "migrate", "--verbosity=0", "--database=snappea"],
        [manage, "shell", "-c", _PROJECT],
    ):
        made = subprocess.run(
            command, check=True, cwd=folder, env=_environment(folder), stdout=subprocess.PIPE, text=True
        )
    key = re.search(r"key (\S+)", made.stdout)
    assert key is not None
    (folder / "key").write_text(key[1].replace("-", ""))
    return folder


def _environment(folder: Path | str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder)}


if __name__ == "__main__":
    print(measure())
