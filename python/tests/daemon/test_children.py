"""Children are known by pid and start, and their drops are counted; a pid that has a new owner is no child."""

import json
import os
import subprocess
import sys
import time

import pytest
from datacat.control import ControlPage
from datacat.segment import SegmentWriter
from datacat_daemon.watching.children import Children
from datacat_daemon.watching.proc_stat import read_stat
from datacat_daemon.watching.process_polled import PsProcess

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


@linux
def test_the_pages_of_children_that_have_ended_go_and_what_they_dropped_stays_counted(tmp_path, child):
    for number in range(1, 51):
        page_of(tmp_path, child.pid, number).dropped(number)
    running = page_of(tmp_path, child.pid, read_stat(child.pid).start)
    running.dropped(1000)
    Children(tmp_path).look()
    assert len(list(tmp_path.glob("control.*"))) == 1
    child.kill()
    child.wait()
    page_of(tmp_path, child.pid, 7).dropped(7)  # as if the daemon had been killed before it was taken away
    counts = json.loads((tmp_path / "children.json").read_text())
    (tmp_path / "children.json").write_text(json.dumps({**counts, "counted": [f"control.{child.pid}-7"]}))
    for _ in range(2):
        children = Children(tmp_path)
        children.look()
        assert children.dropped == sum(range(1, 51)) + 1000
    assert not list(tmp_path.glob("control.*"))


@linux
def test_a_page_stays_while_there_are_segments_of_its_child_which_has_ended(tmp_path, child):
    page_of(tmp_path, child.pid, 1)
    writer = SegmentWriter(str(tmp_path), f"{child.pid}-a1b2c3-0", 4096)
    children = Children(tmp_path)
    children.look()
    assert children.ended_writers == {writer.name}
    page_of(tmp_path, child.pid, read_stat(child.pid).start)  # another child has its pid now: whose writer is it?
    children.look()
    assert children.running and not children.ended_writers
    child.kill()
    child.wait()
    children.look()
    assert children.ended_writers == {writer.name}
    (tmp_path / f"{writer.name}.00000000.segment").unlink()
    children.look()
    assert not children.ended_writers and not list(tmp_path.glob("control.*"))
    assert not Children(tmp_path, others={child.pid}).ended_writers


MANY_CHILDREN = """
folder = session.sink._folder
for number in range(12):
    deadline = time.monotonic() + 60
    while len([name for name in os.listdir(folder) if name.endswith(".segment")]) > 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    child = os.fork()
    if not child:
        session.log_event("child", {"number": number})
        os._exit(0)
    os.waitpid(child, 0)
print(session.session_id, flush=True)
sys.stdin.readline()
"""


def test_children_that_have_ended_give_their_segments_back_so_the_quota_holds_for_the_next(bench, server, wait_for):
    process, daemon = bench.run(server.url, MANY_CHILDREN, DATACAT_PROCESS_SPOOL_MAX_MB="4")
    session = bench.folder_of(process) / process.stdout.readline().strip()
    wait_for(lambda: not list(session.glob("control.*")), "the pages taken away")
    kept = list(session.glob(f"{process.pid}-*.segment")) + list(session.glob("daemon-*.segment"))
    assert sorted(session.glob("*.segment")) == sorted(kept)
    process.communicate("\n")
    bench.finish(daemon)
    assert sorted(record["data"]["number"] for record in server.records("event")) == list(range(12))
    assert server.only()["line"]["dropped"] == 0
    assert server.only()["lost"] == []
    assert bench.left() == []
