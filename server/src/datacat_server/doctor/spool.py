"""The spool of this user: what waits in it for a server, by the process that logged it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from datacat_server.doctor.findings import Finding, ok, warn
from datacat_server.wording import count

ABOUT = "spool"
_MOST_SHOWN = 20
_AT_ONCE = 10_000
_SECONDS = 2.0
"""So long what waits in a spool is counted; the sessions that are left then are told to be there."""
_NEWEST = 2  # segments of a chain that are read: the last one may be prepared, and not begun


class Left(Struct):
    """What a process has in the spool: sessions, records that wait or were rejected, and how many were dropped.

    `uncounted`: sessions whose records were not counted.
    """

    sessions: int = 0
    waiting: int = 0
    uncounted: int = 0
    rejected: int = 0
    dropped: int = 0
    products: dict[str, None] = {}


def spool_folders() -> list[Path]:
    """The folders that may hold a spool of this user."""
    from datacat.spool import spool_roots

    return [Path(root) for root in spool_roots()]


def can_hold_records(root: Path) -> bool:
    """Whether programs of this user can log into a spool, which may be yet to be made."""
    if root.exists() and hasattr(os, "getuid") and root.stat().st_uid != os.getuid():
        return False
    place = root
    while not place.exists() and place != place.parent:
        place = place.parent
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


def look_at_spool(root: Path) -> Iterator[Finding]:
    """A line for the whole, and one for each process that has something to deliver, the first 20."""
    from datacat_daemon.spool.folders import process_folders
    from datacat_daemon.spool.log import last_trouble
    from datacat_daemon.watching.process import process_of, watch_process

    deadline = time.monotonic() + _SECONDS
    total = Left()
    lines: list[Finding] = []
    for folder in process_folders(root):
        left = _left_in(folder, deadline)
        for name in ("sessions", "waiting", "uncounted", "rejected", "dropped"):
            setattr(total, name, getattr(total, name) + getattr(left, name))
        named = process_of(folder)
        process = None if named is None else watch_process(*named)
        living = process is not None and not process.has_ended()
        if process is not None:
            process.close()
        if left.sessions or left.rejected:
            trouble = last_trouble(folder) if left.waiting or left.uncounted else None
            lines.append(_of_process(folder, left, living=living, trouble=trouble))
    yield ok(
        ABOUT,
        f"{root}: {count(total.sessions, 'session')}, {_waiting(total)}, "
        f"{total.rejected:,} rejected, {total.dropped:,} dropped",
    )
    lines.sort(key=lambda line: line.level == "ok")
    yield from lines[:_MOST_SHOWN]
    if len(lines) > _MOST_SHOWN:
        yield ok(ABOUT, f"and {len(lines) - _MOST_SHOWN} more processes")


def _waiting(left: Left) -> str:
    return f"{'at least ' if left.uncounted else ''}{count(left.waiting, 'record')} waiting"


def _of_process(folder: Path, left: Left, *, living: bool, trouble: str | None) -> Finding:
    pid = folder.name.partition("-")[0]
    what = ", ".join(left.products) or "no session left"
    text = f"process {pid} ({what}), {'running' if living else 'ended'}: {_waiting(left)}"
    if left.rejected:
        return warn(
            ABOUT,
            f"{text}, {left.rejected:,} rejected by the server",
            f"each says why in {folder}/*/rejected/*.json; delete them when they are not needed",
        )
    if left.dropped:
        return warn(
            ABOUT, f"{text}, {left.dropped:,} dropped", "there was no room for them: free some space on its disk"
        )
    if trouble:
        return warn(ABOUT, f"{text}; the last try: {trouble}", "see to that; `datacat sync` delivers them then")
    if (left.waiting or left.uncounted) and not living:
        return warn(
            ABOUT, text, "`datacat sync` delivers them, as does the next program's daemon; see that the server runs"
        )
    return ok(ABOUT, text)


def _left_in(folder: Path, deadline: float) -> Left:
    from datacat_daemon.spool.manifest import BadManifest, read_manifest

    left = Left(products={})
    for session in sorted(path for path in folder.iterdir() if path.is_dir()):
        left.rejected += len(list(session.glob("rejected/*.json")))
        try:
            manifest = read_manifest(session / "manifest.json")
        except (OSError, BadManifest):
            continue
        left.sessions += 1
        left.products[f"{manifest.product} {manifest.version}"] = None
        if time.monotonic() < deadline:
            left.waiting += _waiting_in(session)
        else:
            left.uncounted += 1
        left.dropped += _dropped_in(session)
    return left


def _waiting_in(session: Path) -> int:
    from datacat_daemon.spool.acknowledged import positions_in
    from datacat_daemon.spool.reader import WriterReader, writers_in

    waiting = 0
    try:
        acknowledged = positions_in(session)
        for writer in writers_in(session):
            oldest = WriterReader(session, writer, acknowledged.get(writer, 0))
            first = oldest.read(1)
            oldest.close()
            if first:
                # Ordinals rise one by one: what lies between need not be read.
                newest = WriterReader(session, writer, first[0].ordinal, newest=_NEWEST)
                while newest.read(_AT_ONCE):
                    pass
                newest.close()
                waiting += max(1, newest.next - first[0].ordinal)
    except OSError:
        return waiting  # delivered and removed meanwhile
    return waiting


def _dropped_in(session: Path) -> int:
    from datacat_daemon.spool.control import ControlReader

    dropped = 0
    for page in (path for path in session.iterdir() if path.name.partition(".")[0] == "control"):
        reader = ControlReader(page)
        try:
            dropped += reader.read().dropped
        except OSError:
            continue
        finally:
            reader.close()
    return dropped
