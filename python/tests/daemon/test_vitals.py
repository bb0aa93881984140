"""CPU, memory, threads and open files of a process, and what its daemon costs, without a line of its code."""

import json
import os
import subprocess
import sys
import time

import pytest
from datacat_daemon.watching import vitals as module
from datacat_daemon.watching.verdict import Verdict
from datacat_daemon.watching.verdict_writer import VerdictWriter, verdicts_in
from datacat_daemon.watching.vitals import VitalsWatch, read_usage
from datacat_daemon.watching.vitals_writer import VitalsWriter

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
EVERY = {"DATACAT_VITALS_INTERVAL_SECONDS": "0.2"}
NAMES = {
    "process_cpu_percent",
    "process_resident_memory_bytes",
    "process_threads",
    "process_open_files",
    "daemon_cpu_percent",
    "daemon_resident_memory_bytes",
}


def vitals(server, session=None):
    """The vitals that have come, by name, each with its values in their order."""
    found = {}
    for record in server.records("metric", session):
        assert record["writer"].startswith("daemon-")
        found.setdefault(record["name"], []).append(record["value"])
    return found


@linux
def test_a_session_shows_what_its_process_and_its_daemon_use(bench, server, wait_for):
    body = """
import threading
ballast = b"x" * (80 << 20)
files = [open(os.devnull) for _ in range(50)]
for _ in range(3):
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
began, used = time.monotonic(), time.process_time()
while time.monotonic() < began + 60 and not os.path.exists(os.environ["ENOUGH"]):
    pass
print(100 * (time.process_time() - used) / (time.monotonic() - began), flush=True)
"""
    enough = bench.spool.parent / "enough"
    process = bench.program(server.url, body, ENOUGH=str(enough))
    daemon = bench.daemon(bench.folder_of(process), **EVERY)
    wait_for(lambda: len(vitals(server).get("process_cpu_percent", [])) >= 8)
    enough.touch()
    bench.finish(daemon)
    seen = vitals(server)
    assert set(seen) == NAMES
    share = float(process.stdout.read())  # all of a processor, unless this machine is busy, too
    assert 0.4 * share < max(seen["process_cpu_percent"]) < 150
    assert 80 << 20 < max(seen["process_resident_memory_bytes"]) < 400 << 20
    assert max(seen["process_threads"]) == 4
    assert 53 <= max(seen["process_open_files"]) < 80
    assert 5 << 20 < max(seen["daemon_resident_memory_bytes"]) < 200 << 20
    units = {record["name"]: record.get("unit") for record in server.records("metric")}
    assert units["process_cpu_percent"] == units["daemon_cpu_percent"] == "percent"
    assert units["process_resident_memory_bytes"] == units["daemon_resident_memory_bytes"] == "bytes"


@linux
def test_they_can_be_switched_off(bench, server, wait_for):
    process = bench.program(server.url, "session.log_event('begun')\nsys.stdin.readline()")
    daemon = bench.daemon(bench.folder_of(process), DATACAT_VITALS_INTERVAL_SECONDS="0")
    wait_for(lambda: server.records("event"))
    time.sleep(1.5)
    process.communicate("go\n")
    bench.finish(daemon)
    assert vitals(server) == {}


@linux
def test_a_session_that_is_over_gets_none_and_a_hung_or_paused_one_does(bench, server, wait_for):
    body = """
over = datacat.create_session(product="P", version="over")
over.end()
paused = datacat.create_session(product="P", version="paused", batch_interval_seconds=0.1)
paused.start_heartbeat_monitor(timeout=0.3)
paused.pause_heartbeat_monitoring()
session.start_heartbeat_monitor(timeout=0.3)
sys.stdin.readline()
"""
    process = bench.program(server.url, body)
    daemon = bench.daemon(bench.folder_of(process), **EVERY)
    wait_for(lambda: len(server.sessions) == 3)
    of = {server.sessions[id]["line"]["version"]: id for id in server.sessions}
    server.wait_for_verdict("hung", of["1"])
    before = len(vitals(server, of["1"])["process_threads"])
    wait_for(lambda: len(vitals(server, of["1"])["process_threads"]) > before + 2, "vitals of a hung session")
    wait_for(lambda: len(vitals(server, of["paused"])["process_threads"]) > 2, "vitals of a paused session")
    assert vitals(server, of["over"]) == {}
    process.communicate("go\n")
    bench.finish(daemon)


