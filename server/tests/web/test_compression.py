"""Answers are packed for whoever takes gzip, whole ones and those in pieces, and one who goes away is forgotten."""

import gc
import gzip
import socket
import struct
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.shell.rendering import BUNDLE
from litestar.testing import TestClient
from support.recordings import Recording

from .conftest import Pages

SCRIPT = "/static/bundle/main.js"


def asked(pages: TestClient, address: str, accepted: str) -> tuple[str | None, bytes]:
    """How an answer is packed, and its bytes as they come over the network."""
    with pages.stream("GET", address, headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
        length = answer.headers.get("content-length")
        assert length in (None, str(len(raw)))
        return answer.headers.get("content-encoding"), raw


@pytest.mark.parametrize(
    ("accepted", "packing"),
    [
        ("gzip", "gzip"),
        ("deflate, GZip;q=0.5, br", "gzip"),
        ("x-gzip", "gzip"),
        ("", None),
        ("br, zstd", None),
        ("gzip;q=0", None),
        ("gzip; q=0.000, identity", None),
    ],
)
def test_a_page_is_packed_for_who_takes_it_so(pages: TestClient, accepted: str, packing: str | None) -> None:
    plain = pages.get("/nowhere", headers={"Accept-Encoding": "identity"})
    assert plain.headers["vary"] == "Accept-Encoding"  # a cache in between keeps both
    encoding, raw = asked(pages, "/nowhere", accepted)
    assert encoding == packing
    assert (gzip.decompress(raw) if packing else raw) == plain.content


def test_what_comes_in_pieces_is_whole(pages: TestClient, store: SqliteStore) -> None:
    for number in range(300):
        Recording(f"s-{number}", product="a long name " * 20).event(1, "started").send(store)
    for address in (SCRIPT, "/sessions.json"):
        encoding, raw = asked(pages, address, "gzip")
        plain = asked(pages, address, "identity")[1]
        assert encoding == "gzip", plain[:200]
        assert gzip.decompress(raw) == plain
        assert len(raw) < len(plain) / 2.5


def test_what_is_small_is_sent_as_it_is(pages: TestClient) -> None:
    encoding, raw = asked(pages, "/sessions/none.json", "gzip")
    assert (encoding, b"not_found" in raw) == (None, True)


def test_a_reader_who_goes_away_in_the_middle_is_forgotten_and_the_next_one_served(
    served: Pages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong: list[str] = []
    monkeypatch.setattr("sys.unraisablehook", lambda told: wrong.append(repr(told.object)))
    where = urlsplit(served.address)
    for _ in range(20):
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # cut off, not closed
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(f"GET {SCRIPT} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            assert connection.recv(12) == b"HTTP/1.1 200"
    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(f"GET {SCRIPT} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            assert answer.read().endswith((BUNDLE / "main.js").read_bytes()[-100:])
    gc.collect()
    assert wrong == []
