"""The daemon on its own, for programs in any language: it is told by HTTP which processes to look after."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

from datacat import machine, spool

from datacat_daemon.config import Config
from datacat_daemon.http.service import Service
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.watching.process import Process, watch_process

LEAVING_SIGNALS = [signal.SIGTERM, signal.SIGINT]
if sys.platform == "win32":
    LEAVING_SIGNALS.append(signal.SIGBREAK)


def run(config: Config) -> str | None:
    """Listen while the process lives that started this one, and until all is shipped; None, or why it could not.

    With nobody there who started it, it listens until SIGTERM or SIGINT (on Windows Ctrl-C or Ctrl-Break).
    """
    starter = _starter()
    try:
        root = _spool()
    except OSError as error:
        return f"there is no spool to keep records in: {error}; name a folder of your own in $DATACAT_SPOOL"
    try:
        service = Service(root, config, config.daemon_port, starter, DaemonLog(root / "daemon.log"))
    except OSError as error:
        return (
            f"cannot listen on 127.0.0.1:{config.daemon_port}: {error.strerror}; "
            "choose another port with --port, or 0 for a free one"
        )
    for number in LEAVING_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as of a shell's background job, which Ctrl-C is not for
            signal.signal(number, lambda *_: service.leave())
    with contextlib.suppress(OSError):  # nobody may want to know
        print(f"datacat-daemon listens on http://127.0.0.1:{service.port}", flush=True)
    service.run()
    return None


def _starter() -> Process | None:
    pid = os.getppid()
    if pid <= 1:
        return None
    start, own = machine.process_start(pid), machine.process_start(os.getpid())
    if sys.platform == "win32" and (start is None or own is None or int(start) > int(own)):
        return None  # it has ended, and its number was given to another one since
    return watch_process(pid, start)


def _spool() -> Path:
    """The folder of the spool, made if need be. Raises OSError."""
    trouble: OSError | None = None
    for root in spool.spool_roots():
        try:
            spool.open_root(root)
            if os.access(root, os.W_OK | os.X_OK):
                return Path(root).absolute()
            trouble = trouble or PermissionError(f"{root} cannot be written")
        except OSError as error:
            trouble = trouble or error
    raise trouble or FileNotFoundError("no folder")
