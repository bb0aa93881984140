"""A process that is watched by a pidfd (Linux): it becomes readable when the process ends, and nobody has to ask.

How it ended it tells too, on Linux 6.15 and newer (`PIDFD_GET_INFO`), also once its parent has collected it.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import sys

from datacat_daemon.watching.proc_stat import read_stat

assert sys.platform == "linux"

_INFO_SIZE = 64
_INFO_EXIT = 1 << 3
_INFO_EXIT_CODE_OFFSET = 60
# _IOWR(0xFF, 11, struct pidfd_info) of linux/pidfd.h; the first 64 bytes of the structure are its first version.
_PIDFD_GET_INFO = (3 << 30) | (_INFO_SIZE << 16) | (0xFF << 8) | 11


class PidfdProcess:
    """Watched by pidfd. Raises OSError where the process is gone or the system has no pidfd.

    Args:
        pid, start: as for `watch_process`.
        descriptor: a pidfd that the process has handed on; it tells how the process ended even if that was before.
    """

    def __init__(self, pid: int, start: str | None, descriptor: int | None = None) -> None:
        self.pid = pid
        self._start = start
        self._descriptor = os.pidfd_open(pid) if descriptor is None else descriptor
        if descriptor is not None:
            return
        stat = read_stat(pid)
        if stat is not None and start is not None and stat.start != start:
            self.close()
            raise ProcessLookupError(f"process {pid} is another one now")

    def has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(0))

    def exit_status(self) -> int | None:
        stat = read_stat(self.pid)
        if stat is not None and stat.exit_status is not None and self._start in (None, stat.start):
            return stat.exit_status
        return status_by_pidfd(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def send_signal(self, number: int) -> bool:
        try:
            signal.pidfd_send_signal(self._descriptor, number)
        except OSError:
            return False
        return True

    def close(self) -> None:
        os.close(self._descriptor)


def status_by_pidfd(descriptor: int) -> int | None:
    """How the process of a pidfd has ended, None while it runs and where the system does not tell."""
    try:
        info = bytearray(_INFO_SIZE)
        struct.pack_into("@Q", info, 0, _INFO_EXIT)
        fcntl.ioctl(descriptor, _PIDFD_GET_INFO, info)
    except OSError:
        return None
    if not struct.unpack_from("@Q", info)[0] & _INFO_EXIT:
        return None
    status: int = struct.unpack_from("@i", info, _INFO_EXIT_CODE_OFFSET)[0]
    return status
