"""A process that the kernel kills for want of memory is said to be, with the limit; any other kill -9 is not."""

import contextlib
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from datacat_daemon.watching import out_of_memory
from datacat_daemon.watching.out_of_memory import MemoryKillWatch, OutOfMemory

LIMIT = 64 << 20
EATS = """
session.log_event("begun")
sys.stdin.readline()
eaten = []
while True:
    eaten.append(b"x" * (1 << 20))
"""


def make_cgroup():
    """A memory cgroup with a limit, v1 or v2, beside our own; None where none can be made."""
    own = out_of_memory._memory_cgroup(os.getpid())
    if own is None:
        return None
    for parent in (own, *own.parents):
        folder = parent / f"datacat-test-{uuid.uuid4().hex[:8]}"
        with contextlib.suppress(OSError):
            folder.mkdir()
            for name in ("memory.limit_in_bytes", "memory.max"):
                if (folder / name).exists():
                    (folder / name).write_text(str(LIMIT))
                    for swap in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
                        with contextlib.suppress(OSError):
                            (folder / swap).write_text(str(LIMIT) if "memsw" in swap else "0")
                    return folder
            folder.rmdir()
        if not (parent.parent / "cgroup.procs").exists():
            return None
    return None


@pytest.fixture
def cgroup(bench, wait_for):
    """A memory cgroup of 64 MB, removed in the end."""
    folder = make_cgroup() if sys.platform == "linux" else None
    if folder is None:
        pytest.skip("no memory cgroup can be made here")
    yield folder
    bench.close()  # it can be removed once nobody is in it
    wait_for(lambda: not (folder / "cgroup.procs").read_text())
    folder.rmdir()


def join(cgroup, process):
    (cgroup / "cgroup.procs").write_text(str(process.pid))


def the_crash(server):
    (record,) = server.records("status")
    assert record["status"] == "crashed"
    return record


@pytest.mark.parametrize("daemon_is", ["outside", "inside"])
def test_a_process_that_exceeds_its_cgroup_is_said_to_have_run_out_of_memory(bench, server, cgroup, daemon_is):
    process = bench.program(server.url, EATS)
    folder = bench.folder_of(process)
    join(cgroup, process)
    daemon = bench.daemon(folder, DATACAT_VITALS_INTERVAL_SECONDS="0.2")
    if daemon_is == "inside":
        join(cgroup, daemon)
    server.wait_for_session()
    process.stdin.write("go\n")
    process.stdin.flush()
    process.wait()
    bench.finish(daemon)  # the kernel takes the one that has eaten most: the daemon lives in both cases
    record = the_crash(server)
    assert record["reason"] == "killed by the kernel: out of memory (memory limit 64 MB of its cgroup)"
    assert record["data"]["kind"] == "out_of_memory"
    assert record["data"]["signal"] == "SIGKILL"
    assert record["data"]["memory_limit_bytes"] == LIMIT


def test_another_kill_9_in_a_cgroup_is_none_for_want_of_memory(bench, server, cgroup):
    process = bench.program(server.url, EATS)
    folder = bench.folder_of(process)
    join(cgroup, process)
    daemon = bench.daemon(folder)
    server.wait_for_session()
    process.kill()
    process.wait()
    bench.finish(daemon)
    record = the_crash(server)
    assert record["data"]["kind"] == "signal"
    assert record["reason"].startswith("killed by SIGKILL")


def test_a_kill_of_long_ago_in_the_same_cgroup_is_not_blamed(bench, server, cgroup):
    eats = "input()\neaten = []\nwhile True:\n    eaten.append(b'x' * (1 << 20))"
    first = subprocess.Popen([sys.executable, "-c", eats], stdin=subprocess.PIPE, text=True)
    bench.started.append(first)
    join(cgroup, first)
    first.communicate("go\n")
    assert first.returncode == -9
    second = bench.program(server.url, EATS)
    folder = bench.folder_of(second)
    join(cgroup, second)
    daemon = bench.daemon(folder)
    server.wait_for_session()
    second.kill()
    second.wait()
    bench.finish(daemon)
    assert the_crash(server)["data"]["kind"] == "signal"


