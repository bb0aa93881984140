"""A spool that was laid into a folder with other things in it: what no client has made is left as it is."""

import os
import time

HASTE = """
from datacat_daemon import daemon, janitor
from datacat_daemon.watching import process_watch
daemon.DUTY_SECONDS = daemon.SCAN_SECONDS = 0.1
janitor.GRACE_SECONDS = process_watch._UNNAMED_SECONDS = 0.2
"""


def content_of(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.glob("**/*")}


def ended(server):
    """How many sessions have a verdict."""
    return sum(server.verdicts(session) == ["crashed"] for session in list(server.sessions))


def test_daemons_leave_what_is_not_theirs_and_do_not_count_it(bench, server, wait_for):
    long_ago = time.time() - 99 * 86_400
    for name in ("Documents/work", "2026-11-report", "1-2-3/rejected", "photos/rejected", ".cache/123"):
        folder = bench.spool / name
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"precious" * 400_000)
        for path in (folder, folder.parent):
            os.utime(path, (long_ago, long_ago))
    before = content_of(bench.spool)
    program = bench.program(server.url, "session.log_event('here')\nsys.stdin.readline()\nos._exit(3)")
    daemon = bench.daemon(bench.folder_of(program), HASTE, DATACAT_SPOOL_MAX_MB="8")
    abandoned = bench.program(server.url, "session.log_event('left')\nos._exit(4)")
    wait_for(lambda: ended(server) == 1, "what was left behind")  # so folders were looked through
    time.sleep(1.0)
    assert not (bench.spool / "full").exists()
    program.communicate("\n")
    abandoned.communicate()
    bench.finish(daemon)
    (bench.spool / "janitor.lock").unlink()
    assert content_of(bench.spool) == before
    assert ended(server) == 2
