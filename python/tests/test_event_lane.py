"""The fast lane of `log_event` records exactly what the general way records."""

import json
import os
import subprocess
import sys

import pytest
from datacat import encode
from datacat.event_lane import event_lane
from datacat.recorder import Recorder
from datacat.segment import EVENT
from datacat_daemon.spool.reader import WriterReader, writers_in
from hypothesis import given
from hypothesis import strategies as st
from support.spools import environment

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
names = st.text(alphabet=st.characters(), max_size=20) | st.sampled_from(["moved", "n", ""])


def newest(folder):
    records = [record for writer in writers_in(folder) for record in WriterReader(folder, writer).read(10**9)]
    return max(records, key=lambda record: record.ordinal), len(records)


@given(name=names, data=st.dictionaries(st.text(alphabet=st.characters(), max_size=6), values, max_size=3))
def test_it_records_what_the_general_way_records(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("session")
    recorder = Recorder(str(folder), segment_size=4096)
    general = []
    log_event = event_lane(recorder, lambda *arguments: general.append(arguments))
    log_event(name, data)  # the first of a name goes the general way, and is remembered
    log_event(name, data)
    expected = json.loads(encode.encode(encode.event_fields(name, data)))
    if len(general) == 1:
        record, count = newest(folder)
        assert count == 1
        assert (record.kind, record.flags) == (EVENT, 0)
        assert json.loads(record.payload) == expected
    else:
        assert general == [(name, data)] * 2


def test_small_events_take_it(tmp_path):
    recorder = Recorder(str(tmp_path), segment_size=4096)
    general = []

    def log(name, data):
        general.append(name)
        recorder.write(EVENT, 0, encode.encode({"name": name, "data": data}))

    log_event = event_lane(recorder, log)
    for number in range(500):
        log_event("moved", {"x": number, "y": 2})
    records = WriterReader(tmp_path, next(iter(writers_in(tmp_path)))).read(1000)
    assert [json.loads(record.payload) for record in records] == [
        {"name": "moved", "data": {"x": number, "y": 2}} for number in range(500)
    ]
    assert [record.time for record in records] == sorted(record.time for record in records)
    assert 1 < len(general) < 20  # the first, and those that begin a segment


def test_names_without_end_are_not_all_remembered(tmp_path):
    recorder = Recorder(str(tmp_path))
    general = []
    log_event = event_lane(recorder, lambda name, data: general.append(name))
    for number in range(3000):
        log_event(f"name {number}", {"x": 1})
        log_event(f"name {number}", {"x": 1})
    assert len(general) > 3000


@pytest.mark.parametrize("mode", ["stdlib", "fastest"])
def test_what_a_subclass_or_a_double_says_is_done(tmp_path, mode):
    code = """
from unittest import mock
import datacat
class Mine(datacat.Session):
    def log_event(self, *arguments, **more):
        print("mine", *arguments)
session = datacat.create_session()
Mine(session.session_id, session.client, session.sink).log_event("a", {"x": 1})
with mock.patch.object(datacat.Session, "log_event") as double:
    datacat.create_session().log_event("b", {"x": 1})
print(double.call_count)
"""
    own = environment(tmp_path / "spool", DATACAT_JSON=mode)
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["mine a {'x': 1}", "1"], done.stderr


def test_where_python_lacks_what_it_needs_the_general_way_is_taken(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "register_at_fork")
    general = object()
    assert event_lane(Recorder(str(tmp_path)), general) is general
