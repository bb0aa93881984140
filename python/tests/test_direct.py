"""Direct mode: one plain HTTP request a call, against a real server, in every Python."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from datacat import DatacatClient, DatacatError, create_session
from support.reading import get, wait_for
from support.spools import environment

PROGRAM = """
import json, sys, datacat
session = datacat.create_session(sys.argv[1], product="Direct", version="2.0", use_daemon=False, async_mode=%s)
session.update_state({"level": 1, "player": {"health": 100}})
session.update_state({"player": {"health": 64}})
session.log_event("moved", {"x": 10})
session.log_event("saved", level="warning", labels=["a"])
session.log_gauge("fps", 60.0, unit="fps")
session.log_counter("kills", 2)
session.log_counter("kills")
session.log_histogram("frame_time", 0.016)
try:
    {}["spawn_point"]
except KeyError:
    session.log_exception()
session.start_heartbeat_monitor(timeout=60)
session.heartbeat()
flushed = session.flush(30)
details = session.get_details()
session.end()
json.dump([session.session_id, flushed, session.sink.stats(), details["active"]], sys.stdout)
"""


@pytest.mark.parametrize("async_mode", [False, True])
def test_every_call_is_one_request_that_the_server_answers(interpreter, server, tmp_path, async_mode):
    done = subprocess.run(
        [interpreter, "-c", PROGRAM % async_mode, server.url],
        env=environment(tmp_path / "spool"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    session_id, flushed, stats, was_active = json.loads(done.stdout)
    assert (flushed, was_active) == (True, True)
    assert (stats["dropped"], stats["queued"]) == (0, 0)
    session = DatacatClient(server.url).get_session(session_id)
    assert (session["product"], session["version"]) == ("Direct", "2.0")
    assert session["state"]["player"] == {"health": 64}
    assert [event["name"] for event in session["events"]] == ["moved", "saved", "exception"]
    assert session["events"][2]["exception_type"] == "KeyError"
    totals = [metric["value"] for metric in session["metrics"] if metric["name"] == "kills"]
    assert totals == [2, 3]
    assert session["last_heartbeat"] is not None
    assert (session["active"], session["crashed"]) == (False, False)
    assert not (tmp_path / "spool").exists()


def test_the_client_speaks_the_rest_api(server):
    client = DatacatClient(server.url)
    session_id = client.create_session("Tool", "1")
    assert client.update_state(session_id, {"status": "running"})["status"] == "ok"
    assert client.log_event(session_id, "user_login", {"user": "alice"})["status"] == "ok"
    assert client.log_event(session_id, "slow", level="warning", message="took long")["status"] == "ok"
    assert client.log_metric(session_id, "cpu_usage", 45.2, tags=["app:myapp"])["status"] == "ok"
    assert client.heartbeat(session_id)["status"] == "ok"
    assert client.end_session(session_id)["status"] == "ok"
    session = client.get_session(session_id)
    assert session["state"]["status"] == "running"
    assert [event["level"] for event in session["events"]] == ["info", "warning"]
    assert session["metrics"][0]["tags"] == ["app:myapp"]
    assert [one["id"] for one in client.get_all_sessions()] == [session_id]


def test_a_session_may_be_registered_as_it_may_be_created(server):
    client = DatacatClient(server.url)
    session = client.get_session(client.register_session("Tool", "2", hostname="bluebird"))
    assert (session["product"], session["version"], session["hostname"]) == ("Tool", "2", "bluebird")


def test_an_unknown_session_and_a_bad_record_say_what_is_wrong(server):
    client = DatacatClient(server.url)
    with pytest.raises(DatacatError) as caught:
        client.get_session("no-such-session")
    assert caught.value.status == 404
    answer = client.log_event("no-such-session", "x")
    assert answer["status"] == "error" and answer["details"]
    session_id = client.create_session("Tool", "1")
    answer = client.log_metric(session_id, "fps", "many")
    assert "value" in answer["details"]


def test_with_no_server_calls_return_and_reading_raises():
    client = DatacatClient("http://127.0.0.1:9", timeout=1)
    assert client.log_event("id", "x")["error"] == "no_answer"
    with pytest.raises(DatacatError, match="is the server running"):
        client.get_all_sessions()
    session = create_session("http://127.0.0.1:9", product="p", use_daemon=False)
    session.log_event("x")
    assert session.sink.stats() == {"sent": 0, "dropped": 1, "queued": 0}
    session.end()


def test_a_session_that_began_without_a_server_is_there_once_one_starts(tmp_path):
    from support.servers import Server

    first = Server(tmp_path / "data")
    port = first.port
    first.stop()
    session = create_session(f"http://127.0.0.1:{port}", product="Early", use_daemon=False)
    session.log_event("lost")
    second = Server(tmp_path / "data", port)
    try:
        session.log_event("kept")
        session.end()
        events = session.get_details()["events"]
    finally:
        second.stop()
    assert [event["name"] for event in events] == ["kept"]


def test_a_silent_heartbeat_is_logged_by_the_process_itself(server):
    code = """