def test_the_memory_that_it_had_last_is_part_of_the_evidence(bench, server, wait_for):
    body = "ballast = b'x' * (100 << 20)\nsession.log_event('begun')\nsys.stdin.readline()\nos.kill(os.getpid(), 9)"
    process = bench.program(server.url, body)
    daemon = bench.daemon(bench.folder_of(process), DATACAT_VITALS_INTERVAL_SECONDS="0.2")
    wait_for(lambda: any(m["name"] == "process_resident_memory_bytes" for m in server.records("metric")))
    process.communicate("go\n")
    bench.finish(daemon)
    assert 100 << 20 < the_crash(server)["data"]["resident_bytes"] < 300 << 20


class Counts:
    """Counts of kills that a test sets."""

    def __init__(self, monkeypatch, folder):
        self.machine = folder / "vmstat"
        self.cgroup = folder / "memory.oom_control"
        self.set(machine=0, cgroup=0)
        monkeypatch.setattr(out_of_memory, "_memory_cgroup", lambda pid: folder)
        monkeypatch.setattr(out_of_memory, "_VMSTAT", self.machine)

    def set(self, machine, cgroup):
        self.machine.write_text(f"pgfault 1\noom_kill {machine}\n")
        if cgroup is None:
            self.cgroup.unlink()
        else:
            self.cgroup.write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {cgroup}\n")


@pytest.mark.parametrize(
    ("machine", "cgroup", "expected"),
    [(0, 0, None), (0, 1, OutOfMemory(True)), (1, 1, OutOfMemory(True)), (1, 0, None), (1, None, OutOfMemory(False))],
)
def test_the_counts_of_its_cgroup_are_certain_and_those_of_the_machine_are_not(
    monkeypatch, tmp_path, machine, cgroup, expected
):
    counts = Counts(monkeypatch, tmp_path)
    watch = MemoryKillWatch(1)
    counts.set(machine, cgroup)
    assert watch.verdict() == expected


def test_a_look_between_the_kill_and_the_death_does_not_hide_it(monkeypatch, tmp_path):
    counts = Counts(monkeypatch, tmp_path)
    watch = MemoryKillWatch(1)
    watch.look(10.0)
    counts.set(machine=1, cgroup=1)
    watch.look(20.0)
    assert watch.verdict() == OutOfMemory(True)
    watch.look(30.0)
    watch.look(40.0)
    assert watch.verdict() is None


def test_where_nothing_is_counted_nothing_is_said(monkeypatch):
    monkeypatch.setattr(out_of_memory, "_VMSTAT", Path("/none"))
    assert MemoryKillWatch(2**22 + 5).verdict() is None


V2 = "1 1 0:1 / {0}/two rw - cgroup2 cgroup2 rw\n"


@pytest.mark.parametrize(
    ("membership", "mounts", "expected"),
    [
        ("0::/a/b\n", V2, "two/a/b"),
        ("4:memory:/m\n0::/a\n", V2 + "2 1 0:2 / {0}/one rw - cgroup c rw,memory\n", "one/m"),
        ("4:memory:/docker/x/m\n", "2 1 0:2 /docker/x {0}/one rw - cgroup c rw,memory\n", "one/m"),
        ("0::/gone\n", V2, "two"),
        ("3:cpu:/c\n", V2, None),
    ],
)
def test_the_cgroup_that_limits_memory_is_found_in_both_versions(monkeypatch, tmp_path, membership, mounts, expected):
    for folder in ("two/a/b", "one/m"):
        (tmp_path / folder).mkdir(parents=True)
    texts = {"/proc/7/cgroup": membership, "/proc/self/mountinfo": mounts.format(tmp_path)}
    monkeypatch.setattr(out_of_memory, "_read", texts.__getitem__)
    assert out_of_memory._memory_cgroup(7) == (None if expected is None else tmp_path / expected)
