"""A writer that is killed at any step whatsoever leaves exactly the records that were committed."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from datacat.segment import EVENT, HEADER_SIZE, RECORD_OVERHEAD, SegmentWriter, segment_name
from datacat_daemon.spool.reader import WriterReader, writers_in
from hypothesis import given, settings
from hypothesis import strategies as st
from support.child_coverage import UNCOVERED

SOURCE = str(Path(__file__).parents[1] / "src")
SIZE = 2048
BYTES = st.binary(min_size=1, max_size=150)

# Every line that the recorder executes is a step. One child is killed at each of them; it counts, in memory shared with
# this program, the calls that have returned. Segments hold two records, so most calls begin a new one.
KILLED_AT_EVERY_STEP = """
import json, mmap, os, signal, struct, sys
from datacat.recorder import Recorder
from datacat.segment import HEADER_SIZE, PREPARED, RECORD_OVERHEAD, make_segment

RECORDS, PAYLOAD = 6, b'{"n":%d}'
SIZE = HEADER_SIZE + 2 * (RECORD_OVERHEAD + len(PAYLOAD % 0))
returned = mmap.mmap(-1, 8)
own = [sys.modules["datacat." + name].__file__ for name in ("recorder", "segment", "_compat")]

def live(folder, last, prepared):
    steps = [0]
    def trace(frame, what, argument):
        if frame.f_code.co_filename not in own:
            return None
        if what == "line":
            steps[0] += 1
            if steps[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    recorder = Recorder(folder, segment_size=SIZE)
    for number in range(RECORDS):
        recorder.write(1, 0, PAYLOAD % number)
        struct.pack_into("=Q", returned, 0, number + 1)
        if prepared:  # as a daemon does
            writer = recorder.writers[0]
            sys.settrace(None)
            make_segment(folder, writer.name, writer._sequence + 1, PREPARED, SIZE)
            sys.settrace(trace)
    os._exit(0)

lives = []
for prepared in (False, True):
    last, status = 0, None
    while status != 0:
        last += 1
        folder = os.path.join(sys.argv[1], "%d-%d" % (prepared, last))
        os.mkdir(folder)
        struct.pack_into("=Q", returned, 0, 0)
        child = os.fork()
        if child == 0:
            live(folder, last, prepared)
        status = os.waitpid(child, 0)[1]
        assert status in (0, signal.SIGKILL), status
        lives.append((folder, struct.unpack_from("=Q", returned, 0)[0]))
print(json.dumps(lives))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_killed_at_every_step_a_writer_leaves_what_it_had_committed(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EVERY_STEP, str(tmp_path)],
        env={**os.environ, **UNCOVERED, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        check=True,
    )
    lives = json.loads(answer.stdout)
    assert len(lives) > 200
    for folder, returned in lives:
        found = [
            json.loads(record.payload)["n"]
            for writer in writers_in(Path(folder))
            for record in WriterReader(Path(folder), writer).read(100)
        ]
        assert found == list(range(len(found)))
        assert returned <= len(found) <= returned + 1, folder


def a_segment(payloads):
    """The image of a segment before its last record, and where and how that record is written."""
    with tempfile.TemporaryDirectory() as folder:
        writer = SegmentWriter(folder, "1-0", SIZE)
        for payload in payloads[:-1]:
            writer.append(EVENT, 0, 1000, payload)
        before, offset = bytes(writer.page[:]), writer.offset
        writer.append(EVENT, 0, 1000, payloads[-1])
        return before, offset, bytes(writer.page[offset : writer.offset])


def read_image(image):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, segment_name("1-0", 0)).write_bytes(image)
        return [record.payload for record in WriterReader(Path(folder), "1-0").read(1000)]


@given(payloads=st.lists(BYTES, min_size=1, max_size=8), data=st.data())
@settings(max_examples=100)
def test_a_record_of_which_only_the_first_bytes_were_stored_is_not_there(payloads, data):
    before, offset, record = a_segment(payloads)
    stored = data.draw(st.integers(0, len(record)))
    image = before[:offset] + record[:stored] + before[offset + stored :]
    # What was not stored may have been zero anyway.
    whole = image[offset : offset + len(record)] == record
    assert read_image(image) == payloads[: len(payloads) - (not whole)]


@given(payloads=st.lists(BYTES, min_size=1, max_size=4), data=st.data())
@settings(max_examples=100)
def test_whichever_bytes_of_a_record_another_processor_sees_first_it_is_whole_or_not_there(payloads, data):
    before, offset, record = a_segment(payloads)
    seen = data.draw(st.lists(st.booleans(), min_size=len(record), max_size=len(record)))
    bytes_seen = bytes(byte if there else 0 for byte, there in zip(record, seen))
    image = before[:offset] + bytes_seen + before[offset + len(record) :]
    assert read_image(image) == payloads[: len(payloads) - (bytes_seen != record)]


def test_the_sizes_that_these_tests_rely_on():
    assert 8 * (RECORD_OVERHEAD + 150) + HEADER_SIZE < SIZE
