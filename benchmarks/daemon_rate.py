"""How fast a daemon ships a backlog: records a second, to a server that acknowledges at once, and to the real one."""

import re
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from real import Running

RECORDS = 1_000_000
_GIVE_UP_SECONDS = 600

# What a program leaves that has logged without a daemon, and was killed.
LOGS = """
import os, signal, sys
import datacat
session = datacat.create_session(product="benchmark", version="1")
print(session.sink._folder, flush=True)
for n in range({records}):
    session.log_event("moved", {{"x": n, "y": 2}})
os.kill(os.getpid(), signal.SIGKILL)
"""


def records_a_second(running: Running, records: int = RECORDS) -> float:
    """A backlog of events to a server that only reads and acknowledges: what the daemon by itself can do."""
    with _acknowledging() as url:
        return _drain(running, url, records)


def records_a_second_stored(running: Running, records: int = RECORDS // 5) -> float:
    """The same to the real server, which stores them."""
    return _drain(running, running.url, records)


def _drain(running: Running, url: str, records: int) -> float:
    with tempfile.TemporaryDirectory(prefix="datacat-bench-") as spool:
        environment = {
            **running.environment(),
            "DATACAT_URL": url,
            "DATACAT_SPOOL": spool,
            "DATACAT_DAEMON": "true",
            "DATACAT_SPOOL_MAX_MB": "2000",
        }
        code = LOGS.format(records=records)
        program = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        folder = Path(program.stdout.strip()).parent
        begin = time.monotonic()
        daemon = subprocess.Popen([sys.executable, "-m", "datacat_daemon", "--process-dir", folder], env=environment)
        daemon.wait(_GIVE_UP_SECONDS)
        elapsed = time.monotonic() - begin
        if folder.exists():
            raise RuntimeError("the daemon ended and has not shipped everything")
        return records / elapsed


@contextmanager
def _acknowledging() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def _acknowledge() -> None:
    """Answer every body with the positions that it asks for; it is unpacked no further than its writers' lines."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as stream:
            while stream.readline():
                length = 0
                packed = False
                while (line := stream.readline().lower()) not in (b"\r\n", b""):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                    packed |= line.startswith(b"content-encoding: gzip")
                body = stream.read(length)
                head = zlib.decompressobj(31).decompress(body, 4096) if packed else body
                session = re.search(rb'"id":"([^"]+)"', head)
                writers = re.findall(rb'"kind":"writer","writer":"([^"]+)","first":\d+,"next":(\d+)', head)
                positions = b",".join(b'"%b":%b' % pair for pair in writers)
                answer = b'{"sessions":{"%b":{"writers":{%b}}}}' % (session[1] if session else b"", positions)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))


if __name__ == "__main__":
    _acknowledge()
