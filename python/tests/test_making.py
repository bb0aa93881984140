"""The next segment is made by whoever comes first: both may do it at the same moment, and nobody gets hurt."""

import errno
import os
import subprocess
import threading
from pathlib import Path

import pytest
from datacat import _compat
from datacat._compat import open_temporary, replace_file
from datacat.segment import PREPARED, make_segment
from datacat_daemon.spool.reader import WriterReader

SOURCE = str(Path(__file__).parents[1] / "src")
SIZE = 1 << 14
ROUNDS = 400

# One thread writes, one record a segment; the other one makes the same segments at the same moment, as the daemon's
# main thread does while another answers HTTP. It prints what went wrong.
PROGRAM = """
import sys, threading
from datacat.segment import EVENT, PREPARED, SegmentWriter, make_segment
folder, size, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
getattr(sys, "setswitchinterval", lambda seconds: sys.setcheckinterval(1))(0.00001)
at = [0]
wrong = []
def prepare():
    done = 0
    while done < rounds:
        if done < at[0]:
            done += 1
            try:
                make_segment(folder, "1-0", done, PREPARED, size)
            except Exception as error:
                wrong.append(repr(error))
writer = SegmentWriter(folder, "1-0", size)
thread = threading.Thread(target=prepare)
thread.start()
for number in range(1, rounds + 1):
    at[0] = number
    try:
        writer.append(EVENT, 0, number, b'{"n":"%s"}' % (b"x" * (size // 2)))
    except Exception as error:
        wrong.append(repr(error))
thread.join()
print(wrong)
"""


def test_a_segment_that_two_threads_make_at_once_is_made_once_and_keeps_what_is_written_into_it(interpreter, tmp_path):
    done = subprocess.run(
        [interpreter, "-c", PROGRAM, str(tmp_path), str(SIZE), str(ROUNDS)],
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    records = WriterReader(tmp_path, "1-0").read(2 * ROUNDS)
    assert [record.time for record in records] == list(range(1, ROUNDS + 1))
    assert list(tmp_path.glob(".*")) == []


def test_a_file_that_is_being_made_has_a_name_that_nobody_else_uses(tmp_path, monkeypatch):
    monkeypatch.setattr(_compat, "_temporaries", iter([1, 1, 2]))  # as if another process had the same pid
    made = [open_temporary(str(tmp_path / "file")) for _ in range(2)]
    for descriptor, _ in made:
        os.close(descriptor)
    assert sorted(str(path) for path in tmp_path.iterdir()) == sorted(path for _, path in made)


def test_a_folder_that_is_deleted_meanwhile_is_told_as_that(tmp_path):
    with pytest.raises(OSError) as raised:
        make_segment(str(tmp_path / "gone"), "1-0", 1, PREPARED, SIZE)
    assert raised.value.errno == errno.ENOENT


def test_small_files_that_threads_write_at_once_are_whole(tmp_path):
    path = tmp_path / "small"
    contents = [bytes([65 + number]) * 5_000 for number in range(4)]
    wrong = []

    def write(content):
        try:
            for _ in range(200):
                replace_file(str(path), content)
                if path.read_bytes() not in contents:
                    wrong.append("torn")
        except OSError as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert list(tmp_path.iterdir()) == [path]


def test_what_could_not_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        replace_file(str(tmp_path / "folder"), b"content")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]
