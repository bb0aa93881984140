"""Where the spool is, and what happens where there can be none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from datacat import spool
from support.spools import environment, run_program, sessions_in

PROGRAM = """
import datacat, sys
session = datacat.create_session(product="p", async_mode=True)
for number in range(100):
    session.log_event("x", {"n": number})
print(session.get_stats()["dropped"])
"""


def run(tmp_path, **more):
    """The program without $DATACAT_SPOOL, unless given."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    own = {key: value for key, value in environment("unused", **more).items() if key != "DATACAT_SPOOL" or key in more}
    return subprocess.run([sys.executable, program], env=own, capture_output=True, text=True)


@pytest.mark.skipif(sys.platform != "linux", reason="where other systems keep state is another question")
def test_the_spool_is_in_the_users_state_folder_and_private(tmp_path):
    done = run(tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))
    assert done.stdout == "0\n"
    root = tmp_path / "state" / "datacat" / "spool"
    (left,) = sessions_in(root)
    assert len(left.records) == 100
    for path in (root, left.folder.parent, left.folder):
        assert path.stat().st_mode & 0o777 == 0o700
    for path in left.folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_home_folder_it_is_a_private_folder_among_the_temporary_files(tmp_path):
    done = run(tmp_path, HOME="/proc/nowhere", XDG_STATE_HOME="", TMPDIR=str(tmp_path))
    assert done.stdout == "0\n", done.stderr
    (left,) = sessions_in(tmp_path / f"datacat-{os.getuid()}" / "spool")
    assert len(left.records) == 100


def test_a_spool_laid_out_by_another_user_is_not_used(tmp_path, monkeypatch):
    root = tmp_path / "spool"
    root.mkdir()
    monkeypatch.setenv("DATACAT_SPOOL", str(root))
    monkeypatch.setattr("os.getuid", lambda: root.stat().st_uid + 1)
    monkeypatch.setattr(spool, "_process_folder", (None, None))
    folder, error = spool.process_folder()
    assert folder is None and "belongs to another user" in str(error)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs to give a folder away")
@pytest.mark.parametrize("link", [False, True])
def test_a_folder_among_the_temporary_files_that_another_user_has_made_is_not_used(tmp_path, link):
    place = tmp_path / (f"datacat-{os.getuid()}")
    if link:
        place.symlink_to(tmp_path / "mine")
        (tmp_path / "mine").mkdir()
    else:
        place.mkdir(0o777)
    os.chown(place, 65534, 65534, follow_symlinks=False)
    done = run(tmp_path, HOME="/proc/nowhere", XDG_STATE_HOME="", TMPDIR=str(tmp_path))
    assert done.stdout == "100\n"
    assert "No such file" in done.stderr or "another user" in done.stderr
    assert not list(tmp_path.glob("*/spool/*"))


def test_whatever_the_umask_what_is_made_above_a_spool_is_private(tmp_path, monkeypatch):
    before = os.umask(0)
    try:
        spool.open_root(str(tmp_path / "a" / "b" / "spool"))
    finally:
        os.umask(before)
    for folder in (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "spool"):
        assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.chdir(tmp_path)
    spool.open_root("relative")
    assert (tmp_path / "relative").is_dir()


def test_a_read_only_file_system_warns_drops_and_lets_the_program_run(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs to mount a tmpfs")
    try:
        program = tmp_path / "program.py"
        program.write_text(PROGRAM)
        done = run_program(disk / "spool", [sys.executable, program])
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    assert done.stdout == "100\n"
    assert "Read-only file system" in done.stderr


def test_a_full_disk_from_the_first_moment_warns_drops_and_lets_the_program_run(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs to mount a tmpfs")
    try:
        program = tmp_path / "program.py"
        program.write_text(PROGRAM)
        done = run_program(disk / "spool", [sys.executable, program])
        (left,) = sessions_in(disk / "spool")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    assert done.stdout == "100\n"
    assert left.control["dropped"] == 100


def test_a_spool_deleted_underfoot_is_never_taken_for_delivered(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import datacat, os, shutil\nsession = datacat.create_session(async_mode=True)\nsession.log_event('x')\n"
        "shutil.rmtree(os.environ['DATACAT_SPOOL'])\nsession.log_event('y')\nprint(session.flush(0.1))\n"
        "print(session.get_stats()['sent'])\n"
    )
    done = run_program(tmp_path / "spool", [sys.executable, program])
    assert done.stdout.split() == ["False", "0"], done.stderr


def test_sessions_of_one_process_share_its_folder(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import datacat\na = datacat.create_session()\nb = datacat.create_session()\na.log_event('x')\n")
    run_program(tmp_path / "spool", [sys.executable, program])
    lefts = sessions_in(tmp_path / "spool")
    assert len(lefts) == 2
    assert len({left.folder.parent for left in lefts}) == 1
    assert Path(tmp_path / "spool").stat().st_mode & 0o777 == 0o700
