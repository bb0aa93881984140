"""Examples of what goes on within and between processes: an asyncio service, and a pool of workers."""

import json
import signal
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SERVICE = (sys.executable, EXAMPLES / "asyncio_service.py")
POOL = (sys.executable, EXAMPLES / "multiprocessing_workers.py")

# One server for all of them.
pytestmark = pytest.mark.xdist_group("examples of processes")


def named(session, name):
    return [event for event in session["events"] if event["name"] == name]


def test_the_service_measures_its_requests_and_ends_gracefully(stage):
    process = stage.start(*SERVICE, "--stay")
    session_id, listening = process.stdout.readline().split()[1], process.stdout.readline()
    told = "lamp 24.0, candle 3.5, discount (try again later), lantern 61.0, moon (there is no moon)"
    for number in (1, 2, 3, 4):
        assert process.stdout.readline() == f"client {number}: {told}, invoice (there is no invoice)\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.read() == f"See it: datacat show {session_id[:8]}\n"
    assert process.wait() == 0
    process.communicate()
    session = stage.session(session_id, "ended")
    port = session["state"]["port"]
    assert listening == f"listening on 127.0.0.1:{port}\n"
    assert (session["state"]["stage"], session["state"]["connections"]) == ("stopping", 0)
    requests = [metric for metric in session["metrics"] if metric["name"] == "request_seconds"]
    assert (requests[-1]["type"], requests[-1]["count"]) == ("histogram", 24)
    totals = {metric["tags"][0]: metric["value"] for metric in session["metrics"] if metric["name"] == "requests"}
    assert totals == {"status:ok": 12, "status:failed": 4, "status:unknown": 8}
    assert {event["exception_type"] for event in named(session, "exception")} == {"ZeroDivisionError"}
    assert not named(session, "application_appears_hung")


def test_a_call_that_blocks_the_loop_is_one_hang_with_its_stack_and_a_recovery(stage):
    done = stage.run(*SERVICE, "--clients", "2", "--block", "2", "--hang-after", "0.5")
    assert done.returncode == 0, done.stderr
    session = stage.session(done.stdout.split()[1], "ended")
    (hang,) = named(session, "application_appears_hung")
    assert "print_invoice" in json.dumps(hang["data"]["stacks"])
    assert named(session, "application_recovered")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_that_is_killed_has_crashed_at_its_task_and_the_others_do_the_rest(stage, method):
    done = stage.run(*POOL, "--method", method)
    assert (done.returncode, done.stderr) == (0, "")
    *lines, last_line = done.stdout.splitlines()
    pool, first, killed, last = (line.split()[1] for line in lines)
    assert last_line == f"See it: datacat show {pool[:8]}"
    of_pool = stage.session(pool, "ended")
    (lost,) = named(of_pool, "worker_lost")
    assert (lost["data"]["worker"], lost["data"]["exitcode"]) == (killed, -9)
    assert of_pool["state"]["workers"] == [first, killed, last]
    assert len(named(of_pool, "thumbnail")) == 9
    crashed = stage.session(killed, "crashed")
    assert "SIGKILL" in crashed["reason"]
    assert (crashed["state"]["pool"], crashed["state"]["worker"]) == (pool, 1)
    others = [stage.session(worker, "ended") for worker in (first, last)]
    assert sum(len(named(worker, "shrunk")) for worker in others) + len(named(crashed, "shrunk")) in (9, 10)
    assert [worker["product"] for worker in others] == ["Thumbnails worker"] * 2


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_under_datacat_run_the_pool_is_one_session(stage, method):
    done = stage.run("datacat", "run", "--product", "Pool", "--", *POOL, "--spare", "--method", method)
    assert (done.returncode, done.stderr) == (0, "")
    session_id, *workers = (line.split()[1] for line in done.stdout.splitlines()[:-1])
    session = stage.session(session_id, lambda found: found["status"] == "ended" and len(named(found, "shrunk")) == 9)
    assert len(named(session, "process_joined")) == 4
    assert [str(pid) for pid in session["state"]["workers"]] == workers and len(set(workers)) == 3
    assert len(named(session, "thumbnail")) == 9


FAILING = """
import multiprocessing_workers
def take(pool, pipe): raise OSError("the disk is full")
multiprocessing_workers.Pool.take = take
multiprocessing_workers.main()
"""


def test_a_pool_whose_parent_fails_ends_with_all_its_workers(stage):
    done = stage.run(sys.executable, "-c", FAILING, "--workers", "2", PYTHONPATH=str(EXAMPLES))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "OSError: the disk is full")
    done = stage.run(*POOL, "--workers", "1")
    assert (done.returncode, "--workers: one is killed" in done.stderr) == (2, True)


def test_a_program_that_does_not_end_fails_its_test(stage):
    with pytest.raises(pytest.fail.Exception, match="had not ended"):
        stage.run(sys.executable, "-c", "import time; time.sleep(60)", seconds=0.1)
