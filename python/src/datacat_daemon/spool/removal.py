"""Takes away what is not needed any more, so that a daemon that dies half way leaves nothing that could be misread."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MANIFEST = "manifest.json"
REJECTED = "rejected"
REFUSED_SESSION = "session.json"


def remove_session(folder: Path) -> None:
    """Delete a session's files, but for what its server would not take. Raises OSError.

    The manifest goes first: a folder without one is no session. Were the verdict's segment or the control page gone
    before it, the next daemon would see a session that nobody had judged, whose process is gone: a crash.
    """
    (folder / MANIFEST).unlink()
    _remove_rest(folder)


def remove_process(folder: Path) -> None:
    """Delete the folder of a process that has ended, but for sessions in it that somebody should look at."""
    kept = False
    for name in os.listdir(folder):
        session = folder / name
        if (session / MANIFEST).exists():
            kept = True
        elif session.is_dir():
            _remove_rest(session)
            kept |= session.exists()
    if not kept:
        shutil.rmtree(folder, ignore_errors=True)


def is_rejected(folder: Path) -> bool:
    """All that is left of a session is what its server would not take: records of it, or the whole session."""
    rejected = folder / REJECTED
    return rejected.is_dir() and ((rejected / REFUSED_SESSION).exists() or not (folder / MANIFEST).exists())


def remove_rejected(folder: Path) -> None:
    """Delete what a server would not take, for good. Raises OSError.

    A session that was refused as a whole goes with its manifest first.
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder)


def _remove_rest(folder: Path) -> None:
    for name in os.listdir(folder):
        if name != REJECTED:
            (folder / name).unlink(missing_ok=True)
    if not (folder / REJECTED).exists():
        folder.rmdir()
