"""The same points of gauges given to VictoriaMetrics and to DataCat, a thousand a request, one connection."""

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import real
from batches import START, WRITER, Connection, head

COMMAND = "victoria-metrics"
INSTALL = "apt install victoria-metrics"
POINTS = 200_000
_SERIES = 20
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Found:
    """Points a second; None for a peer that is not installed."""

    ours: float
    theirs: float | None


def measure() -> Found:
    """Ours are on the disk when they are acknowledged; theirs a few seconds later."""
    return Found(_ours(), _theirs() if shutil.which(COMMAND) else None)


def _ours() -> float:
    bodies = []
    for first in range(0, POINTS, _AT_ONCE):
        lines = [
            {"kind": "metric", "writer": WRITER, "ordinal": ordinal, "time": START + ordinal * 1_000,
             "name": f"gauge_{ordinal % _SERIES}", "type": "gauge", "value": ordinal / 7}
            for ordinal in range(first, first + _AT_ONCE)
        ]  # fmt: skip
        said = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        bodies.append(head("points", first, first + _AT_ONCE) + said)
    with real.server() as running:
        return _rate(running.url, "/api/ingest", bodies, 200)


def _theirs() -> float:
    bodies = []
    for first in range(0, POINTS, _AT_ONCE):
        lines = [
            f'gauge_{number % _SERIES}{{session="points"}} {number / 7} {START // 1_000 + number}'
            for number in range(first, first + _AT_ONCE)
        ]
        bodies.append("\n".join(lines).encode())
    with tempfile.TemporaryDirectory(prefix="datacat-bench-") as folder, _victoria_metrics(folder) as url:
        return _rate(url, "/api/v1/import/prometheus", bodies, 204)


def _rate(url: str, path: str, bodies: list[bytes], expected: int) -> float:
    connection = Connection(url)
    begin = time.perf_counter()
    for body in bodies:
        connection.request("POST", path, body, expected=expected)
    elapsed = time.perf_counter() - begin
    connection.close()
    return POINTS / elapsed


@contextlib.contextmanager
def _victoria_metrics(folder: str) -> Iterator[str]:
    port = free_port()
    command = [COMMAND, f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Return when somebody listens there. Raises TimeoutError."""
    deadline = time.monotonic() + real.GIVE_UP_SECONDS
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody answers at port {port}")
        time.sleep(0.05)


if __name__ == "__main__":
    print(measure())
