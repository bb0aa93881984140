"""A pid means something only in its own PID namespace: what runs in a container is judged by its own pid there."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from datacat_daemon.watching import namespaces
from datacat_daemon.watching.namespaces import is_gone, may_be_hidden, own_namespace, whereabouts
from datacat_daemon.watching.proc_stat import read_stat

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc"]


def may_unshare():
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not may_unshare(), reason="no PID namespace can be made here")

HEAD = """
import datacat, os, sys, time, signal, subprocess
session = datacat.create_session(product='P', version='1', batch_interval_seconds=0.1)
session.log_event("begun")
"""


@pytest.fixture
def contain(bench, server):
    """Start a program in a PID namespace of its own; it is the first process there. Returns `unshare`, its parent."""

    def begin(body, **more):
        process = subprocess.Popen(
            [*UNSHARE, "--kill-child", sys.executable, "-c", HEAD + body],
            env=bench.environment(server.url, **more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        bench.started.append(process)
        return process

    return begin


def the_folder(bench, wait_for):
    """The process folder, once there is a session in it."""
    (found,) = wait_for(lambda: list(bench.spool.glob("*/*/manifest.json")), "a manifest")
    return found.parent.parent


def manifest_of(folder):
    (path,) = folder.glob("*/manifest.json")
    return json.loads(path.read_text())


def child_of(parent):
    """The only child of a process, as seen from here."""
    (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(child)


def the_verdict(server):
    (record,) = server.records("status")
    return record


def test_the_manifest_names_the_namespace(bench, contain, wait_for):
    contain("sys.stdin.readline()")
    manifest = manifest_of(the_folder(bench, wait_for))
    assert manifest["pid"] == 1
    assert manifest["pid_namespace"] not in (None, own_namespace())


def test_a_live_process_in_a_namespace_is_found_by_a_daemon_outside(bench, server, contain, wait_for):
    outer = contain("sys.stdin.readline()\nsession.log_event('more')\nos._exit(3)")
    folder = the_folder(bench, wait_for)
    daemon = bench.daemon(folder)
    wait_for(lambda: server.records("event"))
    time.sleep(1)
    assert server.verdicts() == []
    outer.communicate("go\n")
    bench.finish(daemon)
    assert the_verdict(server)["reason"] == "exited with code 3 without ending the session"
    assert [event["name"] for event in server.records("event")] == ["begun", "more"]


def test_a_kill_in_a_namespace_is_named_by_the_daemon_outside_that_watched(bench, server, contain, wait_for):
    outer = contain("sys.stdin.readline()")
    daemon = bench.daemon(the_folder(bench, wait_for))
    wait_for(lambda: server.records("event"))
    os.kill(child_of(outer.pid), signal.SIGKILL)
    outer.wait()
    bench.finish(daemon)
    assert the_verdict(server)["data"]["signal"] == "SIGKILL"


DAEMON_INSIDE = """
daemon = subprocess.Popen([sys.executable, "-m", "datacat_daemon", "--process-dir",
                           os.path.dirname(session.sink._folder)])
