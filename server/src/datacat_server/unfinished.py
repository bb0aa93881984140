"""Files that bear their name only when they are whole: written beside it under a name of their own until then."""

import os
import re
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_ENDING = ".part"
_STALE_SECONDS = 86_400.0
"""What was not written to for so long has nobody any more who writes to it."""


def begin(folder: Path, name: str) -> tuple[int, Path]:
    """A new file for its owner only, open to be written, and where it is. Raises OSError.

    What somebody left there who was killed while writing a file of this name is removed.
    """
    _clear(folder, name)
    descriptor, part = tempfile.mkstemp(_ENDING, f".{name}.", folder)
    return descriptor, Path(part)


def name_it(part: Path, path: Path, *, replace: bool) -> None:
    """Give a file that is whole its name, and have that on disk; under the name before it may be there still.

    Raises FileExistsError where there is one of that name and it is not to be replaced, and OSError.
    """
    if replace:
        part.replace(path)
    else:
        try:
            path.hardlink_to(part)  # unlike a renaming it fails where somebody has made the file meanwhile
        except FileExistsError:
            raise
        except OSError:  # a file system without links, as of a memory stick or a share
            if path.exists():
                raise FileExistsError(path) from None
            part.rename(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Have a file, or the names of a folder, on disk. Raises OSError."""
    if sys.platform == "win32" and path.is_dir():
        return  # nobody opens a folder there; its file system keeps names by a journal of its own
    # to write: without that Windows does not sync a file
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear(folder: Path, name: str) -> None:
    ours = re.compile(rf"\.{re.escape(name)}\.[a-z0-9_]{{8}}{re.escape(_ENDING)}(-\w+)?")
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if ours.fullmatch(entry.name):
                with suppress(OSError):  # somebody else has been faster
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE_SECONDS:
                        os.unlink(entry.path)
