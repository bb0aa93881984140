"""A process holds a lock while it lives, whatever becomes of its children and of its files."""

import fcntl
import os
import subprocess

from support.spools import environment, sessions_in

PROGRAM = """
import datacat, os, sys, time
%s
session = datacat.create_session()
second = datacat.create_session()
%s
os.write(int(sys.argv[1]), b"up")
sys.stdin.readline() if %r else time.sleep(60)
"""


def is_held(folder):
    with open(folder / "alive", "r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def started(interpreter, tmp_path, before="", after="", reads=True):
    """A program that has made its sessions, and its process folder."""
    spool = tmp_path / "spool"
    ours, theirs = os.pipe()
    command = [interpreter, "-c", PROGRAM % (before, after, reads), str(theirs)]
    process = subprocess.Popen(command, env=environment(spool), stdin=subprocess.PIPE, pass_fds=[theirs])
    os.close(theirs)
    try:
        assert os.read(ours, 2) == b"up"
    finally:
        os.close(ours)
    return process, sessions_in(spool)[0].folder.parent


def test_the_lock_is_held_until_the_process_dies(interpreter, tmp_path):
    process, folder = started(interpreter, tmp_path)
    try:
        assert is_held(folder)
    finally:
        process.kill()
        process.communicate()
    assert not is_held(folder)


def test_a_forked_child_does_not_hold_it(interpreter, tmp_path):
    after = "if os.fork() == 0:\n    sys.stdin.readline()\n    os._exit(0)"
    process, folder = started(interpreter, tmp_path, after=after, reads=False)
    try:
        assert is_held(folder)
        process.kill()
        process.wait()
        assert not is_held(folder)
    finally:
        process.communicate()  # closes the standard input that the child waits for


def test_where_standard_streams_are_closed_it_takes_none_of_their_places(interpreter, tmp_path):
    after = "assert all('alive' not in os.readlink('/proc/self/fd/%d' % n) for n in range(3) if os.path.exists("
    after += "'/proc/self/fd/%d' % n))"
    process, folder = started(interpreter, tmp_path, "os.close(1)\nos.close(2)", after)
    try:
        assert is_held(folder)
    finally:
        process.kill()
        process.communicate()