print("up", flush=True)
sys.stdin.readline()
"""


def test_a_container_that_ended_took_its_daemon_along_and_the_next_daemon_says_so(bench, server, contain, wait_for):
    outer = contain(DAEMON_INSIDE)
    folder = the_folder(bench, wait_for)
    wait_for(lambda: server.records("event"))
    os.kill(child_of(outer.pid), signal.SIGKILL)  # the first process of a namespace takes all others along
    outer.wait()
    assert server.verdicts() == []
    bench.finish(bench.daemon(folder))
    record = the_verdict(server)
    assert record["reason"] == "its container (PID namespace) ended, and it with it"
    assert record["data"]["kind"] == "container"


# The first process of the namespace starts a program, and a daemon for it that lives on when that is killed.
PROGRAM_INSIDE = """
session.end()
code = "import datacat, sys\\nsession = datacat.create_session(product='P', version='inner')\\n"
code += "session.log_event('inner')\\nprint(session.sink._folder, flush=True)\\nsys.stdin.readline()"
inner = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
folder = os.path.dirname(inner.stdout.readline().strip())
daemon = subprocess.Popen([sys.executable, "-m", "datacat_daemon", "--process-dir", folder])
sys.stdin.readline()
inner.kill()
inner.wait()
daemon.wait()
"""


def test_a_kill_inside_is_named_by_the_daemon_inside(bench, server, contain, wait_for):
    outer = contain(PROGRAM_INSIDE)
    wait_for(lambda: any(session["line"]["version"] == "inner" for session in server.sessions.values()))
    outer.communicate("go\n")
    (id,) = [id for id, session in server.sessions.items() if session["line"]["version"] == "inner"]
    (record,) = server.records("status", id)
    assert record["reason"].startswith("killed by SIGKILL")


def test_a_daemon_in_another_namespace_leaves_alone_what_it_cannot_see(bench, server, contain, wait_for):
    outer = contain("sys.stdin.readline()")
    folder = the_folder(bench, wait_for)
    daemon = bench.environment(server.url)
    command = [*UNSHARE, sys.executable, "-m", "datacat_daemon", "--process-dir", str(folder)]
    done = subprocess.run(command, env=daemon, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert server.sessions == {}
    outside = bench.daemon(folder)
    wait_for(lambda: server.records("event"))
    assert server.verdicts() == []
    outer.communicate("go\n")
    bench.finish(outside)
    assert server.verdicts() == ["ended"]


# What `docker restart` does, with the spool on a volume.
def test_a_container_that_came_back_settles_what_the_one_before_it_left(bench, server, contain, wait_for):
    outer = contain("sys.stdin.readline()")
    folder = the_folder(bench, wait_for)
    os.kill(child_of(outer.pid), signal.SIGKILL)
    outer.wait()
    code = "import sys\nfrom datacat_daemon.watching import namespaces\nnamespaces.SETTLED_SECONDS = 0\n"
    code += "from datacat_daemon.cli import main\nsys.exit(main())"
    command = [*UNSHARE, sys.executable, "-c", code, "--process-dir", str(folder)]
    done = subprocess.run(command, env=bench.environment(server.url), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert the_verdict(server)["data"]["kind"] == "container"
    assert bench.left() == []


def test_what_cannot_be_seen_has_no_lock_and_was_untouched_for_a_day_counts_as_gone(
    bench, contain, wait_for, monkeypatch
):
    contain("sys.stdin.readline()")
    folder = the_folder(bench, wait_for)
    assert not may_be_hidden(folder)  # from here it is seen
    monkeypatch.setattr(namespaces, "own_namespace", lambda: "pid:[1]")
    monkeypatch.setattr(namespaces, "_processes_of", lambda namespace: iter(()))

    def seems_untouched():
        for path in folder.glob("**/*"):  # its daemon goes on writing meanwhile
            os.utime(path, (time.time() - 90_000,) * 2)
        return not may_be_hidden(folder)

    assert not seems_untouched()  # it holds its lock
    (folder / "alive").unlink()
    wait_for(seems_untouched, "a folder that nobody has touched")
    (folder / "daemon.log").touch()
    assert may_be_hidden(folder)


def test_the_same_pid_in_another_namespace_is_another_process(bench, contain, wait_for):
    outer = contain("sys.stdin.readline()")
    manifest = manifest_of(the_folder(bench, wait_for))
    inner = child_of(outer.pid)
    theirs = manifest["pid_namespace"]
    assert whereabouts(1, manifest["process_start"], theirs).pid == inner
    assert whereabouts(1, "1", theirs).pid is None
    assert whereabouts(1, read_stat(1).start, own_namespace()).pid == 1
    assert not is_gone(theirs, manifest["process_start"])
    assert is_gone(theirs, "1")  # everybody in it began later: another one has got its number since
    with contextlib.suppress(ProcessLookupError):
        os.kill(inner, signal.SIGKILL)
    outer.wait()
    assert is_gone(theirs, manifest["process_start"])
