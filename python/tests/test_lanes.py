"""The fast lanes record exactly what the general way records."""

import json
import os
import subprocess
import sys

import pytest
from datacat import Session, encode
from datacat.control import BEATS, FIELD
from datacat.lanes import lanes
from datacat.recorder import Recorder
from datacat.segment import SEGMENT_SIZE
from datacat_daemon.spool.reader import WriterReader, writers_in
from hypothesis import given
from hypothesis import strategies as st
from support.spools import environment

text = st.text(alphabet=st.characters(), max_size=12)
numbers = st.none() | st.booleans() | st.integers() | st.floats()
values = st.recursive(
    numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
names = st.text(alphabet=st.characters(), max_size=20) | st.sampled_from(["moved", "n", ""])
dicts = st.dictionaries(text, values, max_size=3)
calls = st.one_of(
    st.tuples(st.just("log_event"), st.tuples(names, dicts)),
    st.tuples(st.just("update_state"), st.tuples(dicts)),
    st.tuples(st.sampled_from(["log_gauge", "log_histogram"]), st.tuples(names, numbers | text)),
    st.tuples(st.sampled_from(["log_gauge", "log_histogram"]), st.tuples(names, numbers, st.none() | text)),
    st.tuples(st.just("log_gauge"), st.tuples(names, numbers, st.none() | text, st.lists(text, max_size=2))),
    st.tuples(st.just("log_counter"), st.tuples(names, numbers)),
    st.tuples(st.just("log_counter"), st.tuples(names)),
)


class Sink:
    """Where a session of a test writes: into a recorder, with the lanes or without."""

    def __init__(self, folder, with_lanes, segment_size):
        self.recorder = Recorder(str(folder), segment_size=segment_size)
        self.general = 0
        self._lanes = with_lanes

    def write(self, *arguments):
        self.general += 1
        return self.recorder.write(*arguments)

    def lanes(self, session):
        return lanes(self.recorder, session) if self._lanes else {}

    def end(self, kind):
        """The interpreter finishes."""


def session(folder, with_lanes=True, segment_size=4096):
    folder.mkdir()
    return Session("id", None, Sink(folder, with_lanes, segment_size))


def records(folder):
    """Every record of a session's folder, the oldest first: (kind, flags, payload)."""
    found = [record for writer in writers_in(folder) for record in WriterReader(folder, writer).read(10**9)]
    return [(record.kind, record.flags, json.loads(record.payload)) for record in found]


@given(calls=st.lists(calls, max_size=6))
def test_they_record_what_the_general_way_records(tmp_path_factory, calls):
    folder = tmp_path_factory.mktemp("session")
    fast, general = session(folder / "fast"), session(folder / "general", with_lanes=False)
    for method, arguments in calls:
        for _ in range(2):  # the first of a name goes the general way, and is remembered
            getattr(fast, method)(*arguments)
            getattr(general, method)(*arguments)
    assert records(folder / "fast") == records(folder / "general")


@pytest.mark.parametrize(
    "call",
    [
        lambda session, n: session.log_event("moved", {"x": n, "y": 2}),
        lambda session, n: session.log_event("moved", {"at": {"x": n, "y": [1, 2]}, "who": "cat"}),
        lambda session, n: session.update_state({"level": n}),
        lambda session, n: session.log_gauge("fps", n / 7),
        lambda session, n: session.log_gauge("fps", n / 7, "Hz"),
        lambda session, n: session.log_gauge("fps", value=n / 7, unit="Hz"),
        lambda session, n: session.log_histogram("load", n / 7, unit="ms"),
        lambda session, n: session.log_counter("shots"),
        lambda session, n: session.log_counter("shots", n),
    ],
)
def test_small_records_take_them(tmp_path, call):
    fast, general = session(tmp_path / "fast"), session(tmp_path / "general", with_lanes=False)
    for number in range(500):
        call(fast, number)
        call(general, number)
    assert records(tmp_path / "fast") == records(tmp_path / "general")
    assert fast.sink.general < 20  # the first, and those that begin a segment
    assert general.sink.general == 500


def test_records_of_one_writer_are_in_the_order_of_their_times(tmp_path):
    fast = session(tmp_path / "fast")
    for number in range(500):
        fast.log_event("moved", {"x": number})
    (writer,) = writers_in(tmp_path / "fast")
    times = [record.time for record in WriterReader(tmp_path / "fast", writer).read(1000)]
    assert times == sorted(times)


def test_names_without_end_are_not_all_remembered(tmp_path):
    fast = session(tmp_path / "fast")
    for number in range(3000):
        for _ in range(2):
            fast.log_event(f"name {number}", {"x": 1})
            fast.log_gauge(f"name {number}", 1.0)
    assert fast.sink.general > 6000 + 3000


@pytest.mark.parametrize("call", ["log_event", "log_gauge", "log_counter", "log_histogram", "update_state"])
def test_called_wrongly_they_say_so_as_the_method_does(tmp_path, call):
    fast = session(tmp_path / "fast")
    for arguments in ((), range(12)):
        with pytest.raises(TypeError):
            getattr(fast, call)(*arguments)
    assert getattr(fast, call).__doc__ == getattr(Session, call).__doc__


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_heartbeat_of_a_forked_child_is_not_its_parents(tmp_path):
    fast = session(tmp_path / "fast")
    page = tmp_path / "fast" / "control"
    fast.heartbeat()
    (before,) = FIELD.unpack_from(page.read_bytes(), BEATS)
    if os.fork() == 0:
        for _ in range(10):
            fast.heartbeat()
        os._exit(0)
    os.wait()
    assert before and FIELD.unpack_from(page.read_bytes(), BEATS) == (before,)
    fast.heartbeat()
    assert FIELD.unpack_from(page.read_bytes(), BEATS) != (before,)


@pytest.mark.parametrize("mode", ["stdlib", "fastest"])
def test_what_a_subclass_or_a_double_says_is_done(tmp_path, mode):
    code = """
from unittest import mock
import datacat
class Mine(datacat.Session):
    def log_event(self, *arguments, **more):
        print("mine", *arguments)
    def heartbeat(self):
        print("my beat")
session = datacat.create_session()
mine = Mine(session.session_id, session.client, session.sink)
mine.log_event("a", {"x": 1})
mine.heartbeat()
with mock.patch.object(datacat.Session, "log_event") as double:
    datacat.create_session().log_event("b", {"x": 1})
print(double.call_count)
"""
    own = environment(tmp_path / "spool", DATACAT_JSON=mode)
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["mine a {'x': 1}", "my beat", "1"], done.stderr


def test_where_python_lacks_what_they_need_the_general_way_is_taken(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "register_at_fork")
    assert session(tmp_path / "fast").log_event.__func__ is Session.log_event


HUGE = 50_000_000
WHAT_IS_HUGE = [
    lambda: "x" * HUGE,
    lambda: b"\xff" * HUGE,
    lambda: bytearray(HUGE),
    lambda: ["x" * (HUGE // 100)] * 100,
    lambda: {"deep": [{"er": "\u00e9" * HUGE}]},
    lambda: [1] * HUGE,
]


@pytest.mark.parametrize("make", WHAT_IS_HUGE)
def test_what_is_huge_is_cut_without_a_copy_of_it(make):
    tracemalloc = pytest.importorskip("tracemalloc")
    huge = make()
    tracemalloc.start()
    try:
        encoded = encode.encode({"name": "n", "data": {"huge": huge}})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000  # bytes: some times what a record may have
    assert len(encoded) <= 1 << 18
    assert b"[cut: " in encoded or b"<cut: " in encoded or b"was cut" in encoded


def test_a_huge_text_is_marked_with_its_size_and_the_rest_is_kept(tmp_path):
    fast = session(tmp_path / "fast", segment_size=SEGMENT_SIZE)
    for _ in range(2):
        fast.log_event("saved", {"text": "x" * HUGE, "slot": 3})
    fast.update_state({"text": "x" * HUGE, "slot": 3})
    (_, _, first), (_, _, second), (_, _, patch) = records(tmp_path / "fast")
    assert first == second
    for fields in (first["data"], patch["state"]):
        assert fields["slot"] == 3
        assert fields["text"] == "x" * (64 << 10) + "... [cut: 50000000 characters in all]"


@pytest.mark.parametrize("mode", ["stdlib", "fastest"])
def test_numbers_look_the_same_whatever_the_keys_are_and_whoever_wrote_them_before(tmp_path, mode):
    code = """
import json, sys
from datacat.encode import dumps_dict
for fields in [{"x": 1, "y%": 2.5}, {"a\\"\\\\": -1e300, "\\u00e9": 2**62}, {"x": 1}, {"x": 1.0},
               {"x": True}, {"x": None}]:
    for _ in range(3):
        assert json.dumps(json.loads(dumps_dict(fields))) == json.dumps(fields), fields
for _ in range(3):
    assert json.loads(dumps_dict({"y": 1, "x": 2})) == {"x": 2, "y": 1}
    assert json.loads(dumps_dict({})) == {}
    for broken in (float("nan"), float("inf"), -float("inf")):
        try:
            assert b"null" in dumps_dict({"x": broken})
        except (TypeError, ValueError):
            pass
"""
    own = environment(tmp_path / "spool", DATACAT_JSON=mode)
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