def test_what_a_process_uses_is_told_alike_in_every_way(monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        time.sleep(0.3)
        ways = [module._by_ps] + [module._by_system] * (sys.platform == "linux")
        if module.importlib.util.find_spec("psutil"):
            ways.append(module._by_psutil)
        usages = [way(process.pid) for way in ways]
        for usage in usages:
            assert 0 <= usage.cpu_seconds < 10
            assert 1 << 20 < usage.resident_bytes < 200 << 20
            assert abs(usage.resident_bytes - usages[0].resident_bytes) < 8 << 20
            assert usage.threads in (1, None)
            assert usage.open_files in (3, None) or usage.open_files > 3
    finally:
        process.kill()
        process.stdin.close()
        process.wait()
    assert [way(process.pid) for way in ways] == [None] * len(ways)


def test_without_proc_there_is_still_a_way(monkeypatch):
    monkeypatch.setattr(module, "_SELF_STAT", "/none")
    assert read_usage(os.getpid()).resident_bytes > 1 << 20
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert read_usage(os.getpid()).resident_bytes > 1 << 20


@pytest.mark.parametrize(("text", "seconds"), [("0:00.25", 0.25), ("01:02:03", 3723), ("2-00:00:01", 172_801)])
def test_times_of_ps_are_understood(text, seconds):
    assert module._seconds(text) == seconds


@linux
def test_a_process_that_is_gone_has_no_vitals():
    watch = VitalsWatch(2**22 + 5, 5.0, now=0.0)
    assert watch.look(10.0) == []
    assert watch.resident_bytes is None


def test_where_there_is_no_room_they_are_dropped_without_a_word(tmp_path):
    writer = VitalsWriter(tmp_path / "none")
    writer.write(1, [b"{}"])
    (tmp_path / "none").mkdir()
    writer.write(2, [b"{}"])
    assert len(list((tmp_path / "none").iterdir())) == 1


def test_what_waits_for_a_server_is_limited(tmp_path):
    writer = VitalsWriter(tmp_path)
    payload = json.dumps({"name": "n" * 60_000, "type": "gauge", "value": 1}).encode()
    for time_us in range(200):
        writer.write(time_us, [payload])
    assert len(list(tmp_path.iterdir())) == 128


def test_they_are_no_verdicts(tmp_path):
    VitalsWriter(tmp_path).write(1, [b"{}"])
    VerdictWriter(tmp_path).write(Verdict("hung", 10, "a"))
    assert [verdict.status for verdict in verdicts_in(tmp_path)] == ["hung"]


@linux
def test_what_the_server_has_of_them_goes_from_the_disk(bench, server, wait_for):
    before = "from datacat_daemon.watching import vitals_writer\nvitals_writer._SEGMENT_SIZE = 4096"
    process = bench.program(server.url, "session.log_event('begun')\nsys.stdin.readline()")
    folder = bench.folder_of(process)
    daemon = bench.daemon(folder, before, DATACAT_VITALS_INTERVAL_SECONDS="0.02")
    wait_for(lambda: len(vitals(server).get("process_threads", [])) > 60, "many vitals")
    segments = [path.name for path in folder.glob("*/daemon-vitals-*.segment")]
    assert len(segments) <= 6
    assert not any(name.endswith(".00000000.segment") for name in segments)
    process.communicate("go\n")
    bench.finish(daemon)
    assert bench.left() == []
