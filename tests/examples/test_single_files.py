"""The examples of one file: each is run as a reader runs it, and the server is asked what it then knows."""

import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from datacat import Session
from support.interpreters import OWN, find, wanted
from support.reading import get
from support.spools import SOURCE

EXAMPLES = Path(__file__).parents[2] / "examples"
OLDEST_AND_OWN = list(dict.fromkeys([wanted()[0], OWN]))
NOT_OF_A_PROGRAM_LIKE_THIS = {"log_fields", "monitor_event_loop"}  # for libraries; for asyncio

# One server for all of them.
pytestmark = pytest.mark.xdist_group("examples of one file")


@pytest.fixture(params=OLDEST_AND_OWN)
def python(request):
    """The oldest interpreter, Python 2.7 where there is one, and the one that runs the tests."""
    return find(request.param)


def run(stage, name, *options, python=sys.executable, exit_code=0, **environment):
    """Run an example to its end; what it printed, its errors too, and the id of its session."""
    if python != sys.executable:
        environment["PYTHONPATH"] = str(SOURCE)
    done = stage.run(python, EXAMPLES / name, *options, **environment)
    assert done.returncode == exit_code, done.stderr
    session_id = re.search(r"^Session (\S+)$", done.stdout, re.MULTILINE)[1]
    assert f"See it: datacat show {session_id[:8]}\n" in done.stdout or name == "offline.py"  # its server is gone
    return done.stdout + done.stderr, session_id


def named(session, name):
    return [event for event in session["events"] if event["name"] == name]


def values(session, name):
    return [metric["value"] for metric in session["metrics"] if metric["name"] == name]


def newest(session, name):
    """The newest record of a metric, by its tags in order."""
    return {tuple(sorted(metric["tags"])): metric for metric in session["metrics"] if metric["name"] == name}


def test_basic_shows_each_picture_in_every_python(stage, interpreter):
    _, session_id = run(stage, "basic.py", python=interpreter)
    session = stage.session(session_id, "ended")
    assert (session["product"], session["version"]) == ("Photo Album", "2.3.0")
    assert session["state"]["album"] == {"name": "Norway", "pictures": 4, "newest": "northern lights.jpg"}
    assert [event["name"] for event in session["events"]].count("picture_imported") == 4
    (skipped,) = named(session, "picture_skipped")
    assert (skipped["level"], skipped["data"]) == ("warning", {"file": "moose.jpg"})
    assert values(session, "picture_size") == [4.1, 3.8, 5.2, 6.4]
    assert values(session, "pictures_imported")[-1] == 4


def test_window_tracking_is_found_by_a_window_that_is_closed_and_its_peak_of_memory_is_told(stage, python):
    said, session_id = run(stage, "window_tracking.py", python=python)
    session = stage.session(session_id, "ended")
    assert session["state"]["window_state"] == {
        "open": ["star map"],
        "active": "star map",
        "places": {"star map": {"x": 0, "y": 0, "maximized": False}},
    }
    places = [change["state"]["window_state"]["places"] for change in session["state_history"][2:]]
    assert {"x": 340, "y": 220, "maximized": False} in [place.get("space probe") for place in places]
    listing, question = (shlex.split(line) for line in said.splitlines() if line.startswith("  "))
    listed = subprocess.run([*listing, "--json"], env=stage.environment(), capture_output=True, text=True, check=True)
    assert session_id in listed.stdout
    answer = subprocess.run([*question, "-s"], capture_output=True, text=True, check=True).stdout
    assert f'"{session_id}"' in answer
    query = "name=memory_usage&aggregate=peak&ever_contains=window_state.open:space%20probe"
    peaks = {one["session_id"]: one["value"] for one in get(f"{stage.url}/api/metrics?{query}")["values"]}
    assert peaks[session_id] == 60 + 180 + 35 + 410


def test_heartbeat_finds_the_hang_with_its_stack_and_none_in_the_pause(stage):
    _, session_id = run(stage, "heartbeat.py", "--timeout", "1")
    session = stage.session(session_id, "ended")
    stacks = [str(hang["data"]["stacks"]) for hang in named(session, "application_appears_hung")]
    assert any("wake_up_network_drive" in stack for stack in stacks)
    assert not any("'upload'" in stack for stack in stacks)  # on a busy machine a frame may hang, but not the upload
    assert len(named(session, "application_recovered")) == len(stacks)
    assert named(session, "film_uploaded")
    assert session["state"]["export"] == {"frame": 40, "of": 40}


def test_exceptions_has_each_one_with_its_traceback_and_the_last_is_the_verdict(stage, python):
    _, session_id = run(stage, "exceptions.py", python=python, exit_code=1)
    session = stage.session(session_id, "crashed")
    assert "ZeroDivisionError" in session["reason"]
    chair, sent, archived, last = named(session, "exception")
    assert (chair["exception_type"], chair["data"]["invoice"]) == ("KeyError", 1041)
    assert (sent["exception_type"], sent["data"]) == ("NotSent", {"invoice": 1042, "attempt": 3})
    assert (archived["exception_type"], archived["data"]) == ("ValueError", {"thread": "archive"})
    assert (last["exception_type"], last["source_function"]) == ("ZeroDivisionError", "mean_price")
    if python != find("2.7"):
        assert "the mail server closed the connection" in "\n".join(sent["stacktrace"])
    problems = get(f"{stage.url}/api/problems?product=Invoice%20Robot")["problems"]
    assert {(one["kind"], one["type"]) for one in problems} >= {
        ("exception", "KeyError"),
        ("exception", "NotSent"),
        ("exception", "ValueError"),
        ("crash", "ZeroDivisionError"),
    }


