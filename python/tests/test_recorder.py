"""What a logging call returned from is in the segments, in order, whoever is interrupted, killed or forked."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from datacat.control import FIELD
from datacat.control import URGENT as URGENT_FIELD
from datacat.recorder import Recorder
from datacat.segment import EVENT, HEADER_SIZE, MAX_PAYLOAD, PREPARED, URGENT, SegmentWriter, make_segment
from datacat_daemon.spool.reader import WriterReader, writers_in
from support.child_coverage import UNCOVERED

SOURCE = str(Path(__file__).parents[1] / "src")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte; skips where this user may not mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs to mount a tmpfs")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def read_all(folder):
    """Every record of a session's folder, by writer."""
    return {writer: WriterReader(Path(folder), writer).read(10**9) for writer in writers_in(Path(folder))}


def numbers(folder):
    """The payloads {"n": number} of all writers, sorted."""
    return sorted(json.loads(record.payload)["n"] for records in read_all(folder).values() for record in records)


def payload(number):
    return b'{"n":%d}' % number


def test_records_are_read_back_in_order(tmp_path):
    recorder = Recorder(str(tmp_path))
    for number in range(1000):
        assert recorder.write(EVENT, 0, payload(number))
    (records,) = read_all(tmp_path).values()
    assert [json.loads(record.payload)["n"] for record in records] == list(range(1000))
    assert [record.ordinal for record in records] == list(range(1000))
    assert list(recorder.written().values()) == [1000]


def test_the_control_page_counts_the_records_that_cannot_wait(tmp_path):
    recorder = Recorder(str(tmp_path))
    for flags in (0, URGENT, 0, URGENT):
        recorder.write(EVENT, flags, payload(0))
    assert FIELD.unpack_from((tmp_path / "control").read_bytes(), URGENT_FIELD) == (2,)


def test_a_full_segment_is_followed_by_the_next(tmp_path):
    recorder = Recorder(str(tmp_path), segment_size=4096)
    for number in range(500):
        recorder.write(EVENT, 0, payload(number))
    assert numbers(tmp_path) == list(range(500))
    assert len(list(tmp_path.glob("*.segment"))) > 3
    assert not list(tmp_path.glob("*.making"))


@pytest.mark.parametrize("length", range(7, 48))
def test_records_of_every_length_up_to_the_very_end_of_a_segment(tmp_path, length):
    writer = SegmentWriter(str(tmp_path), "1-0", size=HEADER_SIZE + 200)
    body = b'{"n":1}'.ljust(length)
    for _ in range(20):
        writer.append(EVENT, 0, 1, body)
    assert [record.payload for record in WriterReader(tmp_path, "1-0").read(100)] == [body] * 20


def test_the_largest_payload_fits(tmp_path):
    recorder = Recorder(str(tmp_path))
    body = b'{"n":"%s"}' % (b"x" * (MAX_PAYLOAD - 8))
    for _ in range(9):
        assert recorder.write(EVENT, 0, body)
    (records,) = read_all(tmp_path).values()
    assert [record.payload for record in records] == [body] * 9


def test_a_prepared_segment_is_taken_up(tmp_path):
    writer = SegmentWriter(str(tmp_path), "1-0", size=HEADER_SIZE + 200)
    make_segment(str(tmp_path), "1-0", 1, PREPARED, HEADER_SIZE + 200)
    for number in range(20):
        writer.append(EVENT, 0, 1, payload(number))
    assert numbers(tmp_path) == list(range(20))


