"""What tells the end of the process: uncaught exceptions, fatal signals, a normal finish. Installed once a process.

Every hook calls what was there before it.
"""

import atexit
import os
import signal
import sys
import threading

from datacat._compat import now_us
from datacat.control import ENDED_BY_INTERPRETER, ENDED_BY_INTERRUPT

try:
    import faulthandler
except ImportError:
    faulthandler = None

_sessions = []
_installed_by = None
_interrupted = False
_last_uncaught = None
_stack_signal = None
_open_files = []


def watch(session):
    """From now on the end of the process is told to this session."""
    global _installed_by
    _sessions.append(session)
    if _installed_by != os.getpid():
        if _installed_by is None:
            _install()
        _installed_by = os.getpid()


def unwatch(session):
    """This session has ended; what becomes of the process is no concern of its own."""
    if session in _sessions:
        _sessions.remove(session)


def install_stack_dumps(folder):
    """Let `faulthandler` write fatal signals to fatal.txt and, on a signal of their own, all stacks to stacks.txt.

    Returns the number of that signal, or None where there is none to be had. The application's own use of
    faulthandler stays as it is.
    """
    global _stack_signal
    if faulthandler is None or _open_files:
        return _stack_signal
    try:
        if not faulthandler.is_enabled():
            faulthandler.enable(_open(folder, "fatal.txt"), all_threads=True)
        chosen = _free_signal()
        if chosen is not None:
            faulthandler.register(chosen, _open(folder, "stacks.txt"), all_threads=True, chain=False)
        _stack_signal = chosen
    except Exception:
        pass
    return _stack_signal


def _open(folder, name):
    file = open(os.path.join(folder, name), "a")
    _open_files.append(file)
    return file


def _free_signal():
    """A signal that nobody uses: a real-time one where the system has them, else SIGUSR2."""
    if hasattr(signal, "SIGRTMIN"):
        candidates = range(int(signal.SIGRTMIN) + 12, int(signal.SIGRTMAX) - 1)
    else:
        candidates = [getattr(signal, "SIGUSR2", None)]
    for number in candidates:
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            return int(number)
    return None


def _install():
    previous = sys.excepthook

    def excepthook(kind, value, trace):
        try:
            _uncaught(kind, value, trace)
        except Exception:
            pass
        previous(kind, value, trace)

    sys.excepthook = excepthook
    if hasattr(threading, "excepthook"):
        _install_for_threads()
    atexit.register(_finish)


def _install_for_threads():
    previous = threading.excepthook

    def excepthook(args):
        try:
            for session in list(_sessions):
                thread = args.thread.name if args.thread is not None else None
                session.log_exception((args.exc_type, args.exc_value, args.exc_traceback), {"thread": thread})
        except Exception:
            pass
        previous(args)

    threading.excepthook = excepthook


def _uncaught(kind, value, trace):
    global _interrupted, _last_uncaught
    _last_uncaught = value
    if issubclass(kind, KeyboardInterrupt):
        _interrupted = True
        return
    for session in list(_sessions):
        session.log_exception((kind, value, trace))
        session.sink.uncaught(now_us())


def _finish():
    # An excepthook that was set after ours need not have called it; the interpreter notes what ended it all the same.
    value = getattr(sys, "last_value", None)
    if value is not None and value is not _last_uncaught and not hasattr(sys, "ps1"):
        _uncaught(sys.last_type, value, sys.last_traceback)
    # A forked child that finishes has its parent's sessions in this list, on a control page that nobody reads.
    for session in list(_sessions):
        session.sink.end(ENDED_BY_INTERRUPT if _interrupted else ENDED_BY_INTERPRETER)
