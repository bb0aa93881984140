"""However a process dies, its end has a reason of its own, by pidfd and by polling alike."""

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and pidfd")

WAYS = {"pidfd": "", "poll": "import os\ndel os.pidfd_open"}
DEATHS = {
    "os._exit": ("os._exit(4)", "exit", "exited with code 4 without ending the session"),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", "signal", "killed by SIGKILL (kill -9"),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", "signal", "killed by SIGTERM (asked to terminate)"),
    "SIGSEGV": ("ctypes.string_at(0)", "signal", "killed by SIGSEGV (segmentation fault)"),
    "SIGABRT": ("os.abort()", "signal", "killed by SIGABRT (aborted)"),
    "exception": ("raise ValueError('deep water')", "exception", "uncaught exception ValueError: deep water"),
    "thread": (
        "import threading\nthreading.Thread(target=lambda: os._exit(5)).start()\ntime.sleep(60)",
        "exit",
        "exited with code 5 without ending the session",
    ),
}


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("way", WAYS)
def test_every_death_has_a_reason_of_its_own(bench, server, way, death):
    code, kind, reason = DEATHS[death]
    process = bench.program(server.url, "sys.stdin.readline()\n" + code)
    daemon = bench.daemon(bench.folder_of(process), WAYS[way])
    server.wait_for_session()
    process.stdin.write("go\n")
    process.stdin.flush()
    record = server.wait_for_verdict("crashed")
    bench.finish(daemon)
    assert server.verdicts() == ["crashed"]
    assert record["data"]["kind"] == kind
    assert record["reason"].startswith(reason)
    if death in ("SIGSEGV", "SIGABRT"):
        assert record["data"]["stacks"]
