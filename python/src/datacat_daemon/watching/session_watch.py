"""Watches one session of a process: its control page, its heartbeat, its newest records; and writes its verdicts."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path

from datacat._compat import now_us

from datacat_daemon.shipping.shipment import Shipment
from datacat_daemon.shipping.shipper import Shipper
from datacat_daemon.spool.control import Control, ControlReader
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.manifest import Manifest
from datacat_daemon.spool.removal import remove_session
from datacat_daemon.spool.restore import restore_session
from datacat_daemon.watching.children import Children
from datacat_daemon.watching.hangs import Change, HeartbeatWatch, Hung, Recovered
from datacat_daemon.watching.namespaces import is_gone
from datacat_daemon.watching.notice import Notice, of_debugger
from datacat_daemon.watching.observer import Observed, Observer
from datacat_daemon.watching.process import Process, boot_id
from datacat_daemon.watching.scout import Scout
from datacat_daemon.watching.sleep import Sleep
from datacat_daemon.watching.stack_request import StackRequest, read_tail
from datacat_daemon.watching.stops import Stop
from datacat_daemon.watching.verdict import Evidence, Verdict, after_death, while_running
from datacat_daemon.watching.verdict_writer import VerdictWriter, verdicts_in
from datacat_daemon.watching.vitals_writer import VitalsWriter

LONGEST_TURN = 0.25
"""Seconds between two looks where nothing is in a hurry."""

_FIND_SECONDS = 0.25
_REST_AFTER_SECONDS = 3.0
_REST_SECONDS = 2.0
_CHILDREN_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_GRACE_SECONDS = 0.2
_MOST_UNWRITTEN = 100
_FINAL = frozenset({"ended", "crashed"})


class SessionWatch:
    """One session.

    Args:
        folder: its folder in the spool.
        manifest: what it is.
        shipper: takes its records to the server.
        log: where troubles are written.
    """

    def __init__(self, folder: Path, manifest: Manifest, shipper: Shipper, log: DaemonLog) -> None:
        self.folder = folder
        self.manifest = manifest
        self._shipper = shipper
        self._log = log
        self._control = ControlReader(folder / "control")
        self._children = Children(folder, manifest.pid_namespace, others={os.getpid(), manifest.pid})
        self._seen = Control()
        self._scout = Scout(folder, log, shipper.config.process_spool_max_mb << 20)
        self._writer = VerdictWriter(folder)
        self._vitals = VitalsWriter(folder)
        self._unwritten: deque[Verdict | Notice] = deque(maxlen=_MOST_UNWRITTEN)
        self._retry_at = 0.0
        written = verdicts_in(folder)
        self._judged = any(verdict.status in _FINAL for verdict in written)
        self._beat_before = _last_beat_of_hang(written)
        hung_for = None if self._beat_before is None else max(0.0, (now_us() - self._beat_before) / 1e6)
        self._heartbeat = HeartbeatWatch(hung_for)
        self._pending: tuple[Hung, Stop | None, StackRequest] | None = None
        self._find_at = 0.0
        self._children_at = 0.0
        self._finish_at = 0.0
        self._rest_from = 0.0
        self._rest_until = 0.0
        self._shipment: Shipment = shipper.add(folder, manifest, log)

    @property
    def settled(self) -> bool:
        """Its verdict is written."""
        return self._judged and not self._unwritten

    @property
    def heartbeat_is_watched(self) -> bool:
        """It has a heartbeat that may be silent for too long."""
        return bool(self._seen.monitoring and not self._seen.paused and not self._judged)

    @property
    def done(self) -> bool:
        """The server has all of it."""
        return self._shipment.done

    @property
    def undeliverable(self) -> bool:
        """It is complete, and its server's address is none: waiting does not help."""
        return self.settled and self._shipment.finished and self._shipment.undeliverable

    @property
    def refused(self) -> bool:
        """The server will not have it."""
        return self._shipment.refused

    @property
    def failing(self) -> bool:
        """Its server did not take it when last asked."""
        return self._shipment.failing

    @property
    def hurried(self) -> bool:
        """It has to be looked at again very soon: a hang is near or asked about, or segments fill quickly."""
        return self._pending is not None or (
            not self._judged and (self._scout.busy or self._heartbeat.is_near_hang(self._seen, LONGEST_TURN))
        )

    def look(self, now: float, process: Process | None, observed: Observed | None = None) -> None:
        """One turn.

        Args:
            now: seconds on the monotonic clock.
            process: None once it has ended.
            observed: what is seen of it from outside.

        A session that has ended is looked at seldom and holds no file open: a process may have had hundreds of them.
        """
        if now < self._rest_until:
            return
        if now >= self._find_at:
            self._find_at = now + _FIND_SECONDS
            self._scout.find_writers(self._children.ended_writers)
        if process is not None and not self._judged:
            self._scout.prepare()
        control = self._control.read()
        if control.beats != self._seen.beats:
            self._shipment.last_heartbeat = self._time_of_beat(process)
        urgent = control.flush != self._seen.flush or control.urgent != self._seen.urgent
        self._seen = control
        self._count_drops(now)
        if process is not None and not self._judged:
            self._watch_heartbeat(now, process, observed)
            verdict = while_running(control, self._hung_seconds())
            if verdict is not None:
                self._judge(verdict)
                self._rest_from = now + _REST_AFTER_SECONDS
        crowded = self._shipper.crowded
        if observed is not None and observed.vitals and not self._judged and not crowded:
            self._vitals.write(now_us(), observed.vitals)
        self._write()
        if urgent:
            self._ship_now()
        if crowded:
            self._close_files()
        if self.settled and now >= self._rest_from:
            self._shipment.resting = True
            self._rest_until = now + _REST_SECONDS
            self.close()

    def note_sleep(self, sleep: Sleep) -> None:
        """The machine slept, and the session with it."""
        if not self._judged:
            seconds = round(sleep.seconds, 3)
            self._say(Verdict("suspended", sleep.began_us, "the machine went to sleep"))
            reason = f"the machine is awake again, after {seconds:.0f} s"
            self._say(Verdict("resumed", now_us(), reason, {"suspended_seconds": seconds}))

    def conclude(self, now: float, exit_status: int | None, seen: bool, observer: Observer | None = None) -> None:
        """The process has ended: write the verdict, unless there is one. To be called again until it is `settled`.

        Args:
            now: seconds on the monotonic clock.
            exit_status: as `waitpid` gives it, None if unknown.
            seen: it ended just now, under our eyes; else some time before.
            observer: who has observed it while it ran.
        """
        control = self._seen = self._control.read()
        self._count_drops(now)
        if not self._judged:
            self._scout.read_last_words(bool(control.uncaught_us))
            if self._pending is not None:
                self._say_hung(*self._pending)
            if self._heartbeat.hung:
                self._note_recovery(self._heartbeat.look(now, control), control)
            ours = self.manifest.boot_id
            evidence = Evidence(
                time=control.exit_us or (now_us() if seen else max(self._scout.last_time, self.manifest.created_us)),
                exit_status=exit_status if control.exit_status is None else control.exit_status,
                fatal_text=read_tail(self.folder.parent / "fatal.txt"),
                exception=self._scout.last_exception(),
                last_events=self._scout.last_events(),
                rebooted=ours is not None and ours != boot_id(),
                hung_seconds=self._hung_seconds(),
                out_of_memory=None if observer is None else observer.out_of_memory(),
                resident_bytes=None if observer is None else observer.resident_bytes,
                namespace_ended=is_gone(self.manifest.pid_namespace, self.manifest.process_start),
                wrapped=self.manifest.wrapped,
            )
            self._judge(after_death(control, evidence))
            self._finish_at = now + _GRACE_SECONDS if seen else now
        self._write()
        if self._shipper.crowded:
            self._close_files()

    def finish(self, now: float) -> None:
        """Once the process has ended: let the shipper come to an end, as soon as nobody else writes.

        A child that was forked at the very end gets a moment to show itself.
        """
        if self.settled and not self._shipment.finished and now >= self._finish_at:
            self._finish_at = self._children_at = now + _CHILDREN_SECONDS
            self._children.look()
            self._shipment.dropped = self._seen.dropped + self._children.dropped
            if not self._children.running:
                self._shipment.finished = True
                self._ship_now()

    def remove(self) -> None:
        """Stop watching, and delete its files; what the server would not take stays in `rejected`."""
        self.close()
        self._shipper.remove(self._shipment)
        remove_session(self.folder)

    def release(self) -> None:
        """Ship nothing of it any more: somebody else does."""
        self._shipment.released = True

    def close(self) -> None:
        """Let go of its files, and of a request for stacks that is still open."""
        if self._pending is not None:
            self._pending[-1].close()
        self._close_files()

    def _close_files(self) -> None:
        self._control.close()
        self._scout.close()
        self._writer.close()
        self._vitals.close()

    def _time_of_beat(self, process: Process | None) -> int:
        """When the beat was that this look found: now, unless it was before the first look of this daemon."""
        if not self._seen.beats and self._beat_before is not None:
            return self._beat_before
        if self._seen.beats or process is not None:
            return int(now_us())
        return max(self._scout.last_time, self.manifest.created_us)

    def _count_drops(self, now: float) -> None:
        if now >= self._children_at:
            self._children_at = now + _CHILDREN_SECONDS
            self._children.look()
            self._shipment.ended_writers = self._children.ended_writers
        self._shipment.dropped = self._seen.dropped + self._children.dropped

    def restore(self) -> None:
        """Make its folder again, which somebody has deleted. Raises OSError."""
        restore_session(self.folder, self.manifest)
        self._writer.close()
        self._vitals.close()

    def _watch_heartbeat(self, now: float, process: Process, observed: Observed | None) -> None:
        stop = None if observed is None else observed.stop
        if observed is not None and observed.change is not None and self.heartbeat_is_watched:
            self._tell(of_debugger(observed.change, now_us()))
        held = stop is not None and stop.debugger is not None
        change = self._heartbeat.look(now, self._seen, held)
        if isinstance(change, Hung):
            path = self.folder.parent / "stacks.txt"
            number = self.manifest.stack_signal or self._seen.stack_signal or None
            self._pending = change, stop, StackRequest(process, number, path, now, stop is not None)
        over = isinstance(change, Recovered) or self._seen.ended_us
        if self._pending is not None and (self._pending[-1].ready(now) or over):
            self._say_hung(*self._pending)
        self._note_recovery(change, self._seen)

    def _note_recovery(self, change: Change, control: Control) -> None:
        if isinstance(change, Recovered):
            seconds = round(change.seconds, 3)
            what = "the heartbeat is not watched any more,"
            if control.monitoring:
                what = "the heartbeat is back"
            elif control.ended_us:
                what = "the heartbeat came back just before the end,"
            # What ended since the last look had come back before that: the turns are told in their order.
            time = min(now_us(), control.ended_us or now_us())
            self._say(Verdict("recovered", time, f"{what} after {seconds:.1f} s", {"hung_seconds": seconds}))

    def _hung_seconds(self) -> float | None:
        return self._heartbeat.silent if self._heartbeat.hung else None

    def _say_hung(self, hung: Hung, stop: Stop | None, request: StackRequest) -> None:
        self._pending = None
        stacks = request.stacks()
        if not stacks and request.trouble is not None:
            self._log.write(f"{self.manifest.session_id}: no stacks: {request.trouble}")
        request.close()
        data = {
            "timeout_seconds": hung.timeout,
            "silent_seconds": round(hung.silent, 3),
            "stacks": stacks,
        }
        reason = f"no heartbeat for {hung.silent:.1f} s (timeout {hung.timeout:g} s)"
        if stop is not None:
            reason += f": it is stopped by {stop.signal or 'a signal'}"
            data["stopped_by"] = stop.signal
        self._say(Verdict("hung", now_us(), reason, data))

    def _judge(self, verdict: Verdict) -> None:
        self._judged = True
        self._say(verdict)

    def _say(self, verdict: Verdict) -> None:
        self._log.write(f"{self.manifest.session_id}: {verdict.status}: {verdict.reason}")
        self._unwritten.append(verdict)
        self._write()

    def _tell(self, notice: Notice) -> None:
        self._log.write(f"{self.manifest.session_id}: {notice.name}: {notice.message}")
        self._unwritten.append(notice)
        self._write()

    def _write(self) -> None:
        """Write what is still to be said. While that cannot be done (a full disk) it is tried once a second."""
        if not self._unwritten or time.monotonic() < self._retry_at:
            return
        try:
            while self._unwritten:
                self._writer.write(self._unwritten[0])
                self._unwritten.popleft()
        except OSError as error:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            said = self._unwritten[0]
            what = said.status if isinstance(said, Verdict) else said.name
            self._log.write(f"{self.manifest.session_id}: {what} is not written yet: {error}")
        self._ship_now()

    def _ship_now(self) -> None:
        self._shipment.ask()
        self._shipper.wake()


def _last_beat_of_hang(written: list[Verdict]) -> int | None:
    """When the last beat was, by a hang among the verdicts that nothing followed; microseconds since 1970 UTC."""
    last = next((verdict for verdict in reversed(written) if verdict.status in ("hung", "recovered")), None)
    if last is None or last.status != "hung":
        return None
    return last.time - int(last.data.get("silent_seconds", 0) * 1e6)
