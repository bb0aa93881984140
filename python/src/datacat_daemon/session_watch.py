"""Watches one session of a process: its control page, its heartbeat, its newest records; and writes its verdicts."""

from __future__ import annotations

import os
from pathlib import Path

from datacat._compat import now_us

from datacat_daemon.control import ControlReader
from datacat_daemon.hangs import Change, HeartbeatWatch, Hung, Recovered
from datacat_daemon.log import DaemonLog
from datacat_daemon.manifest import Manifest
from datacat_daemon.process import Process, boot_id, read_stat
from datacat_daemon.removal import remove_session
from datacat_daemon.scout import Scout
from datacat_daemon.shipment import Shipment
from datacat_daemon.shipper import Shipper
from datacat_daemon.sleep import Sleep
from datacat_daemon.stack_request import StackRequest, read_tail
from datacat_daemon.verdict import Evidence, Verdict, after_death, while_running
from datacat_daemon.verdict_writer import VerdictWriter, verdicts_in

_FIND_SECONDS = 0.25
_REST_AFTER_SECONDS = 3.0
_REST_SECONDS = 2.0
_FINAL = frozenset({"ended", "crashed"})


class SessionWatch:
    """One session.

    Args:
        folder: its folder in the spool.
        manifest: what it is.
        shipper: takes its records to the server. Raises ValueError where the server's address is none.
        log: where troubles are written.
    """

    def __init__(self, folder: Path, manifest: Manifest, shipper: Shipper, log: DaemonLog) -> None:
        self.folder = folder
        self.manifest = manifest
        self._shipper = shipper
        self._shipment: Shipment = shipper.add(folder, manifest, log)
        self._log = log
        self._control = ControlReader(folder / "control")
        self._seen = self._control.read()
        self._scout = Scout(folder, log)
        self._writer = VerdictWriter(folder)
        written = verdicts_in(folder)
        self.settled = bool(_FINAL.intersection(written))
        self._heartbeat = HeartbeatWatch(hung=[s for s in written if s in ("hung", "recovered")][-1:] == ["hung"])
        self._pending: tuple[Hung, StackRequest] | None = None
        self._find_at = 0.0
        self._rest_from = 0.0
        self._rest_until = 0.0

    @property
    def done(self) -> bool:
        """The server has all of it."""
        return self._shipment.done

    @property
    def refused(self) -> bool:
        """The server will not have it."""
        return self._shipment.refused

    @property
    def failing(self) -> bool:
        """Its server did not take it when last asked."""
        return self._shipment.failing

    def look(self, now: float, process: Process | None) -> None:
        """One turn. `now` in seconds on the monotonic clock; `process` None once it has ended.

        A session that has ended is looked at seldom and holds no file open: a process may have had hundreds of them.
        """
        if now < self._rest_until:
            return
        if now >= self._find_at:
            self._find_at = now + _FIND_SECONDS
            self._scout.find_writers()
        urgent = self._scout.look(prepare=process is not None and not self.settled)
        control = self._control.read()
        if control.beats != self._seen.beats:
            self._shipment.last_heartbeat = now_us()
        urgent |= control.flush != self._seen.flush
        self._shipment.dropped = control.dropped
        self._seen = control
        if process is not None and not self.settled:
            self._watch_heartbeat(now, process)
            verdict = while_running(control)
            if verdict is not None:
                self._settle(verdict)
                self._rest_from = now + _REST_AFTER_SECONDS
        if urgent:
            self._ship_now()
        if self.settled and now >= self._rest_from:
            self._shipment.resting = True
            self._rest_until = now + _REST_SECONDS
            self.close()

    def note_sleep(self, sleep: Sleep) -> None:
        """The machine slept, and the session with it."""
        if not self.settled:
            seconds = round(sleep.seconds, 3)
            self._write(Verdict("suspended", sleep.began_us, "the machine went to sleep"))
            reason = f"the machine is awake again, after {seconds:.0f} s"
            self._write(Verdict("resumed", now_us(), reason, {"suspended_seconds": seconds}))

    def conclude(self, now: float, exit_status: int | None, seen: bool) -> None:
        """The process has ended: write the verdict, unless there is one.

        Args:
            now: seconds on the monotonic clock.
            exit_status: as `waitpid` gives it, None if unknown.
            seen: it ended just now, under our eyes; else some time before.
        """
        self._scout.find_writers()
        self._scout.look(prepare=False)
        control = self._control.read()
        self._shipment.dropped = control.dropped
        if not self.settled:
            if self._pending is not None:
                self._write_hang(*self._pending)
            if self._heartbeat.hung:
                self._note_recovery(self._heartbeat.look(now, control))
            ours = self.manifest.boot_id
            evidence = Evidence(
                time=now_us() if seen else max(self._scout.last_time, self.manifest.created_us),
                exit_status=exit_status,
                fatal_text=read_tail(self.folder.parent / "fatal.txt"),
                exception=self._scout.last_exception(),
                last_events=self._scout.last_events(),
                rebooted=ours is not None and ours != boot_id(),
            )
            self._settle(after_death(control, evidence))

    def finish(self) -> None:
        """Once the process has ended: let the shipper come to an end, as soon as nobody else writes."""
        if self.settled and not self._shipment.finished and not self._others_write():
            self._shipment.finished = True
            self._ship_now()

    def remove(self) -> None:
        """Stop watching, and delete its files; what the server would not take stays in `rejected`."""
        self.close()
        self._shipper.remove(self._shipment)
        remove_session(self.folder)

    def close(self) -> None:
        """Let go of its files."""
        self._control.close()
        self._scout.close()
        self._writer.close()

    def _watch_heartbeat(self, now: float, process: Process) -> None:
        change = self._heartbeat.look(now, self._seen)
        if isinstance(change, Hung):
            path = self.folder.parent / "stacks.txt"
            self._pending = change, StackRequest(process, self.manifest.stack_signal, path, now)
        if self._pending is not None and (self._pending[1].ready(now) or isinstance(change, Recovered)):
            self._write_hang(*self._pending)
        self._note_recovery(change)

    def _note_recovery(self, change: Change) -> None:
        if isinstance(change, Recovered):
            seconds = round(change.seconds, 3)
            reason = f"the heartbeat is back after {seconds:.1f} s"
            self._write(Verdict("recovered", now_us(), reason, {"hung_seconds": seconds}))

    def _write_hang(self, hung: Hung, request: StackRequest) -> None:
        self._pending = None
        data = {
            "timeout_seconds": hung.timeout,
            "silent_seconds": round(hung.silent, 3),
            "stacks": request.stacks(),
        }
        reason = f"no heartbeat for {hung.silent:.1f} s (timeout {hung.timeout:g} s)"
        self._write(Verdict("hung", now_us(), reason, data))

    def _settle(self, verdict: Verdict) -> None:
        self.settled = self._write(verdict)

    def _write(self, verdict: Verdict) -> bool:
        what = f"{self.manifest.session_id}: {verdict.status}: {verdict.reason}"
        try:
            self._writer.write(verdict)
        except OSError as error:
            self._log.write(f"{what} (not written: {error})")
            return False
        self._log.write(what)
        self._ship_now()
        return True

    def _ship_now(self) -> None:
        self._shipment.urgent = True
        self._shipper.wake()

    def _others_write(self) -> bool:
        """A child or another process of this session is still alive: writer names begin with their process's pid."""
        for writer in self._scout.writers():
            pid = writer.partition("-")[0]
            if pid.isdigit() and int(pid) != self.manifest.pid and _runs(int(pid)):
                return True
        return False


def _runs(pid: int) -> bool:
    stat = read_stat(pid)
    if stat is not None:
        return not stat.ended
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
