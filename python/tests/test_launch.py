"""Starting the daemon: from any interpreter, in odd circumstances, and never the wrong program."""

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from datacat import launch
from support.spools import environment

PROGRAM = "import datacat\nsession = datacat.create_session()\nsession.log_event('x')\n"


def wait_for(condition, seconds=30):
    """True as soon as the condition holds, False if it does not come to hold."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def events_at(server, product):
    """Names of the events of a product's only session at a server, None while it is not there."""
    from datacat import DatacatClient

    sessions = [one for one in DatacatClient(server.url).get_all_sessions() if one["product"] == product]
    return [event["name"] for event in sessions[0]["events"]] if sessions else None


def own_daemon(spool, server, **more):
    """Environment of a program that finds its daemon by itself."""
    env = environment(spool, DATACAT_URL=server.url, **more)
    del env["DATACAT_DAEMON"]
    return env


def test_every_python_finds_a_daemon(interpreter, server, tmp_path):
    program = tmp_path / "finder.py"
    program.write_text(PROGRAM)
    subprocess.run([interpreter, program], env=own_daemon(tmp_path / "spool", server), check=True)
    assert wait_for(lambda: events_at(server, "finder") == ["x"])
    assert wait_for(lambda: not list((tmp_path / "spool").glob("*/daemon.lock")))


def test_the_daemon_named_in_the_environment_is_started_with_the_process_folder(interpreter, tmp_path):
    said = tmp_path / "said"
    daemon = script(tmp_path / "my daemon", f"#!/bin/sh\necho \"$@\" > '{said}.part'\nmv '{said}.part' '{said}'\n")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    env = environment(tmp_path / "spool", DATACAT_DAEMON=f"'{daemon}' --verbose")
    subprocess.run([interpreter, program], env=env, check=True)
    assert wait_for(said.exists)
    first, option, folder = said.read_text().split()[:3]
    assert (first, option) == ("--verbose", "--process-dir")
    assert Path(folder).parent == tmp_path / "spool"


@pytest.mark.parametrize("options", [["-E"], ["-I"], ["-S", "-s"], ["-O"]])
def test_whatever_options_the_program_was_started_with(server, tmp_path, options):
    source = environment(tmp_path)["PYTHONPATH"]
    code = f"import sys\nsys.path.insert(0, {source!r})\nsys.argv[0] = 'optional.py'\n" + PROGRAM
    subprocess.run([sys.executable, *options, "-c", code], env=own_daemon(tmp_path / "spool", server), check=True)
    assert wait_for(lambda: events_at(server, "optional") == ["x"])


def test_an_odd_pythonpath_and_a_current_folder_full_of_traps(server, tmp_path):
    traps = tmp_path / "traps"
    traps.mkdir()
    for name in ("json", "select", "datacat_daemon", "threading", "socket", "typing", "sitecustomize"):
        (traps / f"{name}.py").write_text("raise SystemExit('trapped')\n")
    program = tmp_path / "trapper.py"
    set_them = f"import os, datacat\nos.environ['PYTHONPATH'] = {str(traps)!r}\nos.chdir({str(traps)!r})\n"
    program.write_text(set_them + PROGRAM)
    subprocess.run([sys.executable, program], env=own_daemon(tmp_path / "spool", server), check=True)
    assert wait_for(lambda: events_at(server, "trapper") == ["x"])


def test_with_all_standard_streams_closed(server, tmp_path):
    program = tmp_path / "streamless.py"
    program.write_text(PROGRAM)
    words = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, str(program)]
    subprocess.run(words, env=own_daemon(tmp_path / "spool", server), check=True)
    assert wait_for(lambda: events_at(server, "streamless") == ["x"])


def test_from_a_folder_that_is_gone(server, tmp_path):
    program = tmp_path / "homeless.py"
    program.write_text("import os, shutil, sys\nshutil.rmtree(os.getcwd())\n" + PROGRAM)
    gone = tmp_path / "gone"
    gone.mkdir()
    subprocess.run([sys.executable, program], env=own_daemon(tmp_path / "spool", server), cwd=gone, check=True)
    assert wait_for(lambda: events_at(server, "homeless") == ["x"])


