"""The pytest plugin of the examples, and the comparison of runs: what the server tells of real test runs afterwards."""

import json
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.reading import get
from support.stage import Stage

EXAMPLE = Path(__file__).parents[2] / "examples" / "testing"
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q")
XDIST = ("-p", "xdist", "-p", "xdist.looponfail", "-n")

ALONE = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"
}  # the plugins of this project's tests take longer to load than these run

# One server for all of them.
pytestmark = pytest.mark.xdist_group("examples of testing")
FATES = """
import ctypes, os, time, warnings, pytest
fate = os.environ.get("FATE", "").split()
def test_steady(): assert "bad" not in fate
def test_slow(): time.sleep(2 if "slow" in fate else 0)
def test_fate():
    if "segfault" in fate: ctypes.string_at(0)
    if "hang" in fate: time.sleep(60)
@pytest.fixture
def table():
    yield
    if "spill" in fate: raise OSError("the table is not cleared away")
def test_guest(table): print("good evening")
"""
ODD = """
class Odd(Exception):
    def __str__(self): raise ValueError("no words")
def test_odd(): raise Odd
def test_after(): pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example, as a reader would take it into a project, and a test file that fares as $FATE says."""
    copy = tmp_path / "testing"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    copy.joinpath("fates.py").write_text(FATES)
    return copy


def run_of(stage: Stage, folder: Path, *words: str, product: str, **environment: str) -> tuple[str, str, int]:
    """A test run: the id of its session, what it printed, and its exit code."""
    own = {"DATACAT_VERSION": "1", **ALONE, **environment, "DATACAT_PRODUCT": product}
    done = stage.run(*PYTEST, *words, cwd=folder, **own)
    (told,) = [line for line in done.stdout.splitlines() if line.startswith("DataCat has")] or ["?"]
    return told.split()[-1], done.stdout, done.returncode


def results_in(session: dict) -> dict[str, dict]:
    """The data of each test's event, by the test's short name."""
    found = [event["data"] for event in session["events"] if event["category"] == "test" and "test" in event["data"]]
    return {data["test"].partition("::")[2]: data for data in found}


def flaky(stage: Stage, folder: Path, *words: str) -> tuple[int, dict]:
    done = stage.run(sys.executable, "flaky.py", "--json", *words, cwd=folder)
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    return done.returncode, {finding["test"].partition("::")[2]: finding for finding in answer["findings"]}


@pytest.mark.parametrize("how", [(), (*XDIST, "2")], ids=["plain", "xdist"])
def test_a_test_run_is_a_session_with_an_event_for_each_test_and_each_failure(stage, folder, how):
    product = f"Shop tests {len(how)}"
    run, _, code = run_of(stage, folder, *how, product=product, SHOP_SEED="1")
    assert code == 1
    session = stage.session(run, "ended")
    tests = results_in(session)
    outcomes = {name: data["outcome"] for name, data in tests.items()}
    assert outcomes == {
        "test_what_is_in_the_basket_is_paid[lamp]": "passed",
        "test_what_is_in_the_basket_is_paid[candle]": "passed",
        "test_from_100_euro_on_there_is_a_discount": "passed",
        "test_nothing_is_sold_that_is_not_there": "passed",
        "test_the_parcel_goes_with_the_cheapest_courier": "failed",
        "test_a_basket_goes_to_two_addresses": "xfailed",
        "test_the_invoice_is_printed": "skipped",
    }
    assert tests["test_the_invoice_is_printed"]["why"] == "Skipped: $SHOP_PRINTER names no printer"
    failed = tests["test_the_parcel_goes_with_the_cheapest_courier"]
    assert (failed["phase"], failed["seconds"]["call"] > 0.01) == ("call", True)
    (exception,) = (event for event in session["events"] if "exception_type" in event)
    assert exception["exception_type"] == "AssertionError"
    assert exception["source_function"] == "test_the_parcel_goes_with_the_cheapest_courier"
    assert not any("_pytest" in line for line in exception["stacktrace"])
    assert exception["data"]["test"].endswith(exception["source_function"])
    assert session["state"]["counts"] == {"passed": 4, "failed": 1, "xfailed": 1, "skipped": 1}
    assert session["state"]["running"] == []
    (end,) = (event for event in session["events"] if event["name"] == "run_finished")
    assert end["data"]["exit"] == "tests_failed"
    assert {metric["name"] for metric in session["metrics"]} == {"test_setup", "test_call", "test_teardown"}
    if how:
        workers = stage.sessions_of(product + " worker", 2)
        assert [stage.session(worker["id"], "ended")["state"]["run"] for worker in workers] == [run, run]


