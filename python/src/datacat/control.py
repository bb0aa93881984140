"""The control page of a session: a mapped page that the application stores into and its daemon reads.

It is the file `control` of the session's folder; a forked child has one too, `control.<pid>-<start>`, of which only the
drops count, and which says that the child may still log.

Layout (native byte order), each field one aligned 8-byte store, so that none is ever seen half written:

    offset  field
    0       magic, b"DCATCTL1"
    8       beats: another number after each heartbeat, 0 before the first; the daemon times its changes by its clock
    16      monitoring: 0 off, 1 on
    24      timeout in microseconds after which a silent heartbeat is a hang
    32      paused: 0 or 1
    40      ended: 0, or when the session ended, microseconds since 1970 UTC
    48      how it ended: 1 end() was called, 2 the interpreter finished, 3 it was interrupted (Ctrl-C), 4 end()
            was called in a program of `datacat run`, whose session goes on until the program ends
    56      uncaught: 0, or when an exception that nothing caught was recorded
    64      dropped: records that could not be kept (disk full, quota, no spool)
    72      flush: raised by one for every flush() that waits; the daemon ships at once when it changes
    80      urgent: raised by one for every record that cannot wait (an exception); shipped at once, too
    88      stack signal: the signal that makes the process write its stacks, where the manifest could not know it; or 0
    96      exit status: 0, or one more than what waitpid said of the process, by a parent that waited for it
    104     when that parent saw it end, microseconds since 1970 UTC, or 0
"""

import binascii
import errno
import itertools
import mmap
import os
import struct
import sys

from datacat._compat import allocate, map_file

MAGIC = b"DCATCTL1"
SIZE = 4096

BEATS = 8
MONITORING = 16
TIMEOUT_US = 24
PAUSED = 32
ENDED_US = 40
END_KIND = 48
UNCAUGHT_US = 56
DROPPED = 64
FLUSH = 72
URGENT = 80
STACK_SIGNAL = 88
EXIT_STATUS = 96
EXIT_US = 104

ENDED_BY_CALL = 1
ENDED_BY_INTERPRETER = 2
ENDED_BY_INTERRUPT = 3
ENDED_WITH_PROGRAM = 4

FIELD = struct.Struct("@Q")

_store = FIELD.pack_into
_load = FIELD.unpack_from
_LARGEST = 2**64 - 1

# The number that a heartbeat stores: another one each time, in whatever thread; and other processes that have the page
# count from elsewhere, so that no beat stores what is there already.
_beats = itertools.count(int(binascii.hexlify(os.urandom(4)), 16) << 32 | 1)
next_beat = _beats.next if sys.version_info[0] == 2 else _beats.__next__


class ControlPage(object):
    """The application's side of a control page.

    Attributes:
        page: the mapped page.

    Args:
        path: the file to make, or None for a page that nobody reads (a spool that cannot be written).
        existing: take up the file that is there, where another process left it; its counts go on.

    Raises OSError where the file cannot be made, or is not there.
    """

    def __init__(self, path=None, existing=False):
        if path is None:
            self.page = mmap.mmap(-1, SIZE)
        else:
            self.page = map_file(path, SIZE) if existing else _make(path)
        self._dropped_before = self._count(DROPPED)

    def beat(self):
        """One heartbeat: one store."""
        _store(self.page, BEATS, next_beat())

    def monitor(self, timeout):
        """Watch the heartbeat: a silence longer than `timeout` seconds is a hang; None stops watching."""
        if timeout is None:
            _store(self.page, MONITORING, 0)
        else:
            _store(self.page, TIMEOUT_US, int(timeout * 1000000))
            self.beat()
            _store(self.page, MONITORING, 1)

    def pause(self, paused):
        """A paused heartbeat is never a hang; going on counts as a beat."""
        self.beat()
        _store(self.page, PAUSED, int(paused))

    def end(self, time_us, kind):
        """The session ended; `kind` is one of those above."""
        _store(self.page, END_KIND, kind)
        _store(self.page, ENDED_US, time_us)

    def uncaught(self, time_us):
        """An exception that nothing caught was recorded: if the process dies now, that is why."""
        _store(self.page, UNCAUGHT_US, time_us)

    def dropped(self, count):
        """How many records could not be kept so far, by the one that has this page."""
        _store(self.page, DROPPED, self._dropped_before + count)

    def request_flush(self):
        """Ask the daemon to ship at once."""
        self._increase(FLUSH)

    def urgent(self):
        """A record was committed that cannot wait for the next batch."""
        self._increase(URGENT)

    def stack_signal(self, number):
        """The process writes its stacks when it gets this signal."""
        _store(self.page, STACK_SIGNAL, number)

    def exit_status(self, status, time_us):
        """The process has ended with this status, as waitpid gives it."""
        _store(self.page, EXIT_US, time_us)
        _store(self.page, EXIT_STATUS, status + 1)

    def _increase(self, field):
        # by what the page says and not by a count of one's own: others that have the page raise it, too, and a number
        # that is there already would change nothing
        page = self.page
        _store(page, field, (_load(page, field)[0] + 1) & _LARGEST)

    def _count(self, field):
        return _load(self.page, field)[0]


class LatePage(ControlPage):
    """A page whose file is made when it is needed first: of a forked child, which most often has nothing to say.

    Args:
        path: the file to make, or None for a page that nobody reads.
    """

    def __init__(self, path):
        self._path = path
        self._dropped_before = 0

    def __getattr__(self, name):
        if name != "page":
            raise AttributeError(name)
        try:
            self.make()
        except OSError:
            pass
        return self.__dict__.get("page") or self.__dict__.setdefault("page", mmap.mmap(-1, SIZE))

    def make(self):
        """Make the file, if it is not there. Raises OSError."""
        if self._path is None:
            return
        try:
            self.page = _make(self._path)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
            # another thread is just making it, and puts it in the place of this one
            self.__dict__.setdefault("page", mmap.mmap(-1, SIZE))
        self._path = None


def _make(path):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        allocate(descriptor, SIZE)
    finally:
        os.close(descriptor)
    page = map_file(path, SIZE)
    page[0:8] = MAGIC
    return page
