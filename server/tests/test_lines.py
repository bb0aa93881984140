"""Lines that are decoded many at once come to the same as each by itself."""

import json
from typing import Any

import msgspec
import pytest
from datacat_server.ingest.decode import BatchReader, decode_batches
from datacat_server.ingest.lines import decode_lines, pieces
from hypothesis import given, settings
from hypothesis import strategies as st

SESSION = {"kind": "session", "id": "s1", "product": "Game", "time": 1}
HEAD = json.dumps(SESSION) + "\n" + '{"kind":"writer","writer":"w","first":0,"next":1000}\n'


def one_by_one(body: bytes) -> tuple[Any, Any]:
    reader = BatchReader()
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            reader.read(number, line)
    return reader.batches, reader.finish()


def plain(decoded: tuple[Any, Any]) -> Any:
    return msgspec.to_builtins(decoded, enc_hook=bytes, builtin_types=())


fields = st.sampled_from(
    [
        '"name":"moved"', '"name":""', '"name":"é"', r'"name":"\ud83d\ude00"', r'"name":"\ud83d"', '"name":7',
        '"time":5', '"time":-1', '"level":"warn"', '"level":"error"', '"level":"loud"', '"level":null',
        '"category":"Error"', '"category":"ui"', '"data":{}', '"data":{"x":[1,{"y":null}]}', '"data":null',
        '"data":[1]', '"data":{"a":1e999}', '"data":{"a" 1}', '"data":' + '{"a":' * 70 + "1" + "}" * 70,
        '"source_line":-1',
        '"labels":["a","b"]', '"exception_type":"E"', '"group":"' + "g" * 300 + '"', '"type":"counter","delta":1',
        '"type":"gauge","value":2', '"value":3', '"metadata":null', '"metadata":{"a":1}',  '"metadata":7',
        '"state":{"a":1}',        '"status":"ended"', '"status":"odd"', '"ordinal":3', '"ordinal":2000',
        '"writer":"other"', '"writer":null',
    ]
)  # fmt: skip
kinds = st.sampled_from(["event", "event", "event", "metric", "state", "status", "nothing"])
records = st.tuples(kinds, st.lists(fields, max_size=5, unique_by=lambda field: field.split(":")[0]))
odd = st.sampled_from(
    ["", "  ", "\r", "{}", "[]", "null", "x", '{"kind":"event"', '{"kind":"event","name":"a"}{"kind":"event"}',
     '{"kind":"event",\n"name":"a"}', json.dumps(SESSION), '{"kind":"session","id":"!","product":"P","time":1}',
     '{"kind":"writer","writer":"w","first":0,"next":9}']
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(records, records, odd), max_size=9), st.booleans())
def test_lines_that_are_read_together_come_to_the_same_as_each_by_itself(
    lines: list[str | tuple[str, list[str]]], ends: bool
) -> None:
    text = HEAD
    for ordinal, line in enumerate(lines):
        if isinstance(line, tuple):
            kind, said = line
            names = {field.split(":")[0] for field in said}
            own = [f'"kind":"{kind}"', '"writer":"w"', f'"ordinal":{ordinal}', '"name":"moved"', '"time":1']
            line = "{" + ",".join([*(field for field in own if field.split(":")[0] not in names), *said]) + "}"
        text += line + "\n"
    body = text.encode() if ends else text.encode().rstrip(b"\n")
    assert plain(decode_batches(body)) == plain(one_by_one(body))


of_events = st.sampled_from(
    [
        '"level":"error"', '"level":null', '"category":"Error"', '"category":"ui"', '"category":"' + "c" * 201 + '"',
        '"group":"g"', '"group":"' + "g" * 201 + '"', '"labels":["a","b"]', '"labels":["' + "l" * 201 + '"]',
        '"labels":' + json.dumps(["l"] * 101), '"labels":[]', '"message":"m"', '"exception_type":"E"',
        '"source_line":7', '"data":{"x":1}', '"data":null',
    ]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(of_events, max_size=3, unique_by=lambda field: field.split(":")[0]), min_size=1, max_size=5))
def test_events_that_are_checked_together_come_to_the_same_as_each_by_itself(events: list[list[str]]) -> None:
    text = HEAD
    for ordinal, said in enumerate(events):
        own = ['"kind":"event"', '"writer":"w"', f'"ordinal":{ordinal}', '"name":"moved"', '"time":1']
        text += "{" + ",".join([*own, *said]) + "}\n"
    assert plain(decode_batches(text.encode())) == plain(one_by_one(text.encode()))


def test_bytes_that_are_no_utf8_are_replaced_in_their_own_line_only() -> None:
    line = b'{"kind":"event","writer":"w","ordinal":%d,"name":"%b"}\n'
    [batch], _ = decode_batches(HEAD.encode() + line % (0, b"good") + line % (1, b"b\xffd") + line % (2, b"good"))
    assert [record.name for record in batch.records] == ["good", "b\ufffdd", "good"]


@pytest.mark.parametrize("length", [0, 10, 65_000, 65_536, 200_000])
def test_a_body_is_cut_between_lines_only(length: int) -> None:
    line = b'{"kind":"event","name":"%b"}' % (b"x" * length)
    body = b"\n".join([line, b"", line, line, b""])
    cut = list(pieces(body))
    assert b"".join(cut) == body
    assert all(piece.endswith(b"\n") for piece in cut)
    assert b"".join(pieces(body[:-1])) == body[:-1]


def test_ordinary_lines_are_read_together() -> None:
    line = b'{"kind":"event","writer":"w","ordinal":%d,"name":"moved","data":{"x":1}}\n'
    assert len(decode_lines(HEAD.encode() + b"".join(line % ordinal for ordinal in range(100))) or ()) == 102
