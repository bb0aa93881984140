"""What something between a daemon and its server cuts off is sent again: nothing counts as settled that never came."""

import dataclasses
import json
import random
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from datacat_daemon.config import Config
from datacat_daemon.shipping.endpoint import Endpoint
from datacat_daemon.shipping.shipment import Shipment
from support.reading import get
from support.servers import Server
from support.small_session import SmallSession

Cut = Callable[[bytes, random.Random], bytes]
RECORDS = 300


def at_a_line(body: bytes, some: random.Random) -> bytes:
    """Some of the lines, whole."""
    lines = body.splitlines(keepends=True)
    return b"".join(lines[: some.randrange(1, len(lines) + 1)])


def anywhere(body: bytes, some: random.Random) -> bytes:
    return body[: some.randrange(len(body))]


def in_the_last_line(body: bytes, some: random.Random) -> bytes:
    return body[: -some.randrange(1, len(body.splitlines()[-1]))]


class CuttingProxy:
    """Passes requests on; two of three have lost a part of their body by then, and say that this is all of it.

    Attributes:
        url: where clients find it.
        cuts: how many it has cut.
    """

    def __init__(self, target: str, cut: Cut) -> None:
        self.cuts = 0
        some, proxy = random.Random(4), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if some.randrange(3):
                    body = cut(body, some)
                    proxy.cuts += 1
                kept = ("Content-Type", "Content-Encoding")
                headers = {name: self.headers[name] for name in kept if name in self.headers}
                request = urllib.request.Request(target + self.path, body, headers)
                try:
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        status, content = answer.status, answer.read()
                except urllib.error.HTTPError as error:
                    status, content = error.code, error.read()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests: each has a session of its own."""
    running = Server(tmp_path_factory.mktemp("cut") / "data")
    yield running
    running.stop()


@pytest.fixture
def behind(server: Server) -> Iterator[Callable[[Cut], CuttingProxy]]:
    """`behind(cut)`: a proxy in front of the server."""
    started: list[CuttingProxy] = []

    def start(cut: Cut) -> CuttingProxy:
        started.append(CuttingProxy(server.url, cut))
        return started[-1]

    yield start
    for proxy in started:
        proxy.close()


def ship_all(shipment: Shipment) -> None:
    """As a daemon does it, without its pauses."""
    shipment.finished = True
    for _ in range(1_000):
        shipment.ship()
        if shipment.done:
            return
    raise AssertionError("never done")


@pytest.mark.parametrize(
    ("cut", "compressed"), [(at_a_line, False), (anywhere, False), (in_the_last_line, False), (anywhere, True)]
)
def test_what_is_cut_off_on_its_way_arrives_in_the_end_once_and_nothing_is_given_up(
    server: Server, behind: Callable[[Cut], CuttingProxy], tmp_path: Path, cut: Cut, compressed: bool
) -> None:
    proxy = behind(cut)
    session = SmallSession(tmp_path, proxy)
    manifest = dataclasses.replace(session.manifest, session_id=f"{cut.__name__}-{compressed}")
    config = Config(enable_compression=compressed, max_batch_size=40)
    session.write(RECORDS)
    ship_all(Shipment(session.folder, manifest, Endpoint(proxy.url, None, config), session.log, config))
    assert proxy.cuts > 3
    found: dict[str, Any] = get(f"{server.url}/api/sessions/{manifest.session_id}")
    assert [event["data"]["i"] for event in found["events"]] == list(range(RECORDS))
    assert (found["refused_count"], found["lost_count"], session.rejected()) == (0, 0, [])


def test_a_sender_that_says_no_number_is_taken_at_its_lines(server: Server) -> None:
    lines: list[dict[str, Any]] = [
        {"kind": "session", "id": "old", "product": "P", "time": 1},
        {"kind": "writer", "writer": "1-0", "first": 0, "next": 9},
        {"kind": "event", "writer": "1-0", "ordinal": 0, "time": 1, "name": "e"},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{server.url}/api/ingest", body), timeout=60) as answer:
        assert json.load(answer)["sessions"]["old"]["writers"] == {"1-0": 9}
