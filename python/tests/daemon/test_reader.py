"""A reader finds exactly what was committed, whatever became of the files."""

import random
import tempfile
from pathlib import Path

import pytest
from datacat.segment import (
    EVENT,
    HEADER_SIZE,
    PREPARED,
    RECORD_OVERHEAD,
    SegmentWriter,
    make_segment,
    segment_name,
)
from datacat_daemon.shipping.merge import Merger
from datacat_daemon.spool.reader import Record, WriterReader, writers_in
from hypothesis import given, settings
from hypothesis import strategies as st

SIZE = 1024
PAYLOADS = st.lists(st.integers(0, 300).map(lambda n: b'{"x":"' + b"y" * n + b'"}'), min_size=1, max_size=40)


def write(folder, payloads, writer=None):
    """Commit payloads; returns, per segment, [(offset behind the record, ordinal)]."""
    writer = writer or SegmentWriter(str(folder), "1-0", SIZE)
    ends = {}
    for payload in payloads:
        writer.append(EVENT, 0, 1000 + writer.ordinal, payload)
        ends.setdefault(writer._sequence, []).append((writer.offset, writer.ordinal - 1))
    return ends


def read_all(folder, limit=1000, over=False, **options):
    """Everything there is to read, by as many calls as bring something."""
    reader = WriterReader(folder, "1-0", **options)
    found = []
    while records := reader.read(limit, over=over):
        found += records
    reader.close()
    return found


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@given(payloads=PAYLOADS, limit=st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_what_was_written_is_read_in_order_across_segments(payloads, limit):
    with tempfile.TemporaryDirectory() as name:
        write(name, payloads)
        found = read_all(Path(name), limit)
        assert [record.payload for record in found] == payloads
        assert [record.ordinal for record in found] == list(range(len(payloads)))
        assert [record.time for record in found] == [1000 + i for i in range(len(payloads))]


@given(payloads=PAYLOADS, at=st.integers(0, 45))
@settings(max_examples=40, deadline=None)
def test_reading_goes_on_at_any_ordinal(payloads, at):
    with tempfile.TemporaryDirectory() as name:
        write(name, payloads)
        assert [record.payload for record in read_all(Path(name), at=at)] == payloads[at:]


@given(payloads=PAYLOADS, cut=st.integers(0, SIZE), zeros=st.booleans())
@settings(max_examples=80, deadline=None)
def test_any_prefix_of_the_last_segment_yields_what_is_whole_in_it(payloads, cut, zeros):
    with tempfile.TemporaryDirectory() as name:
        ends = write(name, payloads)
        last = max(ends)
        path = Path(name, segment_name("1-0", last))
        content = path.read_bytes()
        path.write_bytes(content[:cut].ljust(SIZE if zeros else 0, b"\0"))
        before = [ordinal for sequence in ends if sequence != last for _, ordinal in ends[sequence]]
        # The padding behind a record is not part of it.
        sizes = {ordinal: RECORD_OVERHEAD + len(payloads[ordinal]) for _, ordinal in ends[last]}
        begins = [HEADER_SIZE] + [end for end, _ in ends[last]]
        whole = [o for begin, (_, o) in zip(begins, ends[last]) if cut >= begin + sizes[o] and cut >= HEADER_SIZE]
        assert [record.ordinal for record in read_all(Path(name))] == before + whole


@given(payloads=PAYLOADS, data=st.data())
@settings(max_examples=120, deadline=None)
def test_a_flipped_bit_never_yields_a_record_that_was_not_written(payloads, data):
    with tempfile.TemporaryDirectory() as name:
        ends = write(name, payloads)
        sequence = data.draw(st.sampled_from(sorted(ends)))
        used = ends[sequence][-1][0]
        at = data.draw(st.integers(0, min(used, SIZE - 1)))
        path = Path(name, segment_name("1-0", sequence))
        content = bytearray(path.read_bytes())
        content[at] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        found = read_all(Path(name))
        assert all(record.payload == payloads[record.ordinal] for record in found)
        ordinals = [record.ordinal for record in found]
        assert ordinals == sorted(set(ordinals))
        untouched = [o for s in ends for end, o in ends[s] if s != sequence or (HEADER_SIZE + 16 <= end <= at)]
        assert set(untouched) <= set(ordinals)


@given(payloads=PAYLOADS, limit=st.integers(1, 50), data=st.data())
@settings(max_examples=120, deadline=None)
def test_a_damaged_record_costs_itself_alone_once_its_writer_is_gone(payloads, limit, data):
    with tempfile.TemporaryDirectory() as name:
        ends = write(name, payloads)
        sequence = data.draw(st.sampled_from(sorted(ends)))
        which = data.draw(st.integers(0, len(ends[sequence]) - 1))
        begin = ends[sequence][which - 1][0] if which else HEADER_SIZE
        end, ordinal = ends[sequence][which]
        at = data.draw(st.integers(begin, end - 1))
        spoil(Path(name, segment_name("1-0", sequence)), at, data.draw(st.integers(1, 255)))
        found = read_all(Path(name), limit, over=True)
        everything = [(number, payload) for number, payload in enumerate(payloads) if number != ordinal]
        assert [(record.ordinal, record.payload) for record in found] == everything


@given(payloads=PAYLOADS, data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_damaged_head_of_a_segment_costs_nothing_once_its_writer_is_gone(payloads, data):
    with tempfile.TemporaryDirectory() as name:
        sequence = data.draw(st.sampled_from(sorted(write(name, payloads))))
        at = data.draw(st.integers(0, 31))
        spoil(Path(name, segment_name("1-0", sequence)), at, data.draw(st.integers(1, 255)))
        found = read_all(Path(name), over=True)
        assert [(record.ordinal, record.payload) for record in found] == list(enumerate(payloads))


def test_a_damaged_head_costs_nothing_either_where_all_before_it_was_settled(folder):
    ends = write(folder, [b'{"n":%d}' % number for number in range(60)])
    first = ends[1][0][1]
    (folder / segment_name("1-0", 0)).unlink()
    spoil(folder / segment_name("1-0", 1), 8, 255)
    found = read_all(folder, over=True, at=first)
    assert [(record.ordinal, record.payload) for record in found] == [(n, b'{"n":%d}' % n) for n in range(first, 60)]


def test_of_a_page_that_never_reached_the_disk_the_records_are_missing_and_no_others(folder):
    (ends,) = write(folder, [b'{"n":%d}' % number for number in range(30)]).values()
    path = folder / segment_name("1-0", 0)
    content = path.read_bytes()
    begin, end = ends[9][0], ends[19][0]
    path.write_bytes(content[:begin] + bytes(end - begin) + content[end:])
    assert [record.ordinal for record in read_all(folder)] == list(range(10))
    found = read_all(folder, over=True)
    assert [record.payload for record in found] == [b'{"n":%d}' % n for n in (*range(10), *range(20, 30))]
    assert [record.ordinal for record in found] == [*range(10), *range(11, 21)]  # one at least is missing


def spoil(path, at, mask):
    """Change a byte of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= mask
    path.write_bytes(content)


@given(payloads=PAYLOADS, seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_noise_in_place_of_a_segment_stops_nobody_else(payloads, seed):
    with tempfile.TemporaryDirectory() as name:
        ends = write(name, payloads)
        noise = random.Random(seed)
        path = Path(name, segment_name("1-0", noise.choice(sorted(ends))))
        path.write_bytes(path.read_bytes()[: noise.choice([0, HEADER_SIZE])] + noise.randbytes(SIZE))
        found = read_all(Path(name))
        assert all(record.payload == payloads[record.ordinal] for record in found)


def test_records_appear_as_they_are_committed(folder):
    writer = SegmentWriter(str(folder), "1-0", SIZE)
    reader = WriterReader(folder, "1-0")
    for number in range(100):
        assert reader.read(10) == []
        write(folder, [b'{"n":%d}' % number], writer)
        assert [record.payload for record in reader.read(10)] == [b'{"n":%d}' % number]
    sequences = [sequence for sequence, _ in reader.finished]
    assert sequences == list(range(len(sequences)))
    assert all(following <= 100 for _, following in reader.finished)
    reader.close()


def test_a_reader_that_let_go_of_its_file_goes_on_where_it_was(folder):
    writer = SegmentWriter(str(folder), "1-0", SIZE)
    reader = WriterReader(folder, "1-0")
    seen = []
    for number in range(60):
        write(folder, [b'{"n":%d}' % number], writer)
        seen += reader.read(10)
        if number % 3:
            reader.close()
    assert [record.ordinal for record in seen] == list(range(60))
    reader.close()


def test_a_gap_of_damage_is_passed_only_when_a_later_segment_has_begun(folder):
    writer = SegmentWriter(str(folder), "1-0", SIZE)
    write(folder, [b'{"n":1}'] * 3, writer)
    path = folder / segment_name("1-0", 0)
    content = bytearray(path.read_bytes())
    content[HEADER_SIZE + 40] ^= 1  # in the second record
    path.write_bytes(content)
    make_segment(str(folder), "1-0", 1, PREPARED, SIZE)
    reader = WriterReader(folder, "1-0")
    assert [record.ordinal for record in reader.read(10)] == [0]
    assert reader.read(10) == []
    reader.close()


@pytest.mark.parametrize("before", [True, False])
def test_a_segment_made_ready_is_taken_up_in_its_turn(folder, before):
    writer = SegmentWriter(str(folder), "1-0", SIZE)
    payload = b'{"x":"%s"}' % (b"y" * 200)
    write(folder, [payload] * 4, writer)
    make_segment(str(folder), "1-0", 1, PREPARED, SIZE)
    reader = WriterReader(folder, "1-0")
    if before:
        assert len(reader.read(10)) == 4
    write(folder, [payload] * 4, writer)
    assert len(reader.read(10)) == (4 if before else 8)
    assert reader.next == 8
    reader.close()


def test_a_segment_made_ready_and_never_begun_has_no_records(folder):
    make_segment(str(folder), "1-0", 3, PREPARED, SIZE)
    assert read_all(folder) == []


def test_only_the_newest_segments_are_read_when_asked(folder):
    ends = write(folder, [b'{"x":"%s"}' % (b"y" * 300)] * 9)
    found = read_all(folder, newest=1)
    assert [record.ordinal for record in found] == [ordinal for _, ordinal in ends[max(ends)]]


def test_other_files_are_no_writers(folder):
    write(folder, [b"{}"])
    for name in ("control", ".1-0.00000001.segment.12.making", "x.segment", "1-0.12.segment", ".00000001.segment"):
        (folder / name).touch()
    assert writers_in(folder) == {"1-0": [0]}
    assert writers_in(folder / "none") == {}
    assert read_all(folder / "none") == []


def record(writer, ordinal, time):
    return Record(writer, ordinal, time, EVENT, 0, b"{}")


def by_writer(records):
    writers = sorted({record.writer for record in records})
    return [[record for record in records if record.writer == writer] for writer in writers]


def test_merging_waits_for_what_may_still_come_before():
    merger = Merger()
    young = record("a", 0, 120)
    assert merger.merge([[young]], horizon=100) == []
    assert merger.merge([[record("b", 0, 110)]], horizon=200) == [record("b", 0, 110), young]
    assert len(merger) == 0


def test_merging_keeps_a_writer_s_own_order_though_the_clock_goes_back():
    merger = Merger()
    records = [record("a", 0, 500), record("a", 1, 100), record("a", 2, 101)]
    assert merger.merge([records, [record("b", 0, 300)]], horizon=1000) == [record("b", 0, 300), *records]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 2)), max_size=60), st.data())
@settings(max_examples=60, deadline=None)
def test_merging_passes_on_everything_once_and_each_writer_in_order(moves, data):
    merger = Merger()
    counts = [0, 0, 0]
    fresh, out = [], []
    for time, writer in moves:
        fresh.append(record(str(writer), counts[writer], time))
        counts[writer] += 1
        if data.draw(st.booleans()):
            out += merger.merge(by_writer(fresh), data.draw(st.integers(0, 50)))
            fresh = []
    out += merger.merge(by_writer(fresh), 0)
    out += merger.merge([], 0)
    for writer in range(3):
        assert [r.ordinal for r in out if r.writer == str(writer)] == list(range(counts[writer]))


def test_a_clock_that_was_set_back_does_not_have_all_that_waits_held():
    """What counts is the rank of what was read last, which is that of the one record from the future."""
    merger = Merger()
    first = [record("a", 0, 5000), record("a", 1, 100)]
    other = [record("b", 0, 90), record("b", 1, 120)]
    assert merger.merge([first, other], horizon=1000, unfinished={"a"}) == other
    assert len(merger) == 2 and merger.held_bytes() == 4
    assert merger.let_go() == first
    assert len(merger) == 0
