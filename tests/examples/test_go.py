"""The Go program of the examples: built as it stands there, and what the server tells of each of its fates."""

import json
from pathlib import Path

import pytest
from go_toolchain import ROOT, race_detector
from support.golang import go

# With the tests of the client itself: they share what they compile.
pytestmark = pytest.mark.xdist_group("go")

EXAMPLE = ROOT / "examples" / "go"
SHORT = ("-for", "400ms", "-heartbeat-timeout", "400ms")


@pytest.fixture(scope="module")
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("go") / "observatory"
    done = go("-C", str(EXAMPLE), "build", *race_detector(), "-o", str(built), ".")
    assert done.returncode == 0, done.stdout
    return built


def test_a_night_ends_with_all_that_it_logged(stage, observatory):
    done = stage.run(observatory, *SHORT)
    assert (done.returncode, done.stderr) == (0, "")
    session = stage.session(done.stdout.split()[1], "ended")
    assert done.stdout == f"Session {session['id']}\nSee it: datacat show {session['id'][:8]}\n"
    assert (session["product"], session["version"]) == ("Observatory", "2.1")
    state = session["state"]
    assert (state["dome"], state["camera"], "target" in state) == ("closed", {"filter": "red", "gain": 4}, False)
    taken = state["pictures"] + 1
    metrics = {metric["name"]: metric for metric in session["metrics"]}
    assert {name: metric["type"] for name, metric in metrics.items()} == {
        "exposure": "timer",
        "pictures": "counter",
        "seeing": "histogram",
        "sensor_temperature": "gauge",
    }
    developed = [event for event in session["events"] if event["name"] == "picture_developed"]
    (damaged,) = (event for event in session["events"] if "exception_type" in event)
    assert (damaged["exception_msg"], damaged["source_function"]) == ("assignment to entry in nil map", "main.decode")
    assert len(developed) == metrics["pictures"]["value"] == taken - 1


@pytest.mark.parametrize(
    ("fate", "code", "reason"),
    [("panics", 2, "integer divide by zero"), ("exits", 3, "exit code 3"), ("killed", -9, "SIGKILL")],
)
def test_a_bad_end_is_told_for_what_it_is(stage, observatory, fate, code, reason):
    done = stage.run(observatory, *SHORT, "-fate", fate)
    assert done.returncode == code
    session = stage.session(done.stdout.split()[1], "crashed")
    assert reason in session["reason"]
    assert session["state"]["dome"] == "open"


@pytest.mark.parametrize("how", [(), ("-direct",)], ids=["daemon", "direct"])
def test_a_night_that_hangs_is_found_while_it_hangs(stage, observatory, how):
    process = stage.start(observatory, *SHORT, *how, "-fate", "hangs")
    session = stage.session(process.stdout.readline().split()[1], "hung")
    process.kill()
    process.communicate()
    (hang,) = (event for event in session["events"] if event["name"] == "application_appears_hung")
    if how:
        assert "waitForDome" in json.dumps(hang["data"]["stacks"])
