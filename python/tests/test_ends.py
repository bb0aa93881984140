"""How a program ends, in every Python: what its session knows of that, and that it ends as it would without one."""

import signal

import pytest
from datacat.control import ENDED_BY_CALL, ENDED_BY_INTERPRETER, ENDED_BY_INTERRUPT
from support.spools import end_of, run_program, sessions_in


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
