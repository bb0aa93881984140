"""Who is slow, silent or gone keeps nobody else waiting, and costs little."""

import re
import resource
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SLOW = 300
MOST_IDLE = 2_000
MOST_MEMORY = 200 * 1024  # kB
# The server is told to wait for nobody longer than this, so that the test need not either.
IMPATIENT = "from datacat_server.serving import http1; http1.SILENT_SECONDS = {seconds}"


@pytest.fixture
def preloaded() -> bool:
    return False  # memory is looked at


@pytest.fixture
def connect(start: Callable[..., Any], make_body: Callable[..., bytes]) -> Iterator[Callable[..., Any]]:
    opened: list[socket.socket] = []

    def connect(port: int, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        opened.append(connection)
        connection.sendall(sent)
        return connection

    yield connect
    for connection in opened:
        connection.close()


def head(length: int) -> bytes:
    return (
        b"POST /api/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def answers(url: str, body: bytes) -> bool:
    request = urllib.request.Request(f"{url}/api/ingest", data=body, headers={"Content-Type": "application/x-ndjson"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bool(answer.status == 200)


def memory(process_id: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process_id}/status").read_text())
    assert found
    return int(found[1])


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


def test_two_thousand_idle_and_three_hundred_slow_connections_stop_nobody_and_stay_small(
    start: Callable[..., Any], connect: Callable[..., socket.socket], make_body: Callable[..., bytes]
) -> None:
    server = start("datacat-server", "--port", "0")
    url = server.addresses()[0]
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    for _ in range(min(MOST_IDLE, (files - SLOW) // 3)):
        connect(port_of(url))
    # Half of what each has announced; some have not even come to the end of their head.
    half = b"x" * 100_000
    for number in range(SLOW):
        connect(port_of(url), head(2 * len(half))[:40] if number % 3 == 0 else head(2 * len(half)) + half)
    for first in range(0, 5_000, 1_000):
        assert answers(url, make_body("s1", "1-0", first, [{"kind": "event", "name": "moved"}] * 1_000))
    assert memory(server.process.pid) < MOST_MEMORY


def test_large_bodies_at_the_same_time_stay_within_the_memory_that_the_server_may_have(
    start: Callable[..., Any], connect: Callable[..., socket.socket], make_body: Callable[..., bytes]
) -> None:
    server = start("datacat-server", "--port", "0")
    url = server.addresses()[0]
    event = {"kind": "event", "name": "moved", "data": {"text": "x" * 900_000}}
    bodies = [make_body(f"s{number}", "1-0", 0, [event] * 15) for number in range(8)]
    connections = [connect(port_of(url), b"") for _ in bodies]
    for connection, body in zip(connections, bodies, strict=True):
        connection.sendall(head(len(body)) + body[:-1])
    for connection, body in zip(connections, bodies, strict=True):
        connection.sendall(body[-1:])
    for connection in connections:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
    assert peak and int(peak[1]) < MOST_MEMORY


@pytest.mark.parametrize(
    "sent",
    [b"POST /api/ing", head(1000)[:-2], head(1000) + b"{", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: "],
    ids=["line", "head", "body", "header"],
)
def test_who_begins_a_request_and_does_not_go_on_is_hung_up_on(
    start: Callable[..., Any], connect: Callable[..., socket.socket], sent: bytes
) -> None:
    server = start("datacat-server", "--port", "0", prelude=IMPATIENT.format(seconds=0.5))
    assert connect(port_of(server.addresses()[0]), sent).recv(1000) == b""


def test_who_goes_on_slowly_is_waited_for(
    start: Callable[..., Any], connect: Callable[..., socket.socket], make_body: Callable[..., bytes]
) -> None:
    server = start("datacat-server", "--port", "0", prelude=IMPATIENT.format(seconds=4))
    body = make_body("s1", "1-0", 0, [{"kind": "event", "name": "moved"}] * 3)
    connection = connect(port_of(server.addresses()[0]), head(len(body)))
    part = len(body) // 5 + 1
    for at in range(0, len(body), part):
        connection.sendall(body[at : at + part])
        time.sleep(1)
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_head_without_end_is_refused(start: Callable[..., Any], connect: Callable[..., socket.socket]) -> None:
    connection = connect(port_of(start("datacat-server", "--port", "0").addresses()[0]), b"GET / HTTP/1.1\r\n")
    answer = b""
    try:
        for _ in range(1_000):
            connection.sendall(b"X-Header: " + b"x" * 1_000 + b"\r\n")
        answer = connection.recv(1000)
    except ConnectionError:
        pass  # it was hung up on in the midst of its sending
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
