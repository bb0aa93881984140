"""How much the spool may hold: what a writer looks at before it makes its next segment.

There are two bounds. That of a process is counted here: the segments of all its sessions (not the daemon's own), of
which others' than this one count from the second of a writer on, because the one that a writer has open is not given
back before its session ends. That of the whole spool is measured by the daemon on duty: while it is exceeded there is a
file `full` in the spool, written anew every few seconds. One that is older than a minute has no daemon behind it, and
does not count.
"""

import os
import time

from datacat.exceptions_of_signals import let_through

PROCESS_MB = 512
FULL = "full"
STALE_SECONDS = 60.0

_SUFFIX = ".segment"


def process_quota():
    """$DATACAT_PROCESS_SPOOL_MAX_MB in bytes; 512 MB where it is not set, or no number."""
    try:
        megabytes = max(1, int(os.environ.get("DATACAT_PROCESS_SPOOL_MAX_MB", PROCESS_MB)))
    except ValueError:
        megabytes = PROCESS_MB
    return megabytes << 20


def has_room(folder, size, quota):
    """Whether a session may have one more segment.

    Args:
        folder: the session's folder.
        size: bytes of a segment.
        quota: bytes that the segments of its process may take.

    Raises OSError where the folder cannot be read.
    """
    process = os.path.dirname(folder)
    if is_full(os.path.dirname(process)):
        return False
    count = len(_segments(folder))
    for name in os.listdir(process):
        other = os.path.join(process, name)
        if other != folder and os.path.exists(os.path.join(other, "manifest.json")):
            names = _segments(other)
            count += len(names) - len(set(name.rpartition(".")[0].rpartition(".")[0] for name in names))
    return (count + 1) * size <= quota


def is_full(spool):
    """Whether the spool as a whole takes no more."""
    try:
        return abs(time.time() - os.stat(os.path.join(spool, FULL)).st_mtime) < STALE_SECONDS
    except OSError:
        let_through()
        return False


def _segments(folder):
    try:
        return [name for name in os.listdir(folder) if name.endswith(_SUFFIX) and not name.startswith((".", "daemon-"))]
    except OSError:
        let_through()
        if not os.path.isdir(folder):
            return []
        raise
