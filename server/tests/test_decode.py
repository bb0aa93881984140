"""What a body may hold, and what of it is refused, alone and with its reason."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from datacat_server.ingest import decode
from datacat_server.ingest.decode import decode_batches
from datacat_server.ingest.records import EventRecord, MetricRecord
from datacat_server.ingest.unpack import BodyTooLarge, UnreadableBody, unpack
from datacat_server.ingest.validate import check_depth

HEAD = b"""{"kind":"session","id":"s1","product":"Game","version":"1","time":1795298400000000}
{"kind":"writer","writer":"1-0","first":0,"next":9}
"""
ANNOUNCED = [
    b'{"kind":"session","id":"s1","product":"Game","version":"1","time":1795298400000000,"records":2}',
    b'{"kind":"writer","writer":"1-0","first":0,"next":2}',
    b'{"kind":"event","writer":"1-0","ordinal":0,"time":1,"name":"one"}',
    b'{"kind":"event","writer":"1-0","ordinal":1,"time":2,"name":"two"}',
]
"""The lines of a body that says how many records it has."""


def refusal(line: bytes | dict[str, Any]) -> str:
    """The details with which a line is refused, at ordinal 0 of writer 1-0 unless it says otherwise."""
    if isinstance(line, dict):
        line = json.dumps({"kind": "event", "writer": "1-0", "ordinal": 0, "time": 1} | line).encode()
    good = b'\n{"kind":"event","writer":"1-0","ordinal":8,"time":2,"name":"after"}\n'
    [batch], stray = decode_batches(HEAD + line + good)
    assert not stray
    assert [record.name for record in batch.records if isinstance(record, EventRecord)] == ["after"]
    [refused] = batch.refused
    assert (refused.session, refused.line) == ("s1", 3)
    return refused.details


@pytest.mark.parametrize(
    ("line", "details"),
    [
        ({"name": 3}, "name: expected a string, got a whole number"),
        ({}, "name: is missing"),
        ({"name": ""}, "name: must not be empty"),
        ({"name": "x" * 1001}, "name: longer than 1000 characters"),
        ({"name": "x", "data": [1]}, "data: expected an object"),
        ({"name": "x", "labels": ["a", 1]}, "labels[1]: expected a string, got a whole number"),
        ({"name": "x", "time": -1}, "time: not a time between 1970 and 9999"),
        ({"name": "x", "time": 10**18}, "time: not a time between 1970 and 9999"),
        ({"name": "x", "time": "now"}, "time: expected a whole number, got a string"),
        ({"name": "x", "source_line": -1}, "source_line: expected a whole number from 0 to 9007199254740992"),
        ({"name": "x", "writer": None}, "writer: is missing"),
        ({"name": "x", "writer": "9-9"}, "writer: has no writer line in this batch"),
        ({"name": "x", "ordinal": None}, "ordinal: is missing"),
        ({"name": "x", "ordinal": 9}, "ordinal: expected one from 0 to 8, rising"),
        ({"kind": "noise"}, "kind: invalid value 'noise'"),
        ({"kind": "state", "state": 1}, "state: expected an object, got a whole number"),
        ({"kind": "status", "status": "bored"}, "status: expected one of crashed, ended, hung, recovered, resumed"),
        ({"kind": "metric", "name": "m", "value": "1"}, "value: expected a number, got a string"),
        ({"kind": "metric", "name": "m"}, "value: is missing"),
        ({"kind": "metric", "name": "m", "value": 1, "type": "dial"}, "type: expected one of counter, gauge"),
        ({"kind": "metric", "name": "m", "value": 1, "tags": "a"}, "tags: expected an array, got a string"),
        ({"kind": "metric", "name": "m", "value": 1, "tags": ["t"] * 101}, "tags: more than 100"),
        ({"kind": "metric", "name": "m", "value": 1, "count": -1}, "count: expected a whole number from 0"),
        ({"kind": "metric", "name": "m", "value": 1, "metadata": 1}, "metadata: expected an object"),
        ({"kind": "metric", "name": "m", "type": "histogram", "value": 1, "buckets": [1] * 201}, "buckets: more than"),
        ({"kind": "writer", "writer": "1-0", "first": 0, "next": 1}, "writer: has a writer line in this batch already"),
        ({"kind": "writer", "writer": "2-0", "first": 2, "next": 1}, "next: must not be below first"),
        ({"kind": "writer", "writer": "", "first": 0, "next": 1}, "writer: expected 1 to 200 characters"),
        (b"no JSON", "record: JSON is malformed"),
        (b"[1]", "record: expected an object, got an array"),
        (b'{"kind":"event","name":"\\ud800', "record: input data was truncated"),
        (b'{"kind":"metric","writer":"1-0","ordinal":0,"name":"m","value":1e999}', "value: number out of range"),
        (b'{"kind":"metric","writer":"1-0","ordinal":0,"name":"m","value":NaN}', "record: JSON is malformed"),
        (b'{"kind":"event","writer":"1-0","ordinal":0,"name":"x","data":{"a":1e999}}', "data: number out of range"),
        (b'{"kind":"event","name":"x","data":' + b"[" * 101 + b"]" * 101 + b"}", "data: nested deeper than 64 levels"),
        (b'{"kind":"event","name":"' + b"x" * 2**20 + b'"}', "record: larger than 1 MB"),
    ],
)
def test_a_record_that_is_wrong_is_refused_alone_and_its_field_is_named(line: Any, details: str) -> None:
    assert refusal(line).startswith(details)


def test_a_refusal_says_which_record_it_was_even_where_the_line_is_broken() -> None:
    lines = b'{"kind":"event","writer":"1-0","ordinal":4,"name":"tor\n{"kind":"event","writer":"1-0","ordinal":5}'
    [batch], _ = decode_batches(HEAD + lines)
    assert [(r.writer, r.ordinal, r.line) for r in batch.refused] == [("1-0", 4, 3), ("1-0", 5, 4)]


def test_ordinals_that_do_not_rise_are_refused() -> None:
    line = b'{"kind":"event","writer":"1-0","ordinal":3,"time":1,"name":"x"}\n'
    [batch], _ = decode_batches(HEAD + line + line)
    assert len(batch.records) == 1
    assert batch.refused[0].details == "ordinal: expected one from 4 to 8, rising"


@pytest.mark.parametrize(
    ("change", "details"),
    [
        ({"id": "../x"}, "id: expected 1 to 128 letters"),
        ({"product": None}, "product: expected a string, got null"),
        ({"product": ""}, "product: must not be empty"),
        ({"pid": -1}, "pid: expected a whole number"),
        ({"last_heartbeat": -5}, "last_heartbeat: not a time"),
    ],
)
def test_what_follows_a_bad_session_line_is_never_put_into_another_session(
    make_body: Callable[..., bytes], change: dict[str, Any], details: str
) -> None:
    event = [{"kind": "event", "name": "x"}]
    body = make_body("s1", "1-0", 0, event) + make_body("s2", "1-0", 1, event, **change) + make_body("s3")
    batches, stray = decode_batches(body)
    assert [(batch.id, len(batch.records), batch.refused) for batch in batches] == [("s1", 1, []), ("s3", 0, [])]
    assert [(refused.session, refused.line) for refused in stray] == [(None, 4)]
    assert stray[0].details.startswith(details)


def test_a_record_in_front_of_every_session_is_refused() -> None:
    batches, stray = decode_batches(b'{"kind":"event","writer":"1-0","ordinal":0,"name":"x"}\n\n')
    assert batches == []
    assert stray[0].details == "kind: a session line has to come before this one"


def test_text_that_is_not_quite_unicode_is_kept_with_marks() -> None:
    lines = (
        b'{"kind":"event","writer":"1-0","ordinal":0,"name":"a\\ud800b","data":{"\\udfff":["\\ud83d\\ude00"]}}\n'
        b'{"kind":"event","writer":"1-0","ordinal":1,"name":"a\xffb"}\n'
        b'{"kind":"event","writer":"1-0","ordinal":2,"name":"\xf0\x9f\x98\x80"}\n'
    )
    [batch], _ = decode_batches(HEAD + lines)
    assert [record.name for record in batch.records] == ["a\ufffdb", "a\ufffdb", "\U0001f600"]  # type: ignore[union-attr]
    assert json.loads(bytes(batch.records[0].data)) == {"\ufffd": ["\U0001f600"]}  # type: ignore[union-attr]
    assert batch.refused == []


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    line = json.dumps({"kind": "event", "writer": "1-0", "ordinal": 0, "name": "x", "message": '{"[' * 200}).encode()
    [batch], _ = decode_batches(HEAD + line)
    assert len(batch.records) == 1


@pytest.mark.parametrize("end", [b"", b"\\", b'"'])
def test_the_cost_of_a_look_at_the_depth_is_in_proportion_to_the_line(end: bytes) -> None:
    # A string of escaped quotes without an end: tried again from each of them, twice the length is four times the work.
    def seconds(pairs: int) -> float:
        line = b"[" * 51 + b"]" * 51 + b"[" * 50 + b'"' + b'\\"' * pairs + end
        began = time.thread_time()
        check_depth(line)
        return time.thread_time() - began

    small, large = (min(seconds(pairs) for _ in range(3)) for pairs in (2_000, 64_000))
    assert large < 200 * small  # 32 times the length; a quadratic look takes a thousand times as long


def test_the_depth_behind_a_string_is_seen() -> None:
    check_depth(b'["' + b"[" * 200 + b'"]')
    with pytest.raises(ValueError, match="nested deeper"):
        check_depth(rb'["\"' + b'"' + b"[" * 200)


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({}, "info"),
        ({"category": "warning"}, "warning"),
        ({"category": "Error"}, "error"),
        ({"category": "physics"}, "info"),
        ({"category": "error", "level": "debug"}, "debug"),
        ({"level": "WARN"}, "warning"),
        ({"level": "fatal"}, "critical"),
        ({"exception_type": "ValueError"}, "error"),
    ],
)
def test_the_level_of_an_event(given: dict[str, Any], level: str) -> None:
    line = json.dumps({"kind": "event", "writer": "1-0", "ordinal": 0, "time": 1, "name": "x"} | given).encode()
    [batch], _ = decode_batches(HEAD + line)
    assert batch.records[0].level == level  # type: ignore[union-attr]


def test_tags_are_a_set_and_bounds_rise() -> None:
    line = (
        b'{"kind":"metric","writer":"1-0","ordinal":0,"time":1,"name":"m","type":"histogram","value":1,'
        b'"tags":["b","a","b"],"buckets":[2,1,2]}'
    )
    [batch], _ = decode_batches(HEAD + line)
    [record] = batch.records
    assert isinstance(record, MetricRecord)
    assert (record.tags, record.buckets) == (["a", "b"], [1.0, 2.0])


def test_gzip_is_unpacked_whole_and_in_several_members() -> None:
    assert unpack(gzip.compress(b"one") + gzip.compress(b"two"), "gzip") == b"onetwo"
    assert unpack(b"plain", None) == b"plain"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(gzip.compress(b"x" * 1000)[:-9], "gzip"), (b"no gzip at all", "GZIP")],
    ids=["cut short", "no gzip"],
)
def test_a_body_that_cannot_be_unpacked_is_one_error(body: bytes, encoding: str) -> None:
    with pytest.raises(UnreadableBody):
        unpack(body, encoding)


@pytest.mark.parametrize(
    ("body", "details"),
    [
        (b"\n".join(ANNOUNCED[:2]) + b"\n", "records: 0 of 2 are here"),
        (b"\n".join(ANNOUNCED[:3]) + b"\n", "records: 1 of 2 are here"),
        (b"\n".join(ANNOUNCED[:3]) + b"\n" + ANNOUNCED[3][:-9], "the last line of the body has no end"),
        (ANNOUNCED[0][:40], "the session line has no end"),
    ],
    ids=["after the writer", "after a record", "in a record", "in the session line"],
)
def test_a_body_that_says_what_it_holds_and_holds_less_is_refused_whole(body: bytes, details: str) -> None:
    with pytest.raises(UnreadableBody, match=details):
        decode_batches(body)


def test_what_is_refused_of_an_announced_body_has_come() -> None:
    [batch], _ = decode_batches(b"\n".join([*ANNOUNCED[:3], b'{"kind":"event","name":3}']) + b"\n")
    assert (len(batch.records), len(batch.refused)) == (1, 1)


WRITER = ANNOUNCED[1]
NO_NAME = b'{"kind":"event","writer":"1-0","ordinal":1,"time":2}'


@pytest.mark.parametrize(
    "refused",
    [
        WRITER,
        b'{"kind":"writer","writer":"1-1","first":2,"next":1}',
        b'{"kind":"writer","writer":"1-1","fi',
        b'{"ki',
    ],
    ids=["the writer again", "a bad writer", "half a writer", "half a line"],
)
def test_only_records_count_as_records_that_came(refused: bytes) -> None:
    with pytest.raises(UnreadableBody, match="records: 1 of 2 are here"):
        decode_batches(b"\n".join([*ANNOUNCED[:2], refused, ANNOUNCED[2]]) + b"\n")


@pytest.mark.parametrize("refused", [NO_NAME, NO_NAME[:-9], b'{"kind":"newer","x":1}', b'{"kind":"event","name":3}'])
def test_a_record_that_is_refused_has_come_named_or_not(refused: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for most in (1, 0):
        monkeypatch.setattr(decode, "MOST_REFUSALS", most)
        [batch], _ = decode_batches(b"\n".join([*ANNOUNCED[:3], refused]) + b"\n")
        assert (len(batch.records), batch.refused_records) == (1, 1)


@pytest.mark.parametrize("number", [b"-1", b'"2"', b"2.0", b"[]", b"true"])
def test_a_number_of_records_that_is_none_has_the_body_refused_whole_and_named(number: bytes) -> None:
    lines = [ANNOUNCED[0].replace(b'"records":2', b'"records":' + number), *ANNOUNCED[1:]]
    with pytest.raises(UnreadableBody, match=r"records: expected a whole number.*; nothing of the body was taken"):
        decode_batches(b"\n".join(lines) + b"\n")


@pytest.mark.parametrize("number", [b"1", b"0", b"null"])
def test_no_record_is_lost_to_a_number_that_is_too_small(number: bytes) -> None:
    lines = [ANNOUNCED[0].replace(b'"records":2', b'"records":' + number), *ANNOUNCED[1:]]
    [batch], stray = decode_batches(b"\n".join(lines) + b"\n")
    assert (len(batch.records), batch.refused, stray) == (2, [], [])


@pytest.mark.parametrize(
    "body",
    [
        (b"\n".join(ANNOUNCED) + b"\n").decode().encode("utf-16"),
        gzip.compress(b"\n".join(ANNOUNCED)),
        b"<html>\n<p>none</p>\n</html>\n",
        b"[1, 2]\n",
    ],
    ids=["UTF-16", "gzip", "HTML", "an array"],
)
def test_a_body_in_another_format_is_an_error(body: bytes) -> None:
    with pytest.raises(UnreadableBody, match="no line of the body says its kind"):
        decode_batches(body)


def test_a_byte_order_mark_in_front_is_passed_over() -> None:
    [batch], stray = decode_batches("\ufeff".encode() + b"\n".join(ANNOUNCED) + b"\n")
    assert (len(batch.records), batch.refused, stray) == (2, [], [])


def test_a_body_of_too_many_lines_is_refused_whole() -> None:
    with pytest.raises(BodyTooLarge, match="lines"):
        decode_batches(HEAD + b"x\n" * decode.MOST_LINES)
    assert decode_batches(b"\n" * decode.MOST_LINES) == ([], [])


def test_refusals_are_named_up_to_a_number_and_counted_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MOST_REFUSALS", 5)
    batches, stray = decode_batches(b"x\n" * 2 + HEAD + b"x\n" * 7)
    assert [(len(batch.refused), batch.unnamed_refusals) for batch in batches] == [(3, 4)]
    assert [refused.details[:28] for refused in stray[2:]] == ["record: 4 more of this body "]


def take(line: dict[str, Any]) -> Any:
    line = {"kind": "event", "writer": "1-0", "ordinal": 0, "time": 1, "name": "x"} | line
    [batch], stray = decode_batches(HEAD + json.dumps(line).encode())
    assert (batch.refused, stray) == ([], [])
    return batch.records[0]


def test_an_event_with_an_odd_level_is_kept_and_the_level_with_it() -> None:
    for data, kept in [({}, "loud"), ({"level": 7}, 7)]:
        event = take({"level": "loud", "data": data})
        assert (event.level, json.loads(bytes(event.data))) == ("info", {"level": kept})


def test_a_clock_that_is_far_ahead_is_set_right() -> None:
    now = time.time_ns() // 1000
    assert now <= take({"time": 250_000_000_000_000_000}).time <= now + 600_000_000
    assert take({"time": now + 3_600_000_000}).time == now + 3_600_000_000


def test_long_words_are_cut_and_large_facts_lose_what_is_large(make_body: Callable[..., bytes]) -> None:
    event = take({"category": "c" * 999, "group": "g" * 999, "labels": ["l" * 999] * 999})
    assert (len(event.category), len(event.group), len(event.labels), len(event.labels[0])) == (200, 200, 100, 200)
    body = make_body(hostname="h" * 9999, machine_id="m" * 9999, facts={"a": 1, "argv": "x" * 99_999, "b": 2})
    [batch], _ = decode_batches(body)
    assert batch.header is not None
    assert batch.header.facts == {"a": 1, "argv": "… (too large)", "b": 2}
    assert (len(batch.header.hostname or ""), len(batch.header.machine_id or "")) == (200, 200)
