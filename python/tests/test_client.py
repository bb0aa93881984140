"""Every call of a session, in every Python: what it puts into the flight recorder, and that it never raises."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from datacat.control import ENDED_BY_CALL, ENDED_BY_INTERPRETER, ENDED_BY_INTERRUPT
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


def end_of(interpreter, tmp_path, code, **more):
    """How a program that does `code` after create_session ends: (CompletedProcess, Left)."""
    program = tmp_path / "program.py"
    program.write_text("import datacat, os, sys, threading\nsession = datacat.create_session()\n" + code)
    done = run_program(tmp_path / "spool", [interpreter, program], **more)
    (left,) = sessions_in(tmp_path / "spool")
    return done, left


def test_finishing_without_end_is_a_clean_end(interpreter, tmp_path):
    done, left = end_of(interpreter, tmp_path, "session.log_event('last')\n")
    assert done.returncode == 0
    assert left.control["end_kind"] == ENDED_BY_INTERPRETER
    assert left.control["uncaught_us"] == 0
    assert left.manifest["product"] == "program"


def test_an_uncaught_exception_is_recorded_and_still_printed(interpreter, tmp_path):
    done, left = end_of(interpreter, tmp_path, "def fall():\n    raise ValueError('deep water')\nfall()\n")
    assert done.returncode == 1
    assert "ValueError: deep water" in done.stderr
    (event,) = left.of("event")
    assert event["exception_type"] == "ValueError"
    assert event["source_function"] == "fall"
    assert left.control["uncaught_us"] > 0


def test_an_exception_in_a_thread_is_recorded_and_the_program_ends_cleanly(interpreter, tmp_path):
    code = "t = threading.Thread(target=lambda: 1 / 0, name='loader')\nt.start()\nt.join()\n"
    done, left = end_of(interpreter, tmp_path, code)
    assert "ZeroDivisionError" in done.stderr
    assert left.control["end_kind"] == ENDED_BY_INTERPRETER
    assert left.control["uncaught_us"] == 0
    if tuple(map(int, left.manifest["facts"]["python"].split(".")[:2])) >= (
        3,
        8,
    ):  # older ones have no hook for threads
        (event,) = left.of("event")
        assert (event["exception_type"], event["data"]["thread"]) == ("ZeroDivisionError", "loader")


def test_the_applications_own_excepthook_is_called(interpreter, tmp_path):
    code = "raise ValueError('x')\n"
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nsys.excepthook = lambda *a: sys.stdout.write('my hook')\n"
        "import datacat\nsession = datacat.create_session()\n" + code
    )
    done = run_program(tmp_path / "spool", [interpreter, program])
    assert done.stdout == "my hook"
    assert len(sessions_in(tmp_path / "spool")[0].of("event")) == 1


def test_an_excepthook_that_was_set_later_hides_nothing(interpreter, tmp_path):
    code = "sys.excepthook = lambda *a: sys.stdout.write('my hook')\nraise ValueError('deep water')\n"
    done, left = end_of(interpreter, tmp_path, code)
    assert done.stdout == "my hook"
    assert [event["exception_msg"] for event in left.of("event")] == ["deep water"]
    assert left.control["uncaught_us"] > 0


def test_ctrl_c_is_an_interruption_and_no_exception(interpreter, tmp_path):
    _, left = end_of(interpreter, tmp_path, "raise KeyboardInterrupt\n")
    assert left.control["end_kind"] == ENDED_BY_INTERRUPT
    assert left.records == []


def test_os_exit_leaves_no_clean_end(interpreter, tmp_path):
    done, left = end_of(interpreter, tmp_path, "os._exit(3)\n")
    assert done.returncode == 3
    assert left.control["ended_us"] == 0


def test_a_with_block_ends_its_session_and_leaves_an_exception_to_the_hooks(interpreter, tmp_path):
    done, left = end_of(interpreter, tmp_path, "with session:\n    session.log_event('in')\nos._exit(0)\n")
    assert left.control["end_kind"] == ENDED_BY_CALL
    (tmp_path / "second").mkdir()
    done, left = end_of(interpreter, tmp_path / "second", "with session:\n    raise ValueError('x')\n")
    assert done.returncode == 1
    assert len(left.of("event", "exception")) == 1
    assert left.control["uncaught_us"] > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_writes_into_the_session_and_does_not_end_it(interpreter, tmp_path):
    code = """
pid = os.fork()
session.log_event("child" if pid == 0 else "parent")
session.heartbeat()
if pid == 0:
    session.end()
    sys.exit(0)
