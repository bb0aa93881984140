"""The flight recorder of one session in one process: what `write` returned from is in pages that outlive the process.

There is no lock. A call leases a writer for as long as it lasts: it takes one out of a pool by an atomic `pop`, and
puts it back when its record is committed. A thread that is interrupted in the middle of a call holds its writer
meanwhile; any other thread, a signal handler or a finalizer that logs at that moment takes another one, or makes one.
So nobody waits for anybody, and no writer is ever entered twice. A call that is broken off by an exception (Ctrl-C)
does not give its writer back, at whatever step that was. Once no frame of it is left, nobody refers to the writer any
more: that is how it is found when another one is needed, and it goes on where it was.

After a fork the child starts with an empty pool, under names of its own, with a control page of its own that counts
its drops; where there are many sessions, or one has ended, that page is made with the child's first record. A call
that the fork caught half way through gives its writer back to the pool it came from, which in the child nobody uses
any more.
"""

import binascii
import itertools
import os
import sys
import weakref
from collections import deque

from datacat._compat import monotonic, now_us
from datacat.control import ControlPage, LatePage
from datacat.exceptions_of_signals import let_through
from datacat.machine import process_start
from datacat.mapping import take_up
from datacat.quota import has_room, process_quota
from datacat.segment import RETRY_SECONDS, SEGMENT_SIZE, URGENT, SegmentWriter
from datacat.wake import wake

MOST_KNOWN_AT_ONCE = 8
"""A fork makes the child's page in the sessions of a process that has no more than these; it costs 0.2 ms each."""

_page_of = (None, None)
_recorders = weakref.WeakSet()
_fork_is_announced = hasattr(os, "register_at_fork")

# Counting references: not on every Python, and without its lock not exactly.
_counts = hasattr(sys, "getrefcount") and getattr(sys, "_is_gil_enabled", lambda: True)()
_probe = [object()]
_IN_A_LIST_ONLY = sys.getrefcount(_probe[0]) if _counts else None


class Recorder(object):
    """Appends records to the segments of a session.

    Args:
        folder: the session's folder in the spool, or None where there is none: everything is dropped, and counted.
        segment_size: bytes of one segment.
        quota: bytes that the segments of this process may take, by default $DATACAT_PROCESS_SPOOL_MAX_MB; beyond that
            records are dropped until some are shipped.
        control: the session's ControlPage, if it is there already.
    """

    def __init__(self, folder, segment_size=SEGMENT_SIZE, quota=None, control=None):
        self.folder = folder
        self.control = control or self._make_control("control")
        self._segment_size = segment_size
        self._quota = process_quota() if quota is None else quota
        self.sealed = False
        self._start()
        _recorders.add(self)

    def _make_control(self, name):
        if self.folder is not None:
            try:
                return ControlPage(os.path.join(self.folder, name))
            except OSError:
                self.folder = None
        return ControlPage()

    def _start(self):
        self._pid = os.getpid()
        # pids come back; a writer's name must not, or the server would take its records for known ones
        self._tag = binascii.hexlify(os.urandom(3)).decode("ascii")
        self._names = itertools.count()
        self._unused_names = deque()
        self._drops = itertools.count(1)
        self._retry_at = 0.0
        self.dropped = 0
        self.writers = []
        idle = deque()
        self.pool = idle.pop, idle.append

    def make_ready(self):
        """Make the first writer now, so that the first logging call need not."""
        writer = self._new_writer()
        if writer is not None:
            _, give_back = self.pool
            give_back(writer)

    def write(self, kind, flags, payload):
        """Commit one record; True if it is kept, False if it had to be dropped (it is counted then).

        Args:
            kind: EVENT, STATE, METRIC or STATUS of `datacat.segment`.
            flags: 0 or URGENT.
            payload: bytes of a JSON object, at most MAX_PAYLOAD.
        """
        if not _fork_is_announced and self._pid != os.getpid():
            self.after_fork_in_child()
        lease, give_back = self.pool
        try:
            writer = lease()
        except IndexError:
            writer = self._abandoned() or self._new_writer()
            if writer is None:
                return self._drop()
        try:
            writer.append(kind, flags, now_us(), payload)
        except OSError:
            let_through()
            give_back(writer)
            return self._drop()
        give_back(writer)
        if flags & URGENT:
            self.control.urgent()
            wake(os.path.dirname(self.folder))
        return True

    def seal(self):
        """Let go of all segments that no call is writing into: once shipped, they can be deleted."""
        self.sealed = True
        lease, give_back = self.pool
        abandoned = self._abandoned()
        while abandoned is not None:
            give_back(abandoned)
            abandoned = self._abandoned()
        idle = []
        try:
            while True:
                idle.append(lease())
        except IndexError:
            pass
        for writer in idle:
            writer.seal()
            give_back(writer)

    def written(self):
        """Next ordinal by writer name: how many records each writer of this process has committed."""
        return {writer.name: writer.ordinal for writer in list(self.writers)}

    def after_fork_in_child(self, is_known=True):
        """Become a recorder of its own: the parent's writers and control page are the parent's.

        Args:
            is_known: make the child's control page now; else it is made with the child's first record.
        """
        self.control = LatePage(self.folder and os.path.join(self.folder, _name_of_page()))
        if is_known and not self.sealed:
            try:
                self.control.make()
            except OSError:
                pass  # it is tried again with the first record
        self._start()

    def _abandoned(self):
        """A writer of a call that was broken off, ready for use; None if there is none."""
        if not _counts:
            return None
        writers = self.writers
        for at in range(len(writers)):
            if sys.getrefcount(writers[at]) == _IN_A_LIST_ONLY:
                # from now on it has a reference more; still another one if a second thread has come to the same
                taken = [writers[at]]
                if sys.getrefcount(taken[0]) == _IN_A_LIST_ONLY + 1:
                    taken[0].resume()
                    return taken[0]
        return None

    def _new_writer(self):
        if self.folder is None or monotonic() < self._retry_at:
            return None
        try:
            name = self._unused_names.pop()
        except IndexError:
            name = "%d-%s-%d" % (self._pid, self._tag, next(self._names))
        try:
            if self.control.__class__ is LatePage:
                self.control.make()
            writer = SegmentWriter(self.folder, name, self._segment_size, self._has_room, take_up)
        except OSError:
            self._unused_names.append(name)
            let_through()
            self._retry_at = monotonic() + RETRY_SECONDS
            return None
        except BaseException:
            self._unused_names.append(name)  # its segment may be there
            raise
        self.writers.append(writer)
        return writer

    def _has_room(self):
        return has_room(self.folder, self._segment_size, self._quota)

    def _drop(self):
        self.dropped = next(self._drops)
        self.control.dropped(self.dropped)
        return False


def _after_fork_in_child():
    recorders = list(_recorders)
    are_few = sum(not recorder.sealed for recorder in recorders) <= MOST_KNOWN_AT_ONCE
    for recorder in recorders:
        recorder.after_fork_in_child(are_few)


def _name_of_page():
    """`control.<pid>-<start>` of this process, found out once."""
    global _page_of
    pid = os.getpid()
    if _page_of[0] != pid:
        _page_of = pid, "control.%d-%s" % (pid, process_start(pid) or 0)
    return _page_of[1]


if _fork_is_announced:
    os.register_at_fork(after_in_child=_after_fork_in_child)
