"""Every record arrives exactly once, whatever the server answers, or does not, and whoever is killed meanwhile."""

import errno
import json
import os
import signal
import subprocess
import time
from email.utils import formatdate

import pytest
from datacat.segment import EVENT, METRIC, STATE, SegmentWriter
from datacat_daemon.shipping.endpoint import Endpoint, Refused, Unavailable
from datacat_daemon.shipping.outbox import Disagreement, Outbox
from datacat_daemon.spool.log import LIMIT, DaemonLog
from datacat_daemon.spool.manifest import BadManifest, read_manifest


def test_records_arrive_as_they_were_written(session):
    session.writer.append(EVENT, 0, 11, b'{"name":"\xc3\xa9t\xc3\xa9"}')
    session.writer.append(STATE, 0, 12, b'{"state":{"a":{"b":null}}}')
    session.writer.append(METRIC, 0, 13, b'{\n"name":"fps","value":60.0}')
    session.writer.append(EVENT, 0, 14, b"{}")
    session.ship_all()
    assert session.server.only()["records"] == [
        {"kind": "event", "writer": "1-0", "ordinal": 0, "time": 11, "name": "été"},
        {"kind": "state", "writer": "1-0", "ordinal": 1, "time": 12, "state": {"a": {"b": None}}},
        {"kind": "metric", "writer": "1-0", "ordinal": 2, "time": 13, "name": "fps", "value": 60.0},
        {"kind": "event", "writer": "1-0", "ordinal": 3, "time": 14},
    ]


def test_acknowledged_segments_are_deleted_and_others_are_not(session):
    session.write(200)
    count = len(list(session.folder.glob("*.segment")))
    session.server.answers = [503]
    session.shipment.ship()
    assert len(list(session.folder.glob("*.segment"))) == count >= 3
    session.ship_all()
    assert len(list(session.folder.glob("*.segment"))) == 1
    assert json.loads((session.folder / "acked.json").read_text()) == {"1-0": 200}


@pytest.mark.parametrize("trouble", ["cut", "drop", 500, 503, 429, 401, 404, b"no json", b"{}", b'{"sessions": {}}'])
def test_whatever_goes_wrong_once_records_arrive_once(session, trouble):
    session.write(50)
    session.server.answers = [trouble]
    session.ship_all()
    session.write(50)
    session.shipment.done = False
    session.server.answers = [trouble, trouble]
    session.ship_all()
    assert session.numbers() == list(range(100))
    assert session.server.only()["lost"] == []
    assert session.rejected() == []


def test_an_unanswered_batch_and_then_another_daemon(session):
    session.write(50)
    session.server.answers = ["cut", "drop"]  # the second is the same post again on a new connection
    session.shipment.ship()
    assert session.shipment.failing
    session.write(50)
    session.shipment.close()
    session.shipment = session.new_shipment()
    session.ship_all()
    assert session.numbers() == list(range(100))


def test_a_server_that_went_back_in_time_gets_what_is_still_there(session):
    session.write(60)
    session.ship_all()
    session.server.only()["writers"]["1-0"] = 55
    session.server.only()["records"][55:] = []
    session.write(10)
    session.shipment.done = False
    session.ship_all()
    assert session.numbers() == list(range(70))


def test_records_that_are_gone_are_told_as_lost(session):
    session.write(200)
    for path in sorted(session.folder.glob("*.segment"))[:2]:
        path.unlink()
    session.ship_all()
    ((writer, first, following),) = session.server.only()["lost"]
    assert (writer, first) == ("1-0", 0)
    assert session.numbers() == list(range(following, 200))


def test_a_record_that_the_server_refuses_is_kept_aside_and_the_rest_goes_on(session):
    session.write(20)
    session.server.refuses = lambda record: record["ordinal"] == 7
    session.ship_all()
    assert session.numbers() == [n for n in range(20) if n != 7]
    assert session.rejected() == ["1-0.7.json"]
    kept = json.loads((session.folder / "rejected" / "1-0.7.json").read_text())
    assert kept["details"] == "not liked"
    assert json.loads(kept["payload"])["data"] == {"i": 7}


@pytest.mark.parametrize("bad", [{0}, {19}, {7}, {3, 4, 11}])
def test_a_record_that_spoils_its_batch_is_found_and_set_aside(session, bad):
    session.write(20)
    session.server.rejects = lambda lines: any(line.get("ordinal") in bad for line in lines)
    session.ship_all(200)
    assert session.numbers() == [n for n in range(20) if n not in bad]
    assert session.rejected() == sorted(f"1-0.{n}.json" for n in bad)


def test_a_session_that_the_server_will_never_take_is_left_where_it_is(session):
    session.server.rejects = lambda lines: True
    session.shipment.ship()
    assert session.shipment.refused
    assert session.rejected() == ["session.json"]
    assert session.new_shipment().refused