@pytest.mark.parametrize("kind", ["frozen", "embedded"])
def test_an_application_that_is_its_own_executable_is_never_started_again(server, tmp_path, kind):
    started = tmp_path / "started"
    game = script(tmp_path / ("python-game" if kind == "frozen" else "maya.bin"), f"#!/bin/sh\ntouch '{started}'\n")
    program = tmp_path / f"{kind}.py"
    frozen = "sys.frozen = True\n" if kind == "frozen" else ""
    program.write_text(f"import sys\nsys.executable = {str(game)!r}\n{frozen}{PROGRAM}")
    subprocess.run([sys.executable, program], env=own_daemon(tmp_path / "spool", server), check=True)
    assert wait_for(lambda: events_at(server, kind) == ["x"])
    assert not started.exists()


def test_without_any_python_the_program_runs_on_and_its_records_stay(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import sys\nsys.frozen = True\n" + PROGRAM + "print('alive')\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "env"):
        os.symlink(shutil.which(name), tools / name)
    env = {**environment(tmp_path / "spool"), "PATH": str(tools)}
    del env["DATACAT_DAEMON"]
    done = subprocess.run([sys.executable, program], env=env, capture_output=True, text=True)
    assert done.stdout == "alive\n"
    assert "no Python 3.9 or newer" in done.stderr
    assert done.stderr.count("RuntimeWarning") == 1
    (segment,) = (tmp_path / "spool").glob("*/*/*.segment")
    assert segment.stat().st_size > 0


def test_ctrl_c_for_the_whole_group_does_not_reach_the_daemon(server, tmp_path):
    program = tmp_path / "grouped.py"
    program.write_text(PROGRAM + "print('ready', flush=True)\nimport time\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, program],
        env=own_daemon(tmp_path / "spool", server),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    process.stdout.readline()
    os.killpg(process.pid, 2)
    process.wait()
    process.stdout.close()
    assert wait_for(lambda: events_at(server, "grouped") == ["x"])
    from datacat import DatacatClient

    def ended():
        (session,) = DatacatClient(server.url).get_all_sessions()
        return session["status"] == "ended" and "interrupted" in session["reason"]

    assert wait_for(ended)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="no pidfd on this system")
def test_a_death_before_the_daemon_is_up_is_still_known_by_its_signal_in_every_python(interpreter, server, tmp_path):
    program = tmp_path / "hasty.py"
    program.write_text(PROGRAM + "import os\nos.kill(os.getpid(), 9)\n")
    done = subprocess.run([interpreter, program], env=own_daemon(tmp_path / "spool", server))
    assert done.returncode == -9
    from datacat import DatacatClient

    def reason():
        sessions = DatacatClient(server.url).get_all_sessions()
        return sessions[0]["reason"] if sessions else None

    assert wait_for(lambda: reason() is not None)
    assert "SIGKILL" in reason()


def test_the_command_for_the_daemon_is_this_interpreter(monkeypatch):
    monkeypatch.delenv("DATACAT_DAEMON", raising=False)
    _, words = launch._command()
    assert words[0] == sys.executable


@pytest.mark.parametrize(
    "named", ["/nowhere/datacat-daemon", "no-such-daemon --verbose", "'half a quotation", "./none"]
)
def test_a_daemon_named_in_the_environment_that_is_not_there_is_told_once(tmp_path, named):
    code = "import datacat\nfor _ in range(2):\n    datacat.create_session(product='p').log_event('x')\n"
    own = environment(tmp_path / "spool", DATACAT_DAEMON=named)
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.count("RuntimeWarning") == 1
    assert f"$DATACAT_DAEMON names no program that is there: {named}" in done.stderr
    assert len(list((tmp_path / "spool").glob("*/*/*.segment"))) == 2


def test_a_daemon_that_is_named_by_a_relative_path_is_started(tmp_path):
    said = tmp_path / "said"
    script(tmp_path / "own-daemon", f"#!/bin/sh\ntouch '{said}'\n")
    own = environment(tmp_path / "spool", DATACAT_DAEMON="./own-daemon")
    subprocess.run([sys.executable, "-c", PROGRAM], env=own, cwd=tmp_path, check=True)
    assert wait_for(said.exists)


def script(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
