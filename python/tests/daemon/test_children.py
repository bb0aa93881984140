"""Children are known by pid and start, and their drops are counted; a pid that has a new owner is no child."""

import os
import subprocess
import sys
import time

import pytest
from datacat.control import ControlPage
from datacat_daemon.watching.children import Children
from datacat_daemon.watching.process import PsProcess, read_stat

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture
def child():
    """A process that waits; killed in the end."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.stdin.close()
    process.wait()


def page_of(folder, pid, start):
    return ControlPage(str(folder / f"control.{pid}-{start}"))


@linux
def test_drops_count_while_a_child_runs_and_when_it_is_gone(tmp_path, child):
    ControlPage(str(tmp_path / "control")).dropped(1000)  # the parent's, which is counted elsewhere
    page = page_of(tmp_path, child.pid, read_stat(child.pid).start)
    children = Children(tmp_path)
    page.dropped(3)
    children.look()
    assert (children.running, children.dropped) == (True, 3)
    page.dropped(5)
    child.kill()
    child.wait()
    children.look()
    assert (children.running, children.dropped) == (False, 5)
    children.look()
    assert children.dropped == 5


@linux
def test_a_pid_that_another_process_has_now_is_no_child(tmp_path, child):
    page_of(tmp_path, child.pid, "1").dropped(2)
    children = Children(tmp_path)
    children.look()
    assert (children.running, children.dropped) == (False, 2)


def test_without_proc_a_process_that_began_after_the_page_is_no_child(tmp_path, child):
    page_of(tmp_path, child.pid, 0)
    children = Children(tmp_path)
    children.look()
    assert children.running
    path = tmp_path / f"control.{child.pid}-0"
    os.utime(path, (time.time() - 3600,) * 2)
    children.look()
    assert not children.running


def test_other_names_and_a_missing_folder_are_no_children(tmp_path):
    for name in ("control", "control.x-1", "control.1", "manifest.json"):
        (tmp_path / name).touch()
    children = Children(tmp_path)
    children.look()
    assert not children.running
    Children(tmp_path / "none").look()


def test_a_ps_that_does_not_answer_ends_nobody(child, monkeypatch):
    def ask(*arguments, **options):
        raise subprocess.TimeoutExpired("ps", 1)

    monkeypatch.setattr(subprocess, "run", ask)
    watched = PsProcess(child.pid)
    assert not watched.has_ended()
    assert watched.began is None
    child.kill()
    child.wait()
    assert watched.has_ended()