os.waitpid(pid, 0)
os._exit(0)
"""
    _, left = end_of(interpreter, tmp_path, code)
    assert sorted(event["name"] for event in left.of("event")) == ["child", "parent"]
    assert len({record.writer for record in left.raw}) == 2
    assert left.control["ended_us"] == 0
    assert left.control["beats"] == 1


def test_a_fatal_signal_leaves_the_python_traceback(interpreter, tmp_path):
    if "2.7" in interpreter:
        pytest.skip("Python 2.7 has no faulthandler")
    code = "import ctypes\ndef upload_texture():\n    ctypes.string_at(0)\nupload_texture()\n"
    done, left = end_of(interpreter, tmp_path, code)
    assert done.returncode == -signal.SIGSEGV
    fatal = left.folder.parent.joinpath("fatal.txt").read_text()
    assert "Segmentation fault" in fatal and "in upload_texture" in fatal


def test_the_applications_own_faulthandler_stays(interpreter, tmp_path):
    if "2.7" in interpreter:
        pytest.skip("Python 2.7 has no faulthandler")
    program = tmp_path / "program.py"
    program.write_text(
        "import faulthandler\nfaulthandler.enable()\nimport datacat\ndatacat.create_session()\n"
        "import ctypes\nctypes.string_at(0)\n"
    )
    done = run_program(tmp_path / "spool", [interpreter, program])
    assert "Segmentation fault" in done.stderr
    (left,) = sessions_in(tmp_path / "spool")
    assert left.folder.parent.joinpath("fatal.txt").exists() is False


def test_the_stack_signal_writes_all_stacks_and_the_program_goes_on(interpreter, tmp_path):
    if "2.7" in interpreter:
        pytest.skip("Python 2.7 has no faulthandler")
    code = """
import json
manifest = json.load(open(os.path.join(session.sink._folder, "manifest.json")))
def waiting(event=threading.Event()):
    event.wait(10)
thread = threading.Thread(target=waiting)
thread.daemon = True
thread.start()
os.kill(os.getpid(), manifest["stack_signal"])
session.end()
"""
    done, left = end_of(interpreter, tmp_path, code)
    assert done.returncode == 0, done.stderr
    stacks = left.folder.parent.joinpath("stacks.txt").read_text()
    assert "in waiting" in stacks and "program.py" in stacks


def test_a_spool_that_cannot_be_made_warns_drops_and_lets_the_program_run(interpreter, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    program = tmp_path / "program.py"
    program.write_text(
        "import datacat\nsession = datacat.create_session(async_mode=True)\n"
        "session.log_event('x')\nsession.heartbeat()\n"
        "print(session.get_stats()['dropped'])\nprint(session.flush(0.1))\nsession.end()\n"
    )
    done = run_program(blocked / "spool", [interpreter, program])
    assert done.returncode == 0
    assert done.stdout.split() == ["1", "False"]
    assert "RuntimeWarning: datacat:" in done.stderr


def test_bad_arguments_never_raise(interpreter, tmp_path):
    code = """
class Odd(object):
    def __bool__(self): raise RuntimeError
    __nonzero__ = __bool__
    def __eq__(self, other): raise RuntimeError
    __hash__ = None
    def __str__(self): raise RuntimeError
    __repr__ = __str__
odd = Odd()
session.update_state(odd)
session.update_state(None)
session.log_event(odd, odd, odd, odd, odd, odd, odd)
session.log_event(None, labels=3)
import itertools
session.log_event("endless", labels=itertools.count())
session.log_histogram("endless", 1, buckets=itertools.count())
class Leaver(object):
    def __repr__(self): sys.exit(4)
session.log_event("leaver", {"it": Leaver()})
session.log_metric(odd, odd, odd, odd, odd, odd, odd)
session.log_gauge(None, None)
session.log_counter("x", odd)
session.log_histogram("x", 1, buckets=odd)
session.log_timer("x", odd)
session.log_exception(odd)
session.log_exception((odd, odd, odd))
session.start_heartbeat_monitor("soon")
session.flush("later")
print("alive")
"""
    done, _ = end_of(interpreter, tmp_path, code)
    assert done.stdout == "alive\n", done.stderr


def test_the_program_sees_no_child_and_keeps_its_standard_streams(interpreter, tmp_path):
    code = """
try:
    os.waitpid(-1, os.WNOHANG)
    print("a child")
except OSError:
    print("no child")
