"""A batch is answered and counted the same, whether the shortcut takes it or, with a slash at the end, the routing."""

import gzip
import http.client
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from datacat_server.store.sqlite import SqliteStore

SHORT, ROUTED = "/api/ingest", "/api/ingest/"
KEYS = ("--require-api-key", "--api-key", "sesame")
Answer = tuple[int, dict[str, str], bytes]


class Server:
    """A server that runs, with keys."""

    def __init__(self, port: int, keys: dict[str, str]) -> None:
        self.port = port
        self.keys = keys

    def ask(self, path: str, body: bytes | None, **headers: str) -> Answer:
        """The answer to a GET, or to a POST of a body: its status, its headers but for the date, its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET" if body is None else "POST", path, body, named)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "date"}
            return answer.status, told, answer.read()
        finally:
            connection.close()

    def counted(self) -> dict[tuple[str, str, str], int]:
        """How many requests were counted: by call, method and status."""
        _, _, text = self.ask("/metrics", None, Authorization="Bearer sesame")
        line = re.compile(r'^datacat_http_requests_total\{call="(.*?)",method="(.*?)",status="(.*?)"\} (.*)$', re.M)
        found = {(call, method, status): float(count) for call, method, status, count in line.findall(text.decode())}
        return {key: int(count) for key, count in found.items() if key[1] == "POST"}


@pytest.fixture
def server(store: SqliteStore, start: Callable[..., Any], make_key: Callable[..., str]) -> Server:
    keys = {"ingest": make_key("sender", "ingest"), "read": make_key("reader", "read")}
    store.close()
    [address] = start("datacat-server", "--port", "0", "--data-path", "data", *KEYS).addresses()
    return Server(int(address.rpartition(":")[2]), keys)


@pytest.mark.parametrize(
    ("what", "status"),
    [("right", 200), ("no key", 401), ("wrong scope", 403), ("too large", 413), ("damaged", 400), ("cut short", 400)],
)
def test_a_batch_is_answered_and_counted_the_same_by_either_way(
    server: Server, make_body: Callable[..., bytes], what: str, status: int
) -> None:
    body = make_body("s1", "1-0", 0, [{"kind": "event", "name": "x"}] * 2)
    body = body.replace(b'"kind": "session"', b'"kind": "session", "records": 2')
    headers = {"Authorization": f"Bearer {server.keys['ingest']}", "Content_Type": "application/x-ndjson"}
    match what:
        case "no key":
            del headers["Authorization"]
        case "wrong scope":
            headers["Authorization"] = f"Bearer {server.keys['read']}"
        case "too large":
            body = bytes(16 * 2**20 + 1)
        case "damaged":
            body, headers["Content_Encoding"] = gzip.compress(body)[:-5] + b"noise", "gzip"
        case "cut short":
            body = b"".join(body.splitlines(keepends=True)[:-1])
    # Sent before, so that what is right is a repeat for both.
    _, short, routed = (server.ask(path, body, **headers) for path in (SHORT, SHORT, ROUTED))
    assert short[0] == status, short
    assert routed == short
    assert server.counted() == {(SHORT, "POST", str(status)): 3}


def test_who_hangs_up_in_the_middle_of_a_body_is_counted_the_same_by_either_way(
    server: Server, make_body: Callable[..., bytes]
) -> None:
    for path in (SHORT, ROUTED):
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sesame\r\nContent-Length: 999\r\n\r\n"
        before = sum(server.counted().values())
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(head.encode() + make_body("s1")[:100])
        while sum(server.counted().values()) == before:
            pass
    assert server.counted() == {(SHORT, "POST", "0"): 2}
    assert server.ask("/api/sessions/s1", None, Authorization="Bearer sesame")[0] == 404