def test_threads_lose_nothing_and_each_keeps_its_order(tmp_path):
    recorder = Recorder(str(tmp_path), segment_size=1 << 16)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:

        def log(thread):
            for number in range(3000):
                recorder.write(EVENT, 0, payload(thread * 100000 + number))

        threads = [threading.Thread(target=log, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert numbers(tmp_path) == [thread * 100000 + number for thread in range(4) for number in range(3000)]
    for records in read_all(tmp_path).values():
        of_writer = [json.loads(record.payload)["n"] for record in records]
        for thread in range(4):
            of_thread = [number for number in of_writer if number // 100000 == thread]
            assert of_thread == sorted(of_thread)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer on this system")
def test_a_signal_handler_may_log_in_the_middle_of_a_logging_call(tmp_path):
    code = """
        import itertools, signal, sys
        from datacat.recorder import Recorder
        recorder = Recorder(sys.argv[1])
        count = itertools.count()
        handled = [0]
        depth = [0]
        def handler(number, frame):  # may itself be interrupted by the next signal, but not without end
            depth[0] += 1
            if depth[0] < 20:
                signal.setitimer(signal.ITIMER_REAL, 0.0002)
            recorder.write(1, 0, b'{"n":%d}' % (1000000 + next(count)))
            handled[0] += 1
            depth[0] -= 1
            signal.setitimer(signal.ITIMER_REAL, 0.0002)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.0002)
        number = 0
        while handled[0] < 300 or number < 5000:
            recorder.write(1, 0, b'{"n":%d}' % number)
            number += 1
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        print(number, next(count))
    """
    number, handled = map(int, run(code, tmp_path).split())
    assert numbers(tmp_path) == list(range(number)) + [1000000 + n for n in range(handled)]


def test_a_finalizer_may_log_in_the_middle_of_a_logging_call(tmp_path):
    code = """
        import gc, sys
        from datacat.recorder import Recorder
        recorder = Recorder(sys.argv[1])
        gc.set_threshold(1)
        count = [0]
        class Noisy(object):
            def __del__(self):
                recorder.write(1, 0, b'{"n":%d}' % (1000000 + count[0]))
                count[0] += 1
        for number in range(2000):
            noisy = Noisy()
            noisy.me = noisy
            del noisy
            recorder.write(1, 0, b'{"n":%d}' % number)
        gc.collect()
        print(count[0])
    """
    count = int(run(code, tmp_path))
    assert count == 2000
    assert numbers(tmp_path) == list(range(2000)) + [1000000 + n for n in range(count)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_is_a_writer_of_its_own(tmp_path, monkeypatch):
    for name in UNCOVERED:  # its lock may be held by the other thread at the fork
        monkeypatch.setenv(name, "")
    code = """
        import os, sys, threading
        from datacat.recorder import Recorder
        recorder = Recorder(sys.argv[1])
        running = [True]
        written = [0]
        def log():
            while running[0]:
                recorder.write(1, 0, b'{"n":%d}' % written[0])
                written[0] += 1
        thread = threading.Thread(target=log)
        thread.start()
        for child in range(5):
            pid = os.fork()
            if pid == 0:
                for number in range(100):
                    recorder.write(1, 0, b'{"n":%d}' % (1000000 * (child + 1) + number))
                os._exit(0)
            os.waitpid(pid, 0)
        running[0] = False
        thread.join()
        print(written[0])
    """
    written = int(run(code, tmp_path))
    expected = list(range(written)) + [1000000 * (child + 1) + n for child in range(5) for n in range(100)]
    assert numbers(tmp_path) == sorted(expected)
    assert len({writer.split("-")[0] for writer in writers_in(tmp_path)}) == 6


def test_what_was_logged_before_a_sigkill_is_there(tmp_path):
    code = """
        import os, signal, sys
        from datacat.recorder import Recorder
        recorder = Recorder(sys.argv[1])
        for number in range(20000):
            recorder.write(1, 0, b'{"n":%d}' % number)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    run(code, tmp_path, status=-signal.SIGKILL)
    assert numbers(tmp_path) == list(range(20000))


def test_killed_at_any_moment_what_is_there_is_whole_and_in_order(tmp_path):
    code = """
        import sys
        from datacat.recorder import Recorder
        recorder = Recorder(sys.argv[1], segment_size=1 << 14)
        sys.stdout.write("ready\\n"); sys.stdout.flush()
        number = 0
        while True:
            recorder.write(1, 0, b'{"n":%d}' % number)
            number += 1
    """
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        process = start(code, folder)
        process.stdout.readline()
        time.sleep(0.003 * attempt)
        process.kill()
        process.wait()
        process.stdout.close()
        found = numbers(folder)
        assert found == list(range(len(found)))


def test_a_call_that_ctrl_c_breaks_off_harms_no_later_one(tmp_path):
    code = """
        import os, signal, sys
        from datacat.recorder import Recorder
        recorder = Recorder(sys.argv[1], segment_size=1 << 14)
        signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
        def interrupt(number, frame):  # only in the middle of the call, which is what this is about
            if frame.f_code.co_filename.endswith(("recorder.py", "segment.py")):
                raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, interrupt)
        kept = []
        broken = 0
        number = 0
        while broken < 100:
            try:
                number += 1
                recorder.write(1, 0, b'{"n":%d}' % number)
                kept.append(number)
            except KeyboardInterrupt:
                broken += 1
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        print(" ".join(map(str, kept)))
    """
    kept = list(map(int, run(code, tmp_path).split()))
    found = numbers(tmp_path)
    assert len(set(found)) == len(found)
    assert set(kept) <= set(found)


def test_a_full_quota_drops_and_counts_and_goes_on_when_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr("datacat.segment.RETRY_SECONDS", 0.0)
    recorder = Recorder(str(tmp_path), segment_size=4096, quota=8192)
    kept = 0
    while recorder.write(EVENT, 0, payload(kept)):
        kept += 1
    for number in range(10):
        assert not recorder.write(EVENT, 0, payload(number))
    assert recorder.dropped == 11
    min(tmp_path.glob("*.segment")).unlink()
    assert recorder.write(EVENT, 0, payload(kept))
    assert list(recorder.written().values()) == [kept + 1]


def test_a_spool_folder_deleted_underfoot_drops_and_counts(tmp_path):
    folder = tmp_path / "session"
    folder.mkdir()
    recorder = Recorder(str(folder), segment_size=4096)
    recorder.write(EVENT, 0, payload(0))
    for name in folder.iterdir():
        name.unlink()
    folder.rmdir()
    results = [recorder.write(EVENT, 0, payload(number)) for number in range(1000)]
    assert results[0] and not results[-1]
    assert recorder.dropped == results.count(False)


def test_no_folder_drops_and_counts():
    recorder = Recorder(None)
    assert not recorder.write(EVENT, 0, b"{}")
    assert recorder.dropped == 1


def test_a_full_disk_drops_and_counts_and_the_process_lives(small_disk):
    recorder = Recorder(str(small_disk), segment_size=1 << 16)
    results = [recorder.write(EVENT, 0, b'{"n":%d,"x":"%s"}' % (number, b"x" * 1000)) for number in range(2000)]
    assert recorder.dropped == results.count(False) > 0
    assert len(numbers(small_disk)) == results.count(True) > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_is_a_writer_of_its_own_also_where_python_does_not_announce_forks(tmp_path):
    code = """
        import os, random, sys
        del os.register_at_fork
        from datacat.recorder import Recorder
        recorder = Recorder(sys.argv[1])
        recorder.write(1, 0, b'{"n":1}')
        if os.fork() == 0:
            recorder.write(1, 0, b'{"n":2}')
            os._exit(0)
        os.wait()
        recorder.write(1, 0, b'{"n":3}')
    """
    run(code, tmp_path)
    assert numbers(tmp_path) == [1, 2, 3]
    assert len(writers_in(tmp_path)) == 2


def start(code, folder):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(folder)],
        env=dict(os.environ, PYTHONPATH=SOURCE),
        stdout=subprocess.PIPE,
        text=True,
    )


def run(code, folder, status=0):
    process = start(code, folder)
    output, _ = process.communicate()
    assert process.returncode == status
    return output
