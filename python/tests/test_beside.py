"""A session is in nobody's way: forks, threads, event loops, odd arguments and a spool that cannot be made."""

import os
import subprocess
import sys

import pytest
from support.spools import end_of, environment, run_program, sessions_in


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
    assert left.control["beats"]


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


def test_where_warnings_are_errors_a_session_without_a_spool_is_made_all_the_same(interpreter, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    program = tmp_path / "program.py"
    program.write_text("import datacat\nsession = datacat.create_session()\nsession.log_event('x')\nprint('alive')\n")
    done = run_program(blocked / "spool", [interpreter, "-W", "error::RuntimeWarning", program])
    assert done.stdout == "alive\n", done.stderr