"""
    done, _ = end_of(interpreter, tmp_path, code)
    assert done.stdout == "no child\n"


def test_orjson_and_the_standard_library_record_the_same(tmp_path):
    lefts = []
    for mode in ("stdlib", "fastest"):
        done = run_program(tmp_path / mode, [sys.executable, PROGRAMS / "every_call.py"], DATACAT_JSON=mode)
        assert done.returncode == 0, done.stderr
        lefts.append(sessions_in(tmp_path / mode)[0])
    varying = ("block", "log", "load")
    stdlib, fastest = ([body for _, body in left.records if body.get("name") not in varying] for left in lefts)
    assert stdlib == fastest


def test_an_exception_in_an_asyncio_task_is_recorded_and_still_reported(interpreter, tmp_path):
    if "2.7" in interpreter:
        pytest.skip("Python 2.7 has no asyncio")
    code = """
import asyncio, gc
async def fall():
    raise ValueError("deep water")
async def main():
    task = asyncio.ensure_future(fall())
    await asyncio.sleep(0)
    del task
    await asyncio.sleep(0)
    gc.collect()
asyncio.get_event_loop_policy().new_event_loop().run_until_complete(main())
"""
    done, left = end_of(interpreter, tmp_path, code)
    assert done.returncode == 0
    (event,) = left.of("event")
    assert (event["exception_type"], event["exception_msg"]) == ("ValueError", "deep water")
    assert "never retrieved" in event["data"]["asyncio"]
    assert "never retrieved" in done.stderr
    assert left.control["uncaught_us"] == 0


def test_an_event_loop_beats_until_it_is_blocked(interpreter, tmp_path):
    if "2.7" in interpreter:
        pytest.skip("Python 2.7 has no asyncio")
    code = """
import asyncio
async def main():
    monitor = session.monitor_event_loop(timeout=0.04)
    await asyncio.sleep(0.5)
    monitor.stop()
    await asyncio.sleep(0.1)
asyncio.get_event_loop_policy().new_event_loop().run_until_complete(main())
print(session.monitor_event_loop(timeout=0.04).is_running())
"""
    done, left = end_of(interpreter, tmp_path, code)
    assert left.control["timeout_us"] == 40000
    assert left.control["beats"] > 10
    if not left.manifest["facts"]["python"].startswith(("3.6", "3.8")):
        assert done.stdout == "False\n", done.stderr  # no loop runs there


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_end_their_own_sessions(interpreter, tmp_path, method):
    if "2.7" in interpreter:
        pytest.skip("Python 2.7 has no start methods")
    program = tmp_path / "program.py"
    program.write_text(f"""
import multiprocessing, sys, datacat
def work(fate):
    session = datacat.create_session(product=fate)
    session.log_event("work")
    if fate == "fails":
        raise ValueError(fate)
    if fate == "leaves":
        sys.exit(3)
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    own = datacat.create_session(product="parent")
    own.log_event("before")
    children = [context.Process(target=work, args=(fate,)) for fate in ("works", "fails", "leaves")]
    for child in children:
        child.start()
    for child in children:
        child.join()
    own.log_event("after")
""")
    done = run_program(tmp_path / "spool", [interpreter, program])
    lefts = {left.manifest["product"]: left for left in sessions_in(tmp_path / "spool")}
    assert sorted(lefts) == ["fails", "leaves", "parent", "works"], done.stderr
    assert [lefts[name].control["end_kind"] for name in sorted(lefts)] == [ENDED_BY_INTERPRETER] * 4
    assert [bool(lefts[name].control["uncaught_us"]) for name in sorted(lefts)] == [True, False, False, False]
    assert [event["exception_type"] for event in lefts["fails"].of("event", "exception")] == ["ValueError"]
    assert [event["name"] for event in lefts["parent"].of("event")] == ["before", "after"]
    assert len({left.manifest["pid"] for left in lefts.values()}) == 4


def test_chained_exceptions_show_every_link_with_its_source_lines(interpreter, tmp_path):
    if "2.7" in interpreter:
        pytest.skip("Python 2.7 has no chained exceptions")
    code = """
def load():
    try:
        {}["spawn_point"]
    except KeyError as error:
        raise RuntimeError("no level") from error
try:
    load()
except RuntimeError as error:
    session.log_exception(error)
"""
    _, left = end_of(interpreter, tmp_path, code)
    (event,) = left.of("event")
    lines = event["stacktrace"]
    assert "KeyError: 'spawn_point'" in lines and lines[-1] == "RuntimeError: no level"
    assert any("direct cause" in line for line in lines)
    assert any('{}["spawn_point"]' in line for line in lines)
    assert (event["source_function"], event["source_line"]) == ("load", 8)


def test_logged_exceptions_of_logging_are_exceptions(interpreter, tmp_path):
    code = """
import logging
logger = logging.getLogger("loader")
logger.addHandler(datacat.DatacatHandler(session))
try:
    {}["spawn_point"]
except KeyError:
    logger.exception("no level")