@pytest.mark.parametrize("records", [0, 5])
def test_a_session_whose_own_line_is_refused_is_left_where_it_is(session, records):
    session.write(records)
    session.server.bars = lambda line: line["product"] == "P"
    session.shipment.finished = True
    session.shipment.ship()
    assert session.shipment.refused
    assert not session.shipment.done
    assert session.rejected() == ["session.json"]
    assert json.loads((session.folder / "rejected" / "session.json").read_text())["details"] == "product: too long"


def test_a_session_that_is_refused_keeps_its_records_in_their_segments(session):
    session.write(3)
    session.server.rejects = lambda lines: True
    for _ in range(3):
        session.shipment.ship()
    assert session.shipment.refused
    assert session.rejected() == ["session.json"]


def test_an_answer_without_the_session_is_no_answer_though_nothing_waits(session):
    session.server.muted = {"s"}
    session.shipment.finished = True
    session.shipment.ship()
    assert session.shipment.failing
    assert not session.shipment.done


@pytest.mark.parametrize("bad", [{0}, {19}, {7, 8}])
def test_a_record_that_the_server_fails_at_is_found_and_set_aside(session, bad):
    session.write(20)
    session.server.fails = lambda lines: any(line.get("ordinal") in bad for line in lines)
    session.ship_all(200)
    assert session.numbers() == [n for n in range(20) if n not in bad]
    assert session.rejected() == sorted(f"1-0.{n}.json" for n in bad)


def test_while_a_server_fails_at_everything_nothing_is_set_aside(session):
    session.write(20)
    session.server.fails = lambda lines: True
    for _ in range(100):
        session.shipment.ship()
    session.server.fails = lambda lines: len(lines) > 1
    for _ in range(4):
        session.shipment.ship()
    assert session.rejected() == []
    session.server.fails = lambda lines: False
    session.ship_all()
    assert session.numbers() == list(range(20))


def test_a_server_that_fails_at_every_record_does_not_have_them_all_set_aside(session):
    session.write(1000)
    session.server.fails = lambda lines: len(lines) > 1
    for _ in range(200):
        session.shipment.ship()
    assert 1 <= len(session.rejected()) < 7


def test_a_body_too_large_is_sent_in_parts(session):
    session.write(20)
    session.server.answers = [413, 413]
    session.ship_all()
    assert session.numbers() == list(range(20))
    assert session.rejected() == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("date", [False, True])
def test_a_server_that_says_when_to_come_again_is_obeyed(session, status, date):
    session.server.headers = {"Retry-After": formatdate(time.time() + 120, usegmt=True) if date else "120"}
    session.server.answers = [status]
    endpoint = Endpoint(session.server.url, None)
    with pytest.raises(Unavailable):
        endpoint.post(b"")
    assert 100 < endpoint.ready_at - time.monotonic() < 125
    endpoint.close()


def test_a_missing_segment_in_the_middle_is_told_as_lost_and_the_later_ones_arrive(session):
    session.write(200)
    second = session.folder / "1-0.00000001.segment"
    second.unlink()
    session.ship_all()
    ((_, first, following),) = session.server.only()["lost"]
    assert 0 < first < following < 200
    assert session.numbers() == [*range(first), *range(following, 200)]


def test_a_segment_that_cannot_be_read_now_is_not_passed_over(session, monkeypatch):
    session.write(200)
    really_open = os.open

    def without_descriptors(path, *rest, **options):
        if str(path).endswith(".00000001.segment"):
            raise OSError(errno.EMFILE, "too many open files")
        return really_open(path, *rest, **options)

    session.shipment.finished = True
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", without_descriptors)
        for _ in range(3):
            with pytest.raises(OSError, match="too many open files"):
                session.shipment.ship()
    assert not session.shipment.done
    session.ship_all()
    assert session.numbers() == list(range(200))
    assert session.server.only()["lost"] == []


def test_a_payload_that_is_no_object_is_set_aside(session):
    session.write(2)
    session.writer.append(EVENT, 0, session.time, b"[1]")
    session.write(2)
    session.ship_all()
    assert session.numbers() == [0, 1, 3, 4]
    assert session.rejected() == ["1-0.2.json"]


def test_a_server_that_takes_nothing_is_not_asked_in_a_loop(session):
    session.write(2)
    session.server.answers = [b'{"sessions": {"s": {"writers": {"1-0": 0}}}}'] * 3
    session.shipment.ship()
    assert session.shipment.failing
    assert len(session.server.statuses) == 1
    session.ship_all()
    assert session.numbers() == [0, 1]


def test_writers_arrive_in_the_order_of_time(session):
    other = SegmentWriter(str(session.folder), "1-1", 4096)
    for tick in range(1, 300):
        (session.writer if tick % 3 else other).append(EVENT, 0, tick, b'{"name":"n"}')
    session.ship_all()
    assert [record["time"] for record in session.server.records("event")] == list(range(1, 300))


def test_an_answer_without_a_writer_s_position_is_no_answer(session, tmp_path):
    session.write(1)
    outbox = Outbox(session.folder, session.log)
    outbox.settle({}, [])
    outbox.fill(10**15)
    assert outbox.next_batch() is outbox.next_batch()
    with pytest.raises(Disagreement):
        outbox.settle({}, [])


