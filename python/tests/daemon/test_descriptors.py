"""A daemon with few descriptors: it looks after everything all the same, and can say so when it has none left."""

import json
import os
import shutil
import subprocess
import sys
import time

from datacat.segment import EVENT, SegmentWriter
from datacat_daemon.spool.reader import WriterReader

FEW = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from datacat_daemon import daemon, janitor
daemon.DUTY_SECONDS = daemon.SCAN_SECONDS = 0.2
janitor.GRACE_SECONDS = 1.0
"""


def leave_many(bench, url, count):
    """Process folders of a process that has crashed, as many as that; the first is returned."""
    process = bench.program(url, "session.log_event('n')\nos._exit(3)")
    folder = bench.folder_of(process)
    process.wait()
    (session,) = (path.parent for path in folder.glob("*/manifest.json"))
    manifest = json.loads((session / "manifest.json").read_text())
    for number in range(count - 1):
        other = bench.spool / f"{process.pid}-{manifest['process_start'] or 0}-{number:08x}"
        shutil.copytree(folder, other, ignore=lambda *_: ["wake"])
        own = other / f"copy-{number}"
        (other / session.name).rename(own)
        (own / "manifest.json").write_text(json.dumps({**manifest, "session_id": own.name}))
        os.utime(other, (time.time() - 60,) * 2)
    return folder


def test_a_daemon_with_few_descriptors_delivers_what_many_processes_have_left(bench, server):
    daemon = bench.daemon(leave_many(bench, server.url, 100), FEW)
    bench.finish(daemon)
    assert len(server.sessions) == 100
    assert all(server.verdicts(session) == ["crashed"] for session in server.sessions)
    assert bench.left() == []


def test_a_sync_with_few_descriptors_delivers_what_many_processes_have_left(bench, server):
    leave_many(bench, server.url, 100)
    code = "import sys\nfrom pathlib import Path\nfrom datacat_daemon.config import Config\n"
    code += "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))\n"
    code += "from datacat_daemon.sync import Sync\n"
    code += "print(Sync(Config(), spools=[Path(sys.argv[1])]).run(lambda: None))"
    answer = subprocess.run(
        [sys.executable, "-c", code, str(bench.spool)], env=bench.environment(""), capture_output=True, text=True
    )
    assert answer.stdout == "True\n", answer.stderr
    assert len(server.sessions) == 100
    assert bench.left() == []


SESSIONS = """
others = [datacat.create_session(product='P', version='1', batch_interval_seconds=0.1) for _ in range(200)]
for number, other in enumerate(others):
    other.log_event('n', {'i': number})
print('ready', flush=True)
sys.stdin.readline()
os._exit(3)
"""


def test_a_daemon_with_few_descriptors_judges_all_of_the_many_sessions_of_a_process(bench, server, wait_for):
    process = bench.program(server.url, SESSIONS)
    at_once = FEW + "from datacat_daemon.watching import process_watch\nprocess_watch._RETRY_SECONDS = 3600.0"
    daemon = bench.daemon(bench.folder_of(process), at_once)
    process.stdout.readline()
    wait_for(lambda: len(server.sessions) == 201, "all sessions")
    assert len(os.listdir(f"/proc/{daemon.pid}/fd")) < 40
    process.communicate("\n")
    bench.finish(daemon)
    assert all(server.verdicts(session) == ["crashed"] for session in server.sessions)
    numbers = [r["data"]["i"] for s in server.sessions.values() for r in s["records"] if r["kind"] == "event"]
    assert sorted(numbers) == list(range(200))
    assert bench.left() == []


def test_the_log_can_be_written_when_no_descriptor_is_left(tmp_path):
    code = "import os, resource, sys\nfrom pathlib import Path\nfrom datacat_daemon.spool.log import DaemonLog\n"
    code += "resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
    code += "log = DaemonLog(Path(sys.argv[1]))\nlog.write('one')\n"
    code += "try:\n    while True:\n        os.open(os.devnull, os.O_RDONLY)\nexcept OSError:\n    pass\n"
    code += "log.write('two')\nlog.write('three')\n"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "log")], check=True)
    assert [line.split()[-1] for line in (tmp_path / "log").read_text().splitlines()] == ["one", "two", "three"]


def test_the_limit_is_raised_as_far_as_it_may_be():
    code = "import resource\nfrom datacat_daemon.spool.descriptors import raise_limit\n"
    code += "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))\nraise_limit()\n"
    code += "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "(200, 200)\n"


def test_a_reader_that_was_closed_goes_on_where_it_was(tmp_path):
    writer = SegmentWriter(str(tmp_path), "1-0", 4096)
    reader = WriterReader(tmp_path, "1-0")
    found = []
    for number in range(200):
        writer.append(EVENT, 0, number, b'{"name":"n"}')
        found += reader.read(1000)
        reader.close()
        if reader.finished:
            (tmp_path / f"1-0.{reader.finished.pop()[0]:08}.segment").unlink()
    assert [record.ordinal for record in found] == list(range(200))