"""
    _, left = end_of(interpreter, tmp_path, code)
    (event,) = left.of("event")
    assert (event["exception_type"], event["message"], event["group"]) == ("KeyError", "no level", "loader")
    assert event["level"] == "error"


def test_leaving_a_thread_by_sys_exit_is_no_exception(interpreter, tmp_path):
    code = "t = threading.Thread(target=sys.exit)\nt.start()\nt.join()\n"
    _, left = end_of(interpreter, tmp_path, code)
    assert left.records == []


def test_an_exception_that_somebody_handled_earlier_is_not_what_ended_the_program(interpreter, tmp_path):
    code = """
try:
    1 / 0
except ZeroDivisionError:
    sys.last_type, sys.last_value, sys.last_traceback = sys.exc_info()
sys.exit(1)
"""
    done, left = end_of(interpreter, tmp_path, code)
    assert done.returncode == 1
    assert left.control["uncaught_us"] == 0
    assert left.records == []


def test_odd_products_arguments_and_settings_never_raise(interpreter, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "# -*- coding: utf-8 -*-\nimport datacat\n"
        "for product in (u'Spi\\xe9l', b'Spi\\xe9l', 'x' * 5000, 7, object(), {'a': 1}):\n"
        "    datacat.create_session(product=product, version=product).log_event('x')\n"
        "print('alive')\n"
    )
    words = [interpreter, program, b"\xff\xfe".decode("utf-8", "surrogateescape")]
    environment_of_it = {"DATACAT_SPOOL_MAX_MB": "1GB"}
    import subprocess

    from support.spools import environment

    done = subprocess.run(
        [str(word) for word in words], env=environment(tmp_path / "spool", **environment_of_it), capture_output=True
    )
    assert done.stdout == b"alive\n", done.stderr
    products = [left.manifest["product"] for left in sessions_in(tmp_path / "spool")]
    assert len(products) == 6
    assert "Spi\xe9l" in products
    assert max(map(len, products)) == 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_counts_its_own_drops(tmp_path):
    code = """
import shutil
pid = os.fork()
if pid == 0:
    session.log_event("x")
    os._exit(0)
os.waitpid(pid, 0)
"""
    _, left = end_of(sys.executable, tmp_path, code, DATACAT_SPOOL_MAX_MB="2")
    (page,) = left.folder.glob("control.*-*")
    from datacat_daemon.spool.control import ControlReader

    control = ControlReader(page)
    assert control.read().dropped == 0
    control.close()
    assert page.name.split(".")[1].split("-")[0] != str(left.manifest["pid"])


def test_threads_that_begin_at_once_share_one_process_folder(tmp_path):
    code = """
threads = [threading.Thread(target=datacat.create_session) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
    program = tmp_path / "program.py"
    program.write_text("import datacat, threading\n" + code)
    run_program(tmp_path / "spool", [sys.executable, program])
    lefts = sessions_in(tmp_path / "spool")
    assert len(lefts) == 8
    assert len({left.folder.parent for left in lefts}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no interval timer on this system")
def test_what_the_applications_signal_handlers_raise_reaches_the_application(interpreter, tmp_path, monkeypatch):
    monkeypatch.delenv(
        "COVERAGE_PROCESS_CONFIG", raising=False
    )  # what strikes while it holds its lock, stops it for good
    code = """
import signal
class Timeout(Exception): pass
raised = [0]
def handler(number, frame):
    raised[0] += 1
    raise Timeout()
class Slow(object):
    def __repr__(self):
        return "slow" * 50
def work():
    before = raised[0]
    signal.setitimer(signal.ITIMER_REAL, 0.0004)
    while raised[0] == before:
        session.log_event("small", {"x": 1})
        session.log_event("general", {"it": Slow()}, level="debug")
        session.log_gauge("fps", 60)
        session.update_state({"x": [1, 2, {"y": Slow()}]})
signal.signal(signal.SIGALRM, handler)
caught = 0
for _ in range(200):
    try:
        work()
    except Timeout:
        caught += 1
print(raised[0], caught)
"""
    done, _ = end_of(interpreter, tmp_path, code)
    assert done.stdout.strip() in ("200 200", "(200, 200)"), done.stdout + done.stderr


def test_where_warnings_are_errors_a_session_without_a_spool_is_made_all_the_same(interpreter, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    program = tmp_path / "program.py"
    program.write_text("import datacat\nsession = datacat.create_session()\nsession.log_event('x')\nprint('alive')\n")
    done = run_program(blocked / "spool", [interpreter, "-W", "error::RuntimeWarning", program])
    assert done.stdout == "alive\n", done.stderr