def test_a_fixture_that_fails_is_told_with_its_phase_and_what_was_printed(stage, folder):
    run, _, _ = run_of(stage, folder, "fates.py", product="Fixtures", FATE="spill")
    session = stage.session(run, "ended")
    told = results_in(session)["test_guest"]
    assert (told["outcome"], told["phase"], told["why"]) == (
        "error",
        "teardown",
        "OSError: the table is not cleared away",
    )
    assert told["output"] == "good evening\n"


def test_an_exception_that_cannot_be_printed_fails_its_own_test_only(stage, folder):
    folder.joinpath("test_odd.py").write_text(ODD)
    run, _, code = run_of(stage, folder, "test_odd.py", product="Odd")
    session = stage.session(run, "ended")
    assert (code, {name: test["outcome"] for name, test in results_in(session).items()}) == (
        1,
        {"test_odd": "failed", "test_after": "passed"},
    )
    (error,) = (event for event in session["events"] if event.get("exception_type") == "Odd")
    assert error["exception_msg"] == "an exception that cannot be printed"


def test_a_file_that_cannot_be_collected_is_told(stage, folder):
    folder.joinpath("test_broken.py").write_text("import no_such_module\n")
    run, _, _ = run_of(stage, folder, product="Collection")
    session = stage.session(run, "ended")
    (error,) = (event for event in session["events"] if event["name"] == "collection_error")
    assert (error["group"], error["exception_type"]) == ("test_broken.py", "CollectionError")
    assert "No module named 'no_such_module'" in error["exception_msg"]
    assert session["state"]["counts"] == {"collection_errors": 1}


def test_a_run_that_dies_names_the_test_it_died_of(stage, folder):
    before, _, _ = run_of(stage, folder, "fates.py", product="Crash")
    words = ("fates.py", "-p", "no:faulthandler")
    _, printed, code = run_of(stage, folder, *words, product="Crash", FATE="segfault")
    assert code == -11, printed
    _, crashed = stage.sessions_of("Crash", 2)
    session = stage.session(crashed["id"], "crashed")
    assert "SIGSEGV" in session["reason"]
    assert (session["state"]["running"], session["state"]["phase"]) == (["fates.py::test_fate"], "call")
    code, findings = flaky(stage, folder, "--product", "Crash")
    assert (code, findings["test_fate"]["verdict"], findings["test_fate"]["outcomes"]) == (
        0,
        "flaky",
        ["passed", "crashed"],
    )
    assert "test_guest" not in findings  # it did not get its turn: that says nothing about it
    assert get(f"{stage.url}/api/sessions/{before}")["status"] == "ended"


def test_with_xdist_a_worker_that_dies_is_a_crash_of_its_own_and_the_run_goes_on(stage, folder):
    words = ("fates.py", *XDIST, "1", "--max-worker-restart", "1")
    run, printed, code = run_of(stage, folder, *words, product="Workers", FATE="segfault")
    assert code == 1, printed
    tests = results_in(stage.session(run, "ended"))
    assert (tests["test_fate"]["outcome"], tests["test_guest"]["outcome"]) == ("crashed", "passed")
    assert (tests["test_fate"]["worker"], list(tests["test_fate"]["seconds"])) == ("gw0", ["setup"])
    died, other = stage.sessions_of("Workers worker", 2)
    assert stage.session(died["id"], "crashed")["state"]["running"] == ["fates.py::test_fate"]
    stage.session(other["id"], "ended")


def test_with_each_worker_running_each_test_no_phases_are_mixed(stage, folder):
    words = ("fates.py", *XDIST, "2", "--dist", "each")
    run, printed, code = run_of(stage, folder, *words, product="Each", FATE="spill")
    assert code == 1, printed
    session = stage.session(run, "ended")
    assert session["state"]["counts"] == {"passed": 6, "error": 2}
    found = [
        event["data"] for event in session["events"] if "test" in (event["data"] or {}) and event["category"] == "test"
    ]
    assert {data["worker"] for data in found} == {"gw0", "gw1"}
    assert [list(data["seconds"]) for data in found] == [["setup", "call", "teardown"]] * 8


