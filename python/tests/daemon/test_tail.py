"""What was said last is read from the end, and the next segment is made when the one before is half full."""

import json

import pytest
from datacat.segment import EVENT, METRIC, PREPARED, URGENT, SegmentWriter, make_segment, segment_name
from datacat_daemon.spool.prepare import SegmentPreparer
from datacat_daemon.spool.reader import writers_in
from datacat_daemon.spool.tail import last_words


def event(writer, number, time, flags=0):
    writer.append(EVENT, flags, time, json.dumps({"name": "n", "data": {"i": number, "text": "x" * 40}}).encode())


def numbers(words):
    return [json.loads(record.payload)["data"]["i"] for record in words.events]


def test_the_last_events_of_all_writers_are_found_in_the_order_of_time(tmp_path):
    writers = [SegmentWriter(str(tmp_path), f"1-{n}", 4096) for n in range(2)]
    for number in range(300):
        event(writers[number % 3 == 0], number, 1000 + number)
        writers[0].append(METRIC, 0, 5000 + number, b'{"name":"fps","value":1}')
    words = last_words(tmp_path, writers_in(tmp_path), 5)
    assert numbers(words) == [295, 296, 297, 298, 299]
    assert words.time == 5299
    assert words.urgent is None


def test_the_last_urgent_event_is_found_though_others_came_after_it(tmp_path):
    writer = SegmentWriter(str(tmp_path), "1-0", 4096)
    for number in range(80):
        event(writer, number, number, URGENT if number in (5, 50) else 0)
    words = last_words(tmp_path, writers_in(tmp_path), 5)
    assert json.loads(words.urgent.payload)["data"]["i"] == 50
    assert words.urgent.ordinal == 50


def test_a_torn_record_and_a_segment_made_ready_are_passed_over(tmp_path):
    writer = SegmentWriter(str(tmp_path), "1-0", 4096)
    for number in range(3):
        event(writer, number, number)
    writer.page[writer.offset - 1] ^= 1
    make_segment(str(tmp_path), "1-0", 1, PREPARED, 4096)
    assert numbers(last_words(tmp_path, writers_in(tmp_path), 5)) == [0, 1]


def test_where_nothing_was_said_there_are_no_last_words(tmp_path):
    assert last_words(tmp_path, writers_in(tmp_path), 5) == ([], None, 0)
    assert last_words(tmp_path, {"1-0": [0]}, 5) == ([], None, 0)


def test_the_next_segment_is_made_when_the_newest_is_half_full(tmp_path):
    writer = SegmentWriter(str(tmp_path), "1-0", 4096)
    preparer = SegmentPreparer(tmp_path, "1-0", 0, 512 << 20)
    made = []
    while len(writers_in(tmp_path)["1-0"]) < 4:
        event(writer, 0, 1)
        preparer.look()
        made.append((len(writers_in(tmp_path)["1-0"]), writer.offset))
    assert all(offset > 2048 for (before, _), (after, offset) in zip(made, made[1:]) if after > before)
    preparer.close()
    (tmp_path / segment_name("1-0", 3)).unlink()
    with pytest.raises(FileNotFoundError):
        preparer.look()


def test_no_segment_is_made_where_the_writer_has_gone_on_and_was_shipped_meanwhile(tmp_path):
    writer = SegmentWriter(str(tmp_path), "1-0", 4096)
    preparer = SegmentPreparer(tmp_path, "1-0", 0, 512 << 20)
    preparer.look()
    while len(writers_in(tmp_path)["1-0"]) < 3:
        event(writer, 0, 1)
    for sequence in (0, 1):
        (tmp_path / segment_name("1-0", sequence)).unlink()
    with pytest.raises(FileNotFoundError):
        preparer.look()
    preparer.close()
    assert writers_in(tmp_path) == {"1-0": [2]}