def test_logging_handler_makes_each_line_an_event_from_its_level_on(stage, python):
    said, session_id = run(stage, "logging_handler.py", python=python)
    assert "looking for Moby Dick" in said
    events = stage.session(session_id, "ended")["events"]
    assert [(event["level"], event["group"], event["message"]) for event in events] == [
        ("info", "library.loans", "Ada has Moby Dick now"),
        ("warning", "library.loans", "Grace has to wait for The Odyssey"),
        ("error", "library.catalogue", "no such title: 'Ulysses'"),
        ("critical", "library.catalogue", "the catalogue is read-only from now on"),
    ]
    assert (events[1]["data"]["title"], events[1]["data"]["waiting"]) == ("The Odyssey", 4)
    assert (events[2]["exception_type"], events[2]["source_function"]) == ("KeyError", "lend")


def test_metric_types_shows_all_four_by_bed(stage, python):
    _, session_id = run(stage, "metric_types.py", python=python)
    session = stage.session(session_id, "ended")
    assert {metric["type"] for metric in session["metrics"]} == {"gauge", "counter", "histogram", "timer"}
    assert max(values(session, "temperature")) == 27
    assert len(values(session, "temperature")) == 48
    counts = [metric["count"] for metric in session["metrics"] if metric["name"] == "look_at_leaves"]
    assert sorted(counts) == [48] * 24 + [120] * 24
    water = newest(session, "litres_of_water")
    assert set(water) == {("bed:basil",), ("bed:tomatoes",)}
    assert values(session, "water_meter") == [81234.5]
    valve = newest(session, "valve_opened")[()]
    assert (valve["count"], [bucket["le"] for bucket in valve["buckets"]]) == (24, [0.1, 0.2, 0.4, 0.8, None])
    assert sum(bucket["count"] for bucket in valve["buckets"]) == 24


def test_counters_add_up_over_all_threads_and_are_printed(stage, python):
    said, session_id = run(stage, "counters.py", python=python)
    session = stage.session(session_id, "ended")
    totals = {tags: metric["value"] for tags, metric in newest(session, "parcels_sorted").items()}
    assert len(totals) == 8
    for belt in ("north", "east", "south", "west"):
        assert sum(total for (of_belt, _), total in totals.items() if of_belt == f"belt:{belt}") == 60
    for (belt, size), total in totals.items():
        assert re.search(rf"parcels_sorted +{belt}, {size} +{total:.0f}\n", said)


def test_frame_times_prints_what_the_buckets_say(stage):
    said, session_id = run(stage, "frame_times.py", "--frames", "40")
    session = stage.session(session_id, "ended")
    for (tag,), histogram in newest(session, "frame_time").items():
        bounds = [bucket["le"] for bucket in histogram["buckets"]]
        assert (bounds[3], bounds[5], bounds[-1]) == (pytest.approx(1 / 60), pytest.approx(1 / 30), None)
        late, very_late = (
            sum(bucket["count"] for bucket in histogram["buckets"] if not bucket["le"] or bucket["le"] > bound + 1e-6)
            / 40
            for bound in (1 / 60, 1 / 30)
        )
        line = rf"{tag}: 40 frames, mean [\d.]+ ms, p99 .*, late at 60 a second {late:.1%}, at 30 {very_late:.1%}\n"
        assert re.search(line, said)
        events = [event["data"] for event in named(session, "frame_late")]
        assert all(event["milliseconds"] > 33.3 for event in events)


def test_offline_delivers_what_waited_once_there_is_a_server(stage):
    said, _ = run(stage, "offline.py")
    before, after = said.split("DataCat is up")
    assert "Delivered: False. 9 records wait." in before
    assert "did not answer" in before
    assert "Delivered: True. 0 records wait." in after
    assert "{'name': 'Dogger Bank', 'battery': 0.88}, 6 metrics, and 1 event" in after


def test_offline_names_the_commands_where_the_server_is_not_installed(stage, tmp_path):
    tmp_path.joinpath("datacat-daemon").symlink_to(Path(sys.executable).with_name("datacat-daemon"))
    said, _ = run(stage, "offline.py", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert re.search(r"  datacat up --server-port \d+\n  datacat sync\n", said)


def test_complete_makes_every_call_of_a_session_and_all_of_it_arrives(stage):
    code = (EXAMPLES / "complete.py").read_text()
    calls = {name for name, _ in inspect.getmembers(Session, inspect.isfunction) if not name.startswith("_")}
    assert {name for name in calls if f"session.{name}(" not in code} == NOT_OF_A_PROGRAM_LIKE_THIS
    said, session_id = run(stage, "complete.py")
    session = stage.session(session_id, "ended")
    assert f"active: {len(session['events'])} events, {len(session['metrics'])} metrics" in said
    assert {event["level"] for event in session["events"]} == {"debug", "info", "warning", "error", "critical"}
    assert {metric["type"] for metric in session["metrics"]} == {"gauge", "counter", "histogram", "timer"}
    (delivery,) = named(session, "flour_delivered")
    assert (delivery["category"], delivery["group"], delivery["labels"]) == ("stock", "storeroom", ["flour", "rye"])
    assert session["state"]["oven"] == {"celsius": 230, "door": "closed"}
    assert "waiting_for" not in session["state"]
    assert named(session, "exception")[0]["data"] == {"bread": "cinnamon roll"}
    assert newest(session, "weight")[()]["count"] == 225
    assert not named(session, "application_appears_hung")
