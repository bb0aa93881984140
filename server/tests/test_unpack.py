"""A compressed body is unpacked within limits that hold while it is unpacked."""

import gzip
import tracemalloc
from collections.abc import Callable

import pytest
import zstandard
from datacat_server.ingest import unpack as unpacking
from datacat_server.ingest.unpack import BodyTooLarge, UnreadableBody, UnsupportedBody, unpack
from datacat_server.store.sqlite import SqliteStore
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

Pack = Callable[[bytes], bytes]


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(body)


BOTH = pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", _zstd)])


@BOTH
@given(body=st.binary(max_size=300_000))
def test_what_was_packed_is_unpacked(encoding: str, pack: Pack, body: bytes) -> None:
    assert unpack(pack(body), encoding) == body
    assert unpack(pack(body[:1000]) + pack(body[1000:]), encoding) == body


@BOTH
def test_a_small_body_that_unpacks_to_a_huge_one_is_not_unpacked(
    encoding: str, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "LARGEST_UNPACKED", 2**20)
    assert len(unpack(pack(bytes(2**20)), encoding)) == 2**20
    for bomb in (pack(bytes(2**20 + 1)), pack(bytes(2**19)) * 3):
        with pytest.raises(BodyTooLarge):
            unpack(bomb, encoding)


@BOTH
def test_a_bomb_is_stopped_while_it_unpacks(encoding: str, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = pack(bytes(2**28))
    monkeypatch.setattr(unpacking, "LARGEST_UNPACKED", 2**22)
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            unpack(bomb, encoding)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**26


@BOTH
def test_a_body_of_more_members_than_anybody_sends_is_refused(encoding: str, pack: Pack) -> None:
    member = pack(b"x")
    assert unpack(member * unpacking.MOST_MEMBERS, encoding) == b"x" * unpacking.MOST_MEMBERS
    with pytest.raises(UnsupportedBody, match=r"members|frames"):
        unpack(member * (unpacking.MOST_MEMBERS + 1), encoding)


@BOTH
def test_a_body_that_is_cut_short_or_damaged_is_refused(encoding: str, pack: Pack) -> None:
    packed = pack(bytes(range(256)) * 100)
    for wrong in (packed[:-1], packed[: len(packed) // 2], packed[:3], b"\0" + packed, packed + b"noise"):
        with pytest.raises(UnreadableBody):
            unpack(wrong, encoding)


def test_a_frame_that_asks_for_much_memory_is_refused() -> None:
    settings = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    with pytest.raises(UnsupportedBody, match="window"):
        unpack(packer.compress(b"x" * 1000) + packer.flush(), "zstd")


def test_several_fields_of_content_encoding_are_one_list_and_nothing_is_taken(
    api: TestClient, store: SqliteStore, make_body: Callable[..., bytes]
) -> None:
    body = gzip.compress(make_body("s1", "1-0", 0, [{"kind": "event", "name": "x"}]))
    answer = api.post("/api/ingest", content=body, headers=[("content-encoding", "gzip"), ("content-encoding", "br")])
    assert answer.status_code == 400
    assert "Content-Encoding: 'gzip, br' is not known here" in answer.json()["details"]
    assert store.sessions().sessions == []


def test_a_batch_that_came_as_zstd_is_stored(
    api: TestClient, store: SqliteStore, make_body: Callable[..., bytes]
) -> None:
    packed = _zstd(make_body("s1", "1-0", 0, [{"kind": "event", "name": "x"}] * 100))
    answer = api.post("/api/ingest", content=packed, headers={"content-encoding": "zstd"})
    assert answer.json()["sessions"]["s1"]["writers"] == {"1-0": 100}
    assert store.session("s1", ()).event_count == 100
