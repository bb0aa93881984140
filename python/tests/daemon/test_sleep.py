"""A machine that sleeps is no hang: it is a session that was suspended and came back."""

from datacat_daemon.watching.sleep import Sleep, SleepWatch, through_sleep


def test_a_clock_that_ran_ahead_is_a_sleep():
    watch = SleepWatch()
    assert watch.look(100.0, 50.0, 1_000) is None
    assert watch.look(101.0, 51.0, 2_000) is None
    assert watch.look(3702.0, 52.0, 3_000) == Sleep(2_000, 3600.0)
    assert watch.look(3703.0, 53.0, 4_000) is None


def test_the_clock_that_goes_on_does_not_go_back():
    assert through_sleep() <= through_sleep()


# Sending this machine to sleep would stop the tests too; so the one clock is set ahead, at the daemon's word only.
AFTER_A_SECOND_THE_CLOCK_JUMPS = """
import time
from datacat_daemon import daemon
begin = time.monotonic()
daemon.through_sleep = lambda: time.monotonic() + 1000 * (time.monotonic() > begin + 1)
"""


def test_a_sleep_is_told_to_the_session(bench, server):
    process = bench.program(server.url, "session.start_heartbeat_monitor(timeout=5)\nsys.stdin.readline()")
    daemon = bench.daemon(bench.folder_of(process), AFTER_A_SECOND_THE_CLOCK_JUMPS)
    resumed = server.wait_for_verdict("resumed")
    assert 999 < resumed["data"]["suspended_seconds"] < 1001
    process.communicate("go\n")
    bench.finish(daemon)
    assert server.verdicts() == ["suspended", "resumed", "ended"]