def test_a_test_that_hangs_is_found_with_its_stacks_while_it_hangs(stage, folder):
    words = ("fates.py", "--datacat-hang-after", "0.5", "--datacat-product", "Hang", "--datacat-url", stage.url)
    process = stage.start(*PYTEST, *words, cwd=folder, FATE="hang", DATACAT_URL="http://127.0.0.1:9", **ALONE)
    (run,) = stage.sessions_of("Hang", 1)
    session = stage.session(run["id"], "hung")
    assert session["state"]["running"] == ["fates.py::test_fate"]
    (event,) = (event for event in session["events"] if event["name"] == "application_appears_hung")
    assert "test_fate" in json.dumps(event["data"]["stacks"])
    process.kill()
    process.communicate()
    stage.session(run["id"], "crashed")


def test_between_runs_of_one_version_what_differs_is_flaky_and_between_versions_it_broke(stage, folder):
    def run(version, *fate):
        words = ("fates.py", "test_shop.py")
        stage.session(run_of(stage, folder, *words, product="Two", DATACAT_VERSION=version, **dict(fate))[0], "ended")

    of_two = ("--product", "Two", "--by", "1.5")  # what another program slows down by less is not told

    run("1", ("SHOP_SEED", "1"))
    run("1", ("SHOP_SEED", "2"))
    code, findings = flaky(stage, folder, *of_two)
    courier = "test_the_parcel_goes_with_the_cheapest_courier"
    assert (code, {name: found["verdict"] for name, found in findings.items()}) == (0, {courier: "flaky"})
    run("2", ("SHOP_SEED", "2"), ("FATE", "bad slow"))
    code, findings = flaky(stage, folder, *of_two, "--last", "3")
    verdicts = {name: found["verdict"] for name, found in findings.items()}
    assert (code, verdicts) == (1, {courier: "flaky", "test_steady": "broke", "test_slow": "slower"})
    assert findings["test_steady"]["outcomes"] == ["passed", "passed", "failed"]
    folder.joinpath("fates.py").write_text(FATES.replace("test_slow", "test_quick"))
    run("3", ("SHOP_SEED", "2"))
    code, findings = flaky(stage, folder, *of_two)
    verdicts = {name: found["verdict"] for name, found in findings.items()}
    assert (code, verdicts) == (0, {"test_steady": "mended", "test_quick": "new", "test_slow": "gone"})
    shown = stage.run(sys.executable, "flaky.py", "--product", "Two", "--last", "4", cwd=folder).stdout
    assert f"flaky   test_shop.py::{courier}  failed  passed  passed  passed" in shown


def test_what_cannot_be_compared_is_said_in_a_sentence(stage, folder):
    done = stage.run(sys.executable, "flaky.py", "--product", "nobody's", cwd=folder)
    assert (done.returncode, done.stderr) == (2, "error: there are fewer than two runs of nobody's\n")
    done = stage.run(sys.executable, "flaky.py", "no-such-id", "nor-this", cwd=folder)
    assert (done.returncode, done.stderr.partition(":")[0]) == (2, "error")
    done = stage.run(sys.executable, "flaky.py", "a", "b", "--url", "http://127.0.0.1:9", cwd=folder)
    assert done.returncode == 2
    assert re.fullmatch(r"error: http://127\.0\.0\.1:9 does not answer: [^\[]+\n", done.stderr), done.stderr
    for words in (["a", "b", "--url", "nonsense"], ["a b", "../c"]):
        done = stage.run(sys.executable, "flaky.py", *words, cwd=folder)
        assert (done.returncode, done.stderr.partition(":")[0]) == (2, "error"), done.stderr


def test_an_answer_that_is_no_datacat_servers_is_said_in_a_sentence(stage, folder):
    with answering(502, b"<html>") as proxy, answering(200, b"<html>") as page, answering(200, b"[1, 2]") as other:
        for url, said in ((proxy, "502 Bad Gateway"), (page, "as a DataCat server"), (other, "as a DataCat server")):
            done = stage.run(sys.executable, "flaky.py", "--product", "x", "--url", url, cwd=folder)
            assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr, done.stderr


@contextmanager
def answering(status: int, content: bytes) -> Iterator[str]:
    """The address of a server that gives each request the same answer."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
