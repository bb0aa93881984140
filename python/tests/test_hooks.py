"""Hooks record what nothing caught, and call what was there before them."""

import pytest
from support.spools import run_program, sessions_in


def left_by(interpreter, tmp_path, code):
    """Run a program; what it printed and the session it left in the spool."""
    program = tmp_path / "program.py"
    program.write_text(code)
    done = run_program(tmp_path / "spool", [interpreter, program])
    (left,) = sessions_in(tmp_path / "spool")
    return done, left


def version(left):
    return tuple(map(int, left.manifest["facts"]["python"].split(".")[:2]))


def test_an_exception_in_a_thread_is_recorded_by_every_python(interpreter, tmp_path):
    code = """
import datacat, threading
session = datacat.create_session()
def fall():
    raise ValueError("deep water")
thread = threading.Thread(target=fall, name="loader")
thread.start()
thread.join()
"""
    done, left = left_by(interpreter, tmp_path, code)
    (event,) = left.of("event")
    assert (event["exception_type"], event["exception_msg"]) == ("ValueError", "deep water")
    assert event["data"] == {"thread": "loader"}
    assert event["source_function"] == "fall"
    assert any('raise ValueError("deep water")' in line for line in event["stacktrace"])
    assert "deep water" in done.stderr


def test_the_applications_own_hook_for_threads_is_called(interpreter, tmp_path):
    code = """
import sys, threading
hook = lambda args: sys.stdout.write("my hook: %s" % args.exc_value)
threading.excepthook = hook
import datacat
session = datacat.create_session()
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
"""
    done, left = left_by(interpreter, tmp_path, code)
    if version(left) < (3, 8):
        pytest.skip("this Python has no hook for threads")
    assert done.stdout == "my hook: division by zero"
    assert len(left.of("event")) == 1


ASYNCIO = """
import asyncio, gc
import datacat
session = datacat.create_session()
async def fall():
    raise ValueError("deep water")
async def main():
    %s
    task = asyncio.ensure_future(fall())
    await asyncio.sleep(0)
    del task
    await asyncio.sleep(0)
    gc.collect()
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
"""


@pytest.mark.parametrize(
    "handler",
    ["pass", "asyncio.get_event_loop().set_exception_handler(lambda loop, context: print('my handler', len(context)))"],
)
def test_an_exception_in_a_task_is_recorded_once_whoever_handles_it(interpreter, tmp_path, handler):
    if "2.7" in interpreter:
        pytest.skip("Python 2.7 has no asyncio")
    done, left = left_by(interpreter, tmp_path, ASYNCIO % handler)
    (event,) = left.of("event")
    assert (event["exception_type"], event["exception_msg"]) == ("ValueError", "deep water")
    assert "never retrieved" in event["data"]["asyncio"]
    assert ("my handler" in done.stdout) != ("never retrieved" in done.stderr)


def test_a_hook_that_fails_leaves_the_applications_to_run(interpreter, tmp_path):
    code = """
import sys
sys.excepthook = lambda *what: sys.stdout.write("my hook")
import datacat
session = datacat.create_session()
session.log_exception = None
raise ValueError("deep water")
"""
    done, _ = left_by(interpreter, tmp_path, code)
    assert done.stdout == "my hook"
