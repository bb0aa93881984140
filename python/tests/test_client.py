"""Every call of a session, in every Python: what it puts into the flight recorder."""

import json
import sys
from pathlib import Path

import pytest
from datacat.control import ENDED_BY_CALL
from datacat.segment import MAX_PAYLOAD, URGENT
from support.spools import run_program, sessions_in

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module")
def every_call(interpreter, tmp_path_factory):
    spool = tmp_path_factory.mktemp("spool")
    done = run_program(spool, [interpreter, PROGRAMS / "every_call.py"])
    assert done.returncode == 0, done.stderr
    (left,) = sessions_in(spool)
    session_id, _, report = done.stdout.partition("\n")
    assert left.manifest["session_id"] == session_id
    return left, json.loads(report)


def test_the_manifest_says_what_the_session_is(every_call):
    manifest = every_call[0].manifest
    assert (manifest["product"], manifest["version"], manifest["format"]) == ("EveryCall", "1.0", 1)
    assert manifest["server_url"] == "http://127.0.0.1:9"
    assert len(manifest["machine_id"]) == 32
    assert manifest["facts"]["argv"][0].endswith("every_call.py")


def test_a_program_without_a_script_is_called_python(interpreter, tmp_path):
    code = "import datacat; datacat.create_session()"
    run_program(tmp_path / "spool", [interpreter, "-c", code])
    (left,) = sessions_in(tmp_path / "spool")
    assert left.manifest["product"] == "python"


def test_state_and_events_are_recorded_as_they_were_logged(every_call):
    left, _ = every_call
    assert left.of("state") == [{"state": {"level": 1, "player": {"health": 100}}}]
    assert left.of("event", "moved") == [{"name": "moved", "data": {"x": 10, "y": 20}}]
    assert left.of("event", "bare") == [{"name": "bare"}]
    assert left.of("event", "full") == [
        {
            "name": "full",
            "level": "warning",
            "category": "loading",
            "labels": ["a", "b"],
            "message": "a sentence",
            "data": {"k": 1},
            "group": "g",
        }
    ]
    assert left.of("event", "at_level") == [
        {"name": "at_level", "level": "debug", "data": {"k": 2}},
        {"name": "at_level", "level": "error"},
    ]
    assert left.of("event", "tagged") == [{"name": "tagged", "labels": ["map:harbour"], "data": {"value": [1, 2]}}]
    assert left.of("event", "42") == [{"name": "42", "data": {"x": 1}}]


def test_what_json_cannot_hold_becomes_its_repr(every_call):
    left, _ = every_call
    assert left.of("event", "nan")[0]["data"] == {"nan": "nan", "inf": "inf", "null": None}
    assert left.of("event", "values")[0]["data"]["when"] == "datetime.date(2026, 11, 21)"
    assert left.of("event", "values")[0]["data"]["money"] in ("Decimal('1.50')", 'Decimal("1.50")')
    assert left.of("event", "hostile")[0]["data"] == {"it": "<Hostile whose repr raises RuntimeError>"}
    keys = left.of("event", "keys")[0]["data"]
    assert keys == {"1": "one", "(1, 2)": "pair", "null": "none"}
    text = left.of("event", "text")[0]["data"]
    assert (text["emoji"], text["umlaut"]) == ("\U0001f680", "\xfc")
    text["half"].encode()  # no half of a surrogate pair is left in it


def test_cycles_and_what_is_too_deep_or_too_large_are_cut_and_marked(every_call):
    left, _ = every_call
    assert left.of("event", "cycle")[0]["data"] == {"me": "<cycle: this dict contains itself>"}
    assert "<cut: list at depth" in json.dumps(left.of("event", "deep"))
    big = left.of("event", "big")[0]["data"]
    assert big["text"].endswith("[cut: 5000000 characters in all]")
    assert big["int"].startswith("1208925819614629174706176")
    (many,) = left.of("event", "many")
    assert "cut" in json.dumps(many)
    assert max(len(record.payload) for record in left.raw) <= MAX_PAYLOAD


def test_the_four_metric_types(every_call):
    left, _ = every_call
    assert left.of("metric", "fps") == [
        {"name": "fps", "type": "gauge", "value": 60.0, "unit": "fps", "tags": ["map:harbour"]}
    ]
    assert left.of("metric", "enemies_defeated") == [
        {"name": "enemies_defeated", "type": "counter", "delta": 1},
        {"name": "enemies_defeated", "type": "counter", "delta": 4, "tags": ["map:harbour"]},
    ]
    assert left.of("metric", "frame_time")[0]["buckets"] == [0.01, 0.02]
    assert left.of("metric", "load") == [{"name": "load", "type": "timer", "value": 1.5, "unit": "seconds", "count": 3}]
    block = left.of("metric", "block")[0]
    assert block["count"] == 7 and block["value"] >= 0
    assert left.of("metric", "memory_usage")[0]["tags"] == ["app:myapp"]


def test_an_exception_has_its_type_its_traceback_and_its_place(every_call):
    left, _ = every_call
    caught, nothing = left.of("event", "exception")
    assert caught["exception_type"] == "KeyError"
    assert caught["message"] == "KeyError: 'spawn_point'"
    assert caught["stacktrace"][-1] == "KeyError: 'spawn_point'"
    assert caught["source_file"].endswith("every_call.py")
    assert caught["source_function"] == "<module>"
    assert caught["data"] == {"context": "load_level"}
    assert caught["level"] == "error"
    if "2.7" not in left.manifest["facts"]["python"]:  # there an exception outlives its except clause
        assert "no exception was being handled" in nothing["message"]
    assert [record.flags for record in left.raw if b'"exception_type"' in record.payload] == [URGENT, URGENT]


def test_logging_goes_into_the_session(every_call):
    (log,) = every_call[0].of("event", "log")
    assert (log["level"], log["group"], log["message"]) == ("warning", "engine.gpu", "pool over budget by 3")
    assert log["data"]["pool"] == "terrain"


def test_the_handles_answer(every_call):
    left, report = every_call
    assert report["running"] == [True, False]
    assert report["stats"] == {"sent": 0, "dropped": 0, "queued": len(left.records)}
    assert report["flushed"] is False
    assert report["details"]["id"] == left.manifest["session_id"]
    assert "did not answer" in report["details"]["error"]
    assert report["end"]["status"] == "ok"
    assert left.control["beats"] >= 4
    assert left.control["monitoring"] == 0
    assert left.control["timeout_us"] == 60_000_000
    assert left.control["end_kind"] == ENDED_BY_CALL
    assert left.control["ended_us"] > left.manifest["created_us"]


def test_orjson_and_the_standard_library_record_the_same(tmp_path):
    lefts = []
    for mode in ("stdlib", "fastest"):
        done = run_program(tmp_path / mode, [sys.executable, PROGRAMS / "every_call.py"], DATACAT_JSON=mode)
        assert done.returncode == 0, done.stderr
        lefts.append(sessions_in(tmp_path / mode)[0])
    varying = ("block", "log", "load")
    stdlib, fastest = ([body for _, body in left.records if body.get("name") not in varying] for left in lefts)
    assert stdlib == fastest
