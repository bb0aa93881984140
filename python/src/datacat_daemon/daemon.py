"""The daemon's loop: one thread watches every process folder that it looks after; the shipper's threads ship.

A daemon is started for one process folder. When that process is gone and the server has everything, it is done. If the
server is away, one daemon of the spool stays and the others leave their folders to it: the one on janitor's duty. One
that listens for clients in other languages gets more folders while it runs, and stays for as long as more may come.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from datacat._compat import now_us

from datacat_daemon.config import Config
from datacat_daemon.janitor import Janitor
from datacat_daemon.shipping.shipper import Shipper
from datacat_daemon.spool.descriptors import most_processes
from datacat_daemon.waker import Waker
from datacat_daemon.watching.process import Process
from datacat_daemon.watching.process_watch import ProcessWatch
from datacat_daemon.watching.session_watch import LONGEST_TURN
from datacat_daemon.watching.sleep import SleepWatch, awake, through_sleep

HURRIED_TURN_SECONDS = 0.08
TURN_SECONDS = LONGEST_TURN
IDLE_TURN_SECONDS = 0.5
DUTY_SECONDS = 5.0
SCAN_SECONDS = 3.0
MOST_ORPHANS = 32
_STOP_SECONDS = 40.0
_GARBAGE_THRESHOLD = 50_000  # records are no cycles: looking for some among them costs more than reading them
_LEAVE_SECONDS = 1.0


class Wish(Enum):
    """What a daemon is to do when a turn is done."""

    STAY = "go on, also with nothing to do"
    FINISH = "leave when there is nothing left to do"
    LEAVE = "leave now"


class Daemon:
    """Looks after process folders, and on duty after those that nobody else does.

    Args:
        spool: the folder that holds the process folders.
        config: the daemon's settings.
        wish: asked at every turn.
        starter: a process whose end is a reason to ask.
        note_end: told of a process folder whose process has ended, at every turn until its records are shipped.
    """

    def __init__(
        self,
        spool: Path,
        config: Config,
        wish: Callable[[], Wish] = lambda: Wish.FINISH,
        starter: Process | None = None,
        note_end: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        self._config = config
        self._wish = wish
        self._starter = starter
        self._note_end = note_end
        self._waker = Waker()
        self._shipper = Shipper(self._config, self.wake)
        self._janitor = Janitor(spool, config.spool_max_mb << 20)
        self._newcomers: deque[tuple[Path, Process | None]] = deque()
        self._watches: dict[Path, ProcessWatch] = {}
        self._settled: set[Path] = set()
        self._sleep = SleepWatch()
        self._duty_at = 0.0
        self._orphans: deque[Path] = deque()

    def look_after(self, folder: Path, process: Process | None = None) -> bool:
        """Look after a process folder; False if another daemon does.

        Args:
            folder: the process folder, inside the spool.
            process: its process, if it is watched already; it is closed here when it is not watched any more.
        """
        watch = ProcessWatch.adopt(folder, self._shipper, self._config, process)
        if watch is not None:
            self._watches[folder] = watch
            watch.look(time.monotonic())
        return watch is not None

    def welcome(self, folder: Path, process: Process | None = None) -> None:
        """The same from another thread, while it runs: with the next turn, which is now."""
        self._newcomers.append((folder, process))
        self.wake()

    def wake(self) -> None:
        """Take a turn now. From any thread, and from a signal handler."""
        self._waker.wake()

    def folders(self) -> list[Path]:
        """The process folders that it looks after. From any thread."""
        return list(self._watches)

    def run(self) -> None:
        """Return when there is nothing left to do here, or by the wish to leave."""
        patience = _STOP_SECONDS
        gc.set_threshold(_GARBAGE_THRESHOLD)
        try:
            while self._turn():
                self._wait()
            patience = _LEAVE_SECONDS if self._wish() is Wish.LEAVE else patience
        finally:
            self._shipper.stop(patience)

    def _turn(self) -> bool:
        wish = self._wish()
        if wish is Wish.LEAVE:
            return False
        self._take_newcomers()
        now = time.monotonic()
        slept = self._sleep.look(through_sleep(), awake(), now_us())
        for folder, watch in list(self._watches.items()):
            if slept is not None:
                watch.note_sleep(slept)
            watch.look(now)
            if watch.ended:
                self._note_end(folder)
            if watch.released:
                watch.close()
                del self._watches[folder]
                continue
            if watch.complete:
                watch.close()
                del self._watches[folder]
                self._settled.add(folder)
        self._adopt_found()
        if now >= self._duty_at:
            self._janitor.go_on_duty()
            self._duty_at = now + (SCAN_SECONDS if self._janitor.on_duty else DUTY_SECONDS)
            self._settled = {folder for folder in self._settled if folder.exists()}
            if self._janitor.on_duty:
                self._janitor.keep_quota()
                self._adopt_orphans()
        if wish is Wish.STAY:
            return True
        if not self._watches:
            return self._stay_on_duty()
        if all(watch.only_waits for watch in self._watches.values()) and not self._janitor.go_on_duty():
            return self._hand_over()
        return True

    def _wait(self) -> None:
        wakers: list[int] = []
        if self._starter is not None and self._starter.fileno() >= 0 and not self._starter.has_ended():
            wakers.append(self._starter.fileno())
        watches = list(self._watches.values())
        for watch in watches:
            wakers += watch.wakers()
        if all(watch.only_waits for watch in watches):
            seconds = IDLE_TURN_SECONDS
        else:
            seconds = HURRIED_TURN_SECONDS if any(watch.hurried for watch in watches) else TURN_SECONDS
        self._waker.wait(wakers, seconds)
        self._waker.clear()

    def _take_newcomers(self) -> None:
        while self._newcomers:
            folder, process = self._newcomers.popleft()
            known = folder in self._watches
            if (known or not self.look_after(folder, process)) and process is not None:
                process.close()

    def _adopt_orphans(self) -> bool:
        """Adopt what can be adopted; True if there is something to look after now, or will be soon."""
        found, soon = self._janitor.find(self._settled.union(self._watches))
        self._orphans = deque(found)
        return self._adopt_found() > 0 or soon

    def _adopt_found(self) -> int:
        """Adopt as many of the orphans that were found as there is room for; how many that were."""
        # So many at once of those whose process has ended, but for what only waits for its server.
        busy = sum(watch.ended and not watch.only_waits for watch in self._watches.values())
        room = min(MOST_ORPHANS - busy, most_processes() - len(self._watches))
        adopted = 0
        while self._orphans and adopted < room:
            adopted += self.look_after(self._orphans.popleft())
        return adopted

    def _stay_on_duty(self) -> bool:
        if not self._janitor.on_duty:
            return False
        if self._adopt_orphans():
            return True
        # Whoever leaves a folder lets go of it first and then looks whether somebody is on duty; here it is the other
        # way round. So one of the two sees the other, and nothing is left lying.
        self._janitor.go_off_duty()
        found, soon = self._janitor.find(self._settled)
        return (bool(found) or soon) and self._janitor.go_on_duty() and self._adopt_orphans()

    def _hand_over(self) -> bool:
        """Leave everything to the daemon on duty; True if there is none any more, so that this one has to stay."""
        self._shipper.stop(_STOP_SECONDS)
        for watch in self._watches.values():
            watch.close()
        left = list(self._watches)
        self._watches.clear()
        if not self._janitor.go_on_duty():
            return False
        self._shipper = Shipper(self._config, self.wake)
        for folder in left:
            self.look_after(folder)
        return True
