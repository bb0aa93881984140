"""The spool is bounded, per process and in all: what nobody needs goes first, then records are dropped and counted."""

import json
import os
import time
from pathlib import Path

import pytest
from datacat.quota import has_room
from datacat_daemon.spool import quota

MB = 1 << 20
# 1,000 bytes each: 1,000 records are about a segment. What was kept is printed.
FILL = """
def fill(session, count):
    kept = 0
    for number in range(count):
        before = session.sink.stats()["dropped"]
        session.log_event("filled", {"number": number, "text": "x" * 1000})
        kept += session.sink.stats()["dropped"] == before
    return kept
"""


def segments(folder):
    return list(Path(folder).glob("**/*.segment"))


def size(folder):
    return sum(path.stat().st_blocks * 512 for path in Path(folder).glob("**/*") if path.is_file())


def test_a_process_keeps_its_quota_in_all_its_sessions_and_what_was_kept_arrives(bench, server_class):
    body = (
        FILL
        + """
other = datacat.create_session(product='other', version='1', batch_interval_seconds=0.1)
print(fill(session, 3000), flush=True)
print(fill(other, 3000), flush=True)
sys.stdin.readline()
"""
    )
    server = server_class()
    server.close()
    process = bench.program(server.url, body, DATACAT_PROCESS_SPOOL_MAX_MB="4")
    settings = bench.spool.parent / "settings.json"
    settings.write_text('{"process_spool_max_mb": 4}')
    daemon = bench.daemon(bench.folder_of(process), DATACAT_CONFIG=str(settings))
    kept = [int(process.stdout.readline()) for _ in range(2)]
    # The second one has its first segment and whatever the first has left it.
    assert kept[0] == 3000 and 0 < kept[1] < 3000
    application = [path for path in segments(bench.spool) if not path.name.startswith("daemon-")]
    assert len(application) <= 5
    server = server_class(server.port)
    try:
        process.communicate("\n")
        bench.finish(daemon)
        by_product = {session["line"]["product"]: session for session in server.sessions.values()}
        for product, count in zip(["P", "other"], kept):
            session = by_product[product]
            assert len([r for r in session["records"] if r.get("name") == "filled"]) == count
            assert session["line"]["dropped"] == 3000 - count
            assert session["lost"] == []
    finally:
        server.close()


def test_the_whole_spool_keeps_its_quota_and_takes_records_again_when_there_is_room(bench, server_class, wait_for):
    server = server_class()
    server.close()
    body = FILL + "kept = 0\nfor line in sys.stdin:\n    kept = fill(session, 1500)\n    print(kept, flush=True)\n"
    first = bench.program(server.url, body)
    second = bench.program(server.url, body)
    limits = {"DATACAT_SPOOL_MAX_MB": "6"}
    daemons = [bench.hasty_daemon(bench.folder_of(process), **limits) for process in (first, second)]
    full = bench.spool / "full"
    kept = {first.pid: 0, second.pid: 0}
    written = dict(kept)

    def fill(process):
        process.stdin.write("\n")
        process.stdin.flush()
        written[process.pid] += 1500
        kept[process.pid] += int(process.stdout.readline())

    for _ in range(20):
        fill(first)
        time.sleep(0.3)
        if full.exists():
            break
    assert full.exists()
    before = size(bench.spool)
    fill(second)
    fill(second)
    fill(second)
    assert kept[second.pid] < written[second.pid]
    assert size(bench.spool) < before + 2 * MB
    server = server_class(server.port)
    try:
        wait_for(lambda: not full.exists(), "room in the spool")
        time.sleep(1.1)  # a writer that was refused tries again after a second
        assert kept[first.pid] and fill(first) is None
        for process in (first, second):
            process.communicate()
        for daemon in daemons:
            bench.finish(daemon)
        by_pid = {session["line"]["pid"]: session for session in server.sessions.values()}
        for process in (first, second):
            session = by_pid[process.pid]
            assert len([r for r in session["records"] if r.get("name") == "filled"]) == kept[process.pid]
            assert session["line"]["dropped"] == written[process.pid] - kept[process.pid]
    finally:
        server.close()
    assert bench.left() == []


def test_a_daemon_that_left_no_word_does_not_keep_writers_from_writing(bench, server):
    bench.spool.mkdir()
    full = bench.spool / "full"
    full.touch()
    code = "session.log_event('x')\nprint(session.sink.stats()['dropped'], flush=True)\nsys.stdin.readline()"
    fresh = bench.program(server.url, code)
    assert fresh.stdout.readline() == "1\n"
    os.utime(full, (time.time() - 61,) * 2)
    later = bench.program(server.url, code)
    assert later.stdout.readline() == "0\n"


def rejected(spool, name, days, whole=False, size=MB):
    """A session of which only what its server would not take is left, or one that was refused as a whole."""
    session = spool / f"{name}-1-00000000" / f"session{name}"
    folder = session / "rejected"
    folder.mkdir(parents=True)
    (folder / ("session.json" if whole else "w.0.json")).write_bytes(b"x" * size)
    if whole:
        (session / "manifest.json").write_text("{}")
    changed = time.time() - days * 86_400
    os.utime(folder, (changed, changed))
    return session


@pytest.mark.parametrize("whole", [False, True])
def test_what_servers_refused_is_kept_for_thirty_days(tmp_path, whole):
    old, young = rejected(tmp_path, "1", 31, whole), rejected(tmp_path, "2", 29, whole)
    quota.SpoolQuota(tmp_path, 100 * MB).keep()
    assert not old.parent.exists() and young.exists()
    assert not (tmp_path / "full").exists()


def test_a_full_spool_gives_up_the_oldest_refused_records_first(tmp_path):
    sessions = [rejected(tmp_path, str(days), days) for days in (3, 1, 2)]
    quota.SpoolQuota(tmp_path, 2 * MB + MB // 2).keep()
    assert [session.exists() for session in sessions] == [False, True, True]
    assert not (tmp_path / "full").exists()


def test_what_a_daemon_looks_after_is_not_removed(tmp_path):
    session = rejected(tmp_path, "1", 99)
    lock = quota.FileLock(session.parent / "daemon.lock")
    assert lock.take()
    quota.SpoolQuota(tmp_path, 1).keep()
    assert session.exists() and (tmp_path / "full").exists()
    lock.release()


def test_a_refused_session_goes_with_the_daemon_on_duty(bench, server, wait_for):
    """The real thing: its server will not have it, and a month later a daemon of the same spool clears it away."""
    server.bars = lambda line: line["product"] == "P"
    process, daemon = bench.run(server.url, "session.log_event('x')")
    process.wait()
    bench.finish(daemon)
    (folder,) = (path for path in bench.spool.iterdir() if path.is_dir())
    (left,) = folder.glob("*/rejected/session.json")
    assert "too long" in json.loads(left.read_text())["details"]
    month = time.time() - 31 * 86_400
    os.utime(left.parent, (month, month))
    server.bars = lambda line: False
    bench.finish(bench.run(server.url, "session.log_event('x')")[1])
    wait_for(lambda: bench.left() == [], "an empty spool")


def test_the_daemon_s_own_segments_do_not_count_for_the_process(tmp_path):
    session = tmp_path / "1-0-a" / "s"
    session.mkdir(parents=True)
    for number in range(5):
        (session / f"daemon-vitals-1-{number}.00000000.segment").touch()
    assert has_room(str(session), MB, MB)
    (session / "1-a-0.00000000.segment").touch()
    assert not has_room(str(session), MB, MB)
