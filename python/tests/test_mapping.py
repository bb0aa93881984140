"""The next segment is mapped quickly: with its pages at hand, and without letting go of the interpreter's lock."""

import errno
import os
import sys
import threading
import time

import pytest
from datacat import mapping
from datacat.mapping import take_up
from datacat.recorder import Recorder
from datacat.segment import EVENT, PREPARED, SegmentWriter, make_segment
from datacat_daemon.spool.reader import WriterReader, writers_in

SIZE = 1 << 16

quick = pytest.mark.skipif(mapping._library is None, reason="Python's own ways are used on this system")


@pytest.fixture(params=["system calls", "Python's own ways"])
def way(request, monkeypatch):
    if request.param == "Python's own ways":
        monkeypatch.setattr(mapping, "_library", None)
    elif mapping._library is None:
        pytest.skip("Python's own ways are used on this system")


def new_file(path, size=SIZE):
    path.write_bytes(b"\0" * size)
    return str(path)


def test_what_is_stored_is_in_the_file_and_the_old_file_stays_as_it_was(tmp_path, way):
    first, second = new_file(tmp_path / "first"), new_file(tmp_path / "second")
    page = take_up(first, SIZE)
    page[100:103] = page[-3:] = b"one"
    page = take_up(second, SIZE, page)
    page[100:103] = b"two"
    assert (tmp_path / "first").read_bytes() == (b"\0" * 100 + b"one").ljust(SIZE - 3, b"\0") + b"one"
    assert (tmp_path / "second").read_bytes() == (b"\0" * 100 + b"two").ljust(SIZE, b"\0")


def test_a_file_that_is_missing_or_too_short_is_an_error(tmp_path, way):
    with pytest.raises(OSError) as caught:
        take_up(str(tmp_path / "missing"), SIZE)
    assert caught.value.errno == errno.ENOENT
    with pytest.raises(OSError):
        take_up(new_file(tmp_path / "short", 5000), SIZE)


def test_segments_that_the_daemon_made_ready_and_others_make_one_chain(tmp_path, way):
    recorder = Recorder(str(tmp_path), segment_size=4096)
    for number in range(600):
        recorder.write(EVENT, 0, b"%d" % number)
        (writer,) = recorder.writers
        if number % 200 == 0:  # every now and then it comes first
            make_segment(str(tmp_path), writer.name, writer._sequence + 1, PREPARED, 4096)
    (name,) = writers_in(tmp_path)
    assert [int(record.payload) for record in WriterReader(tmp_path, name).read(1000)] == list(range(600))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_segment_that_is_full_and_deleted_gives_its_room_back(tmp_path, way):
    writer = SegmentWriter(str(tmp_path), "1-0", 4096, take_up=take_up)
    for _ in range(3):
        writer._roll()
        for path in sorted(tmp_path.glob("*.segment"))[:-1]:
            path.unlink()
    with open("/proc/self/maps") as maps:
        mapped = [line for line in maps if str(tmp_path) in line]
    assert len(mapped) == 1 and "(deleted)" not in mapped[0]
    files = [
        os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")
    ]
    assert not [path for path in files if str(tmp_path) in path and "(deleted)" in path]


@quick
def test_a_segment_that_is_ready_is_taken_up_without_letting_go_of_the_interpreters_lock(tmp_path):
    writer = SegmentWriter(str(tmp_path), "1-0", SIZE, take_up=take_up)
    for sequence in range(1, 101):
        make_segment(str(tmp_path), "1-0", sequence, PREPARED, SIZE)
    turns = 0
    running = True

    def take_turns():
        nonlocal turns
        while running:
            turns += 1
            time.sleep(0)

    thread = threading.Thread(target=take_turns)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)  # from now on another thread runs only where this one lets go
    try:
        thread.start()
        others = 0
        for _ in range(100):
            time.sleep(0.0001)
            before = turns
            writer._roll()
            others += turns - before
    finally:
        running = False
        sys.setswitchinterval(interval)
        thread.join()
    assert turns > 10
    assert others == 0


@quick
def test_it_takes_the_place_of_the_one_before_which_need_not_be_unmapped_then(tmp_path):
    writer = SegmentWriter(str(tmp_path), "1-0", SIZE, take_up=take_up)
    make_segment(str(tmp_path), "1-0", 1, PREPARED, SIZE)
    page = writer.page
    for number in range(9999):
        writer.append(EVENT, 0, 1, b"%d" % number)
        if (tmp_path / "1-0.00000002.segment").exists():
            break
        if writer._sequence == 1:
            assert writer.page is page
    assert writer.page is not page  # nobody had made this one ready
    assert [int(record.payload) for record in WriterReader(tmp_path, "1-0").read(9999)] == list(range(number + 1))


@quick
def test_its_pages_are_at_hand(tmp_path):
    resource = pytest.importorskip("resource")
    page = take_up(make_segment(str(tmp_path), "1-0", 0, 0, 1 << 20), 1 << 20)
    content = b"x" * (1 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    page[0 : 1 << 20] = content
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 128  # it has 256 of them
