"""Programs in other languages: a shell script under `datacat run`, and sessions by HTTP from shell and from Perl."""

import shutil
import signal
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "other_language"
RUN = ("datacat", "run", "--product", "Backup", "--version", "7", "--capture-output", "--", "sh")

# One server for all of them.
pytestmark = pytest.mark.xdist_group("examples of other languages")


def the_session(stage, status, known=()):
    """The newest session of the backup, when it is over."""
    sessions = stage.sessions_of("Backup", len(known) + 1)
    (new,) = (session["id"] for session in sessions if session["id"] not in known)
    return stage.session(new, lambda session: session["status"] == status and named(session, "program_finished"))


def the_said(stage, printed, status):
    """The session that a program has named, once it has that status."""
    session_id = printed.split()[1]
    assert printed == f"Session {session_id}\nSee it: datacat show {session_id[:8]}\n"
    return stage.session(session_id, status)


def named(session, name):
    return [event for event in session["events"] if event["name"] == name]


def test_a_backup_under_datacat_run_is_a_session_with_its_output_and_its_end(stage, tmp_path):
    folder, archive = tmp_path / "notes", tmp_path / "notes.tar"
    folder.mkdir()
    for name in ("monday.txt", "tuesday.txt"):
        folder.joinpath(name).write_text(name)
    done = stage.run(*RUN, "nightly_backup.sh", folder, archive, cwd=EXAMPLE)
    assert (done.returncode, done.stderr) == (0, "")
    assert archive.exists()
    ended = the_session(stage, "ended")
    assert (ended["version"], sorted(line["message"] for line in named(ended, "stdout"))) == (
        "7",
        [f"2 files in {archive}", "packed monday.txt", "packed tuesday.txt"],
    )

    done = stage.run(*RUN, "nightly_backup.sh", tmp_path / "letters", archive, cwd=EXAMPLE)
    assert done.returncode == 3
    failed = the_session(stage, "crashed", known=[ended["id"]])
    assert failed["reason"] == "it ended with exit code 3"
    (line,) = named(failed, "stderr")
    assert line["message"] == f"there is no folder {tmp_path / 'letters'}"

    process = stage.start(*RUN, "nightly_backup.sh", folder, archive, "--ask", cwd=EXAMPLE)
    assert process.stdout.readline().startswith("Back up")
    process.send_signal(signal.SIGTERM)
    assert process.wait() == -signal.SIGTERM
    process.communicate()
    stopped = the_session(stage, "crashed", known=[ended["id"], failed["id"]])
    assert "SIGTERM" in stopped["reason"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize(("weather", "code", "status"), [("calm", 0, "ended"), ("storm", 70, "crashed")])
def test_a_shell_script_logs_through_the_daemon_and_its_end_is_seen(stage, weather, code, status):
    done = stage.run("sh", EXAMPLE / "weather_station.sh", weather)
    assert (done.returncode, done.stderr) == (code, "")
    session = the_said(stage, done.stdout, status)
    winds = [metric["value"] for metric in session["metrics"] if metric["name"] == "wind"]
    state = session["state"]
    if weather == "calm":
        assert (winds, [event["name"] for event in session["events"]]) == ([3, 4, 5, 3, 4, 5], ["day_over"])
        assert (state["hour"], state["wind"], state["mast"]) == (5, 5, {"up": True, "metres": 12})
        assert [metric["value"] for metric in session["metrics"] if metric["name"] == "readings"][-1] == 6
    else:
        assert (winds, session["reason"]) == ([9, 15, 21, 27, 33], "it ended with exit code 70")
        (broken,) = named(session, "mast_broken")
        assert (broken["level"], broken["data"]) == ("critical", {"wind": 33, "hour": 4})
        assert state["mast"] == {"up": False, "metres": 12}


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_a_shell_script_runs_just_the_same_without_a_daemon(stage, tmp_path):
    for name in ("awk", "curl", "dirname", "grep", "mktemp", "rm", "sed", "sleep"):
        tmp_path.joinpath(name).symlink_to(shutil.which(name))
    done = stage.run(shutil.which("sh"), EXAMPLE / "weather_station.sh", PATH=str(tmp_path))
    assert (done.returncode, done.stdout.strip()) == (0, "")


@pytest.mark.skipif(shutil.which("perl") is None, reason="there is no Perl")
@pytest.mark.parametrize(("word", "status"), [("", "ended"), ("--melt", "crashed")])
def test_a_perl_program_logs_through_the_daemon_and_what_it_dies_of_is_told(stage, word, status):
    done = stage.run("perl", EXAMPLE / "thermometer.pl", word)
    assert bool(done.returncode) == (word == "--melt")
    session = the_said(stage, done.stdout, status)
    assert session["state"]["sensor"] == {"kind": "PT100", "line": 2}
    values = [metric["value"] for metric in session["metrics"]]
    assert values == [21.5, 22.25, 24, 1800 if word else 23]
    if word:
        assert done.stderr == "no thermometer shows 1800 degrees\n"
        (exception,) = named(session, "exception")
        assert (exception["exception_msg"].strip(), exception["source_function"]) == (
            "no thermometer shows 1800 degrees",
            "main::check",
        )
        assert "no thermometer shows 1800 degrees" in session["reason"]