import sys, time, datacat
session = datacat.create_session(sys.argv[1], product="Direct", use_daemon=False)
session.start_heartbeat_monitor(timeout=0.2)
deadline = time.time() + 20
def logged(name):
    return name in [event["name"] for event in session.get_details()["events"]]
while not logged("application_appears_hung") and time.time() < deadline:
    time.sleep(0.05)
session.heartbeat()
while not logged("application_recovered") and time.time() < deadline:
    session.heartbeat()
    time.sleep(0.05)
print(logged("application_appears_hung"), logged("application_recovered"))
"""
    own = environment(Path("unused"))
    done = subprocess.run([sys.executable, "-c", code, server.url], env=own, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True"], done.stderr


def test_a_full_queue_drops_and_counts(tmp_path):
    session = create_session("http://127.0.0.1:9", product="p", use_daemon=False, async_mode=True, queue_size=5)
    for number in range(100000):
        session.log_event("x", {"n": number})
        if session.get_stats()["dropped"] > 20:
            break
    assert session.get_stats()["dropped"] > 20
    session.shutdown(timeout=0.1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_that_finishes_does_not_end_its_parents_session(server, tmp_path):
    code = """
import os, sys, datacat
session = datacat.create_session(sys.argv[1], product="Direct", use_daemon=False)
if os.fork() == 0:
    sys.exit(0)
os.wait()
print(session.get_details()["active"])
"""
    own = environment(tmp_path / "spool")
    done = subprocess.run([sys.executable, "-c", code, server.url], env=own, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_sends_from_a_thread_of_its_own(server, tmp_path):
    code = """
import os, sys, datacat
session = datacat.create_session(sys.argv[1], product="Direct", use_daemon=False, async_mode=True)
session.log_event("parent")
session.flush(30)
if os.fork() == 0:
    session.log_event("child")
    print(session.flush(30), session.get_stats()["queued"], flush=True)
    os._exit(0)
os.wait()
session.log_event("after")
session.flush(30)
print([event["name"] for event in session.get_details()["events"]])
"""
    own = environment(tmp_path / "spool")
    done = subprocess.run([sys.executable, "-c", code, server.url], env=own, capture_output=True, text=True)
    assert done.stdout == "True 0\n['parent', 'child', 'after']\n", done.stderr


def test_details_without_a_server_are_what_is_known_here(tmp_path):
    code = """
import datacat, json, os
session = datacat.create_session(product="Alone", version="7")
details = session.get_details()
assert details.pop("error") and details.pop("id") == session.session_id and details.pop("pid") == os.getpid()
print(json.dumps(details, sort_keys=True))
"""
    own = environment(tmp_path / "spool")
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"active": True, "product": "Alone", "state": None, "version": "7"}, done.stderr


@pytest.mark.parametrize("record", ["", "session.log_event('x')"])
def test_details_at_once_after_the_session_was_made_are_the_servers(server, tmp_path, record):
    code = f"""
import sys, datacat
session = datacat.create_session(sys.argv[1], product="Newborn")
{record}
flushed, details = session.flush(30), session.get_details()
print(flushed, details["product"], "error" in details)
"""
    own = environment(tmp_path / "spool")
    del own["DATACAT_DAEMON"]
    done = subprocess.run([sys.executable, "-c", code, server.url], env=own, capture_output=True, text=True)
    assert done.stdout == "True Newborn False\n", done.stderr
    wait_for(lambda: get(server.url + "/api/sessions?status=ended")["sessions"])  # its daemon has nothing left to do


def test_details_of_a_session_that_has_just_begun_are_there(server, tmp_path):
    code = """
import sys, datacat
session = datacat.create_session(sys.argv[1], product="Young")
session.log_event("x")
print(session.get_details()["product"])
"""
    own = environment(tmp_path / "spool")
    del own["DATACAT_DAEMON"]
    done = subprocess.run([sys.executable, "-c", code, server.url], env=own, capture_output=True, text=True)
    assert done.stdout == "Young\n", done.stderr
    wait_for(lambda: get(server.url + "/api/sessions?status=ended")["sessions"])  # its daemon has nothing left to do