def test_the_key_is_sent(session):
    endpoint = Endpoint(session.server.url, "secret")
    endpoint.post(b'{"kind":"session","id":"s"}\n')
    assert session.server.keys == ["Bearer secret"]
    endpoint.close()


def test_failures_are_followed_by_longer_pauses_up_to_a_bound(session):
    endpoint = Endpoint(session.server.url, None)
    session.server.answers = [503] * 12
    pauses = []
    for _ in range(12):
        with pytest.raises(Unavailable):
            endpoint.post(b"")
        pauses.append(endpoint.ready_at - time.monotonic())
    assert 0.3 < pauses[0] < 0.7
    assert 20 < pauses[-1] < 38
    session.server.answers = [400]
    with pytest.raises(Refused):
        endpoint.post(b"")
    endpoint.close()


@pytest.mark.parametrize("url", ["", "localhost:9090", "ftp://x", "http://", "http://[::1", "http://h:99999999"])
def test_an_address_that_is_none_is_an_error(url):
    with pytest.raises(ValueError):
        Endpoint(url, None)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "session_id": 5}'])
def test_a_manifest_that_is_none_is_an_error(tmp_path, content):
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(BadManifest):
        read_manifest(path)


def test_the_log_is_bounded_and_does_not_repeat_itself(tmp_path):
    log = DaemonLog(tmp_path / "daemon.log")
    for _ in range(10):
        log.write("again")
    for number in range(3000):
        log.write(f"{number} " + "x" * 100)
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert total < 2 * LIMIT + 200
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert text.count("again") <= 1
    DaemonLog(tmp_path / "none" / "daemon.log").write("goes nowhere")


def test_everything_arrives_once_though_the_daemon_is_killed_again_and_again(bench, server):
    body = "for i in range(3000):\n    session.log_event('n', {'i': i})\n    time.sleep(0.0005)\nsession.end()"
    process = bench.program(server.url, body)
    folder = bench.folder_of(process)
    for seconds in (0.3, 0.5, 0.4):
        daemon = bench.daemon(folder)
        try:
            daemon.wait(seconds)
        except subprocess.TimeoutExpired:
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
    if folder.exists():
        bench.finish(bench.daemon(folder))
    assert [record["data"]["i"] for record in server.records("event")] == list(range(3000))
    assert server.verdicts() == ["ended"]
    assert bench.left() == []


def test_flush_and_urgent_records_do_not_wait_for_the_interval(bench, server, wait_for):
    body = """
slow = datacat.create_session(product="P", version="slow", batch_interval_seconds=60)
slow.flush(5)
slow.log_event("flushed")
print(slow.flush(20), flush=True)
try:
    raise KeyError("x")
except KeyError:
    slow.log_exception()
sys.stdin.readline()
"""
    process, daemon = bench.run(server.url, body)
    assert process.stdout.readline() == "True\n"

    def exceptions():
        return [r for s in server.sessions.values() for r in s["records"] if r.get("exception_type")]

    wait_for(exceptions, "the exception")
    process.communicate("go\n")
    bench.finish(daemon)


def test_the_next_segment_is_made_ready_by_the_daemon(bench, server, wait_for):
    body = "for i in range(700):\n    session.log_event('n', {'text': 'x' * 1000})\nsys.stdin.readline()\n"
    process, daemon = bench.run(server.url, body)
    folder = bench.folder_of(process)
    wait_for(lambda: list(folder.glob("*/*.00000001.segment")), "the next segment")
    process.stdin.close()
    process.wait()
    bench.finish(daemon)
    assert len(server.records("event")) == 700


@pytest.mark.parametrize("writers", [1, 2])
def test_a_clock_that_was_set_back_does_not_have_all_that_waits_read_at_once(session, writers):
    now = int(time.time() * 1e6)
    later = now + 3_600_000_000
    others = [SegmentWriter(str(session.folder), f"1-{number}") for number in range(1, 1 + writers)]
    for other in others:
        other.append(EVENT, 0, later, b"{}")
        for number in range(40_000):
            other.append(EVENT, 0, now - 40_000 + number, b"{}")
    outbox = Outbox(session.folder, session.log)
    outbox.fill(now)
    outbox.fill(now)
    assert not outbox.empty
    assert outbox.next_batch() is not None
    for _ in range(10):
        outbox.fill(now)
    assert len(outbox._queue) + len(outbox._merger) < 25_000
    outbox.close()


def test_of_a_session_s_refused_records_a_thousand_are_kept_and_none_is_remembered_for_ever(session):
    session.write(1500)
    session.server.refuses = lambda record: record["ordinal"] >= 100
    session.ship_all()
    assert session.numbers() == list(range(100))
    assert len(session.rejected()) == 1000
    assert "no more are kept: not liked" in (session.folder.parent / "daemon.log").read_text()
    assert not session.shipment._outbox._aside
