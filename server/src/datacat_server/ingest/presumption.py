"""What a machine's return says of the sessions that it came back without, and what takes that back.

The verdict on a process is its own machine's. Where nobody is left there to give it, the server presumes a crash: when
a new session of the machine begins while an older one is suspended. A presumption holds until something is heard that
only a live process, or the machine's own verdict, can say.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from datacat_server.ingest.lifecycle import Standing, reason_of
from datacat_server.ingest.records import SessionBatch, StatusRecord

WITHDRAWN = "withdrawn"
"""The status of the verdict that takes a presumption back."""

_ALIVE = "it was heard from again: it had not crashed"
_FINAL = frozenset({"ended", "crashed"})
_SAYS_NO_MORE = frozenset({"reboot", "unknown"})


def presumed_crash(last_heard: int, successor: str, began: int, *, rebooted: bool) -> StatusRecord:
    """The verdict on a session whose machine came back without it: `successor` is the new one. Microseconds."""
    when = datetime.fromtimestamp(began // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    how = "was restarted" if rebooted else "came back without it"
    return StatusRecord(
        time=last_heard,
        status="crashed",
        reason=f"its machine {how}: a new session began there at {when}, and nothing was heard of this one",
        data={"kind": "reboot" if rebooted else "missing", "presumed": True, "successor": successor},
    )


def withdrawal(time: int) -> StatusRecord:
    """The verdict that takes a presumption back."""
    return StatusRecord(time=time, status=WITHDRAWN, reason=_ALIVE)


def is_sign_of_life(batch: SessionBatch, settled: Collection[str], presumed: int) -> bool:
    """Whether a batch shows that the process lived when its machine was back (`presumed`, microseconds).

    What was recorded before that may well arrive later, from whoever clears up after the process. A single call has
    nobody who would clear up: the process makes it, whatever its clock says. `settled`: the writers of which something
    new has come.
    """
    if batch.header is None and not batch.writers and batch.heartbeat is not None:
        return True
    if batch.heartbeat is not None and batch.heartbeat > presumed:
        return True
    if not batch.records and not batch.writers:
        return batch.header is not None  # said by a daemon while the process runs, or by the program itself
    return any(
        (record.writer is None or record.time > presumed)
        and not (isinstance(record, StatusRecord) and record.status in _FINAL)
        for record in batch.records
        if record.writer is None or record.writer in settled
    )


def confirms(record: StatusRecord) -> bool:
    """Whether the machine's own verdict says what was presumed: a crash that nobody saw."""
    return record.status == "crashed" and (record.data or {}).get("kind") in _SAYS_NO_MORE


def confirm(standing: Standing, record: StatusRecord) -> None:
    """The machine's own verdict takes the place of the presumption."""
    standing.presumed, standing.ended, standing.reason = None, record.time, reason_of(record)


def withdraw(standing: Standing) -> None:
    """The session runs, as it did before the presumption."""
    standing.presumed, standing.ended, standing.crashed, standing.reason = None, None, False, _ALIVE
