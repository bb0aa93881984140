"""How a process of Windows ended is named, and how a daemon is started there: what of it can be tried anywhere."""

import json
import os
from pathlib import Path

import pytest
from datacat import launch_windows
from datacat_daemon.shipping.outbox import Outbox
from datacat_daemon.spool.control import Control
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.watching.exit_status import code_of_windows, read_status, status_of_windows
from datacat_daemon.watching.process import process_of
from datacat_daemon.watching.verdict import Evidence, after_death

ABORTED = (
    'Fatal Python error: Aborted\n\nCurrent thread 0x00000024 (most recent call first):\n  File "a.py", line 3 in f\n'
)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0xC0000005, "killed by EXCEPTION_ACCESS_VIOLATION (access violation)"),
        (0xC00000FD, "killed by EXCEPTION_STACK_OVERFLOW (stack overflow)"),
        (0xC0001234, "killed by exception 0xC0001234"),
        (1, "exited with code 1 without ending the session, or was terminated from outside"),
        (0xFFFFFFFF, "exited with code 4294967295 without ending the session, or was terminated from outside"),
    ],
)
def test_an_exit_code_of_windows_says_what_killed_a_process(code, expected):
    verdict = after_death(Control(), Evidence(1, status_of_windows(code), windows=True))
    assert (verdict.status, verdict.reason) == ("crashed", expected)


def test_an_exit_code_that_an_application_chooses_is_no_exception():
    assert read_status(status_of_windows(3), windows=True) == (None, 3)
    assert read_status(status_of_windows(0xC000013A), windows=True) == ("STATUS_CONTROL_C_EXIT", None)


def test_abort_on_windows_is_known_by_what_faulthandler_wrote():
    verdict = after_death(Control(), Evidence(1, status_of_windows(3), fatal_text=ABORTED, windows=True))
    assert verdict.reason == "killed by SIGABRT (aborted)"
    assert verdict.data["stacks"][0]["frames"][0]["function"] == "f"


def test_ctrl_c_ends_a_wrapped_program_on_windows_and_is_no_crash():
    evidence = Evidence(7, status_of_windows(0xC000013A), wrapped=True, windows=True)
    assert after_death(Control(), evidence).reason == "interrupted (Ctrl-C)"


def test_the_wrapper_leaves_with_the_code_of_its_program():
    assert code_of_windows(status_of_windows(5)) == 5
    assert code_of_windows(status_of_windows(0xC0000005)) == -1073741819  # as sys.exit takes it there


def test_a_daemon_is_named_by_its_path_or_by_words(tmp_path):
    program = tmp_path / "my daemon.exe"
    program.touch()
    assert launch_windows.words_of(str(program)) == [str(program)]
    quoted = r'"C:\Program Files\datacat-daemon.exe" --config "C:\a b.json" -x'
    assert launch_windows.words_of(quoted) == [
        *(r"C:\Program Files\datacat-daemon.exe", "--config", r"C:\a b.json", "-x")
    ]
    with pytest.raises(ValueError):
        launch_windows.words_of('"half')


def test_a_program_is_found_on_the_path_by_its_name_without_an_ending(tmp_path, monkeypatch):
    (tmp_path / "datacat-daemon.exe").touch()
    monkeypatch.setenv("PATH", os.pathsep.join(["/nowhere", str(tmp_path)]))
    assert launch_windows.find("datacat-daemon") == str(tmp_path / "datacat-daemon.exe")
    assert launch_windows.find("datacat") is None


def test_a_process_folder_without_a_pid_in_its_name_is_that_of_its_manifest(tmp_path):
    folder = tmp_path / "run-0a1b2c3d"
    (folder / "session").mkdir(parents=True)
    assert process_of(folder) is None
    manifest = {
        "format": 1,
        "session_id": "s",
        "product": "p",
        "version": "1",
        "created_us": 1,
        "server_url": "http://x",
    }
    content = {**manifest, "pid": 42, "process_start": "133"}
    (folder / "session" / "manifest.json").write_text(json.dumps(content))
    assert process_of(folder) == (42, "133")


def test_a_shipped_segment_that_cannot_be_deleted_yet_is_deleted_later(tmp_path, monkeypatch):
    outbox = Outbox(tmp_path, DaemonLog(tmp_path / "daemon.log"))
    segment = tmp_path / "1-a-0.00000000.segment"
    segment.touch()
    outbox._shipped.add(segment)

    def refuse(path, missing_ok=False):
        raise PermissionError(13, "mapped by another process", str(path))

    with monkeypatch.context() as windows:
        windows.setattr(Path, "unlink", refuse)
        outbox.fill(0)
    assert segment.exists()
    outbox.fill(0)
    assert not segment.exists()
