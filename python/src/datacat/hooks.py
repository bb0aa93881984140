"""What tells the end of the process: uncaught exceptions and a normal finish. Installed once a process.

Every hook calls what was there before it.
"""

import atexit
import logging
import os
import sys
import threading
import traceback

from datacat._compat import now_us
from datacat.control import ENDED_BY_INTERPRETER, ENDED_BY_INTERRUPT

_sessions = []
_installed_by = None
_interrupted = False
_last_uncaught = None
_own_excepthook = None


def watch(session):
    """From now on the end of the process is told to this session."""
    global _installed_by
    if _installed_by != os.getpid():
        del _sessions[:]  # a forked child's parent looks after its own
        if _installed_by is None:
            _install()
        _install_for_multiprocessing()
        _installed_by = os.getpid()
    _sessions.append(session)


def unwatch(session):
    """This session has ended; what becomes of the process is no concern of its own."""
    if session in _sessions:
        _sessions.remove(session)


def _install():
    global _own_excepthook
    previous = sys.excepthook

    def excepthook(kind, value, trace):
        try:
            _uncaught(kind, value, trace)
        except Exception:
            pass
        previous(kind, value, trace)

    sys.excepthook = _own_excepthook = excepthook
    if hasattr(threading, "excepthook"):
        _install_for_threads()
    else:
        _install_for_threads_before_38()
    # The default handler of an asyncio loop logs there; a filter that lets all through changes nothing about that.
    logging.getLogger("asyncio").addFilter(_AsyncioFilter())
    if "asyncio.base_events" in sys.modules:
        _install_for_asyncio(sys.modules["asyncio.base_events"].BaseEventLoop)
    atexit.register(_finish)


def _install_for_threads():
    previous = threading.excepthook

    def excepthook(args):
        if not issubclass(args.exc_type, SystemExit):
            thread = args.thread.name if args.thread is not None else None
            _record((args.exc_type, args.exc_value, args.exc_traceback), {"thread": thread})
        previous(args)

    threading.excepthook = excepthook


def _install_for_threads_before_38():
    start = threading.Thread.start

    def start_with_hook(thread):
        run = thread.run

        def run_with_hook():
            try:
                run()
            except Exception:
                _record(sys.exc_info(), {"thread": thread.name})
                raise

        thread.run = run_with_hook
        start(thread)

    threading.Thread.start = start_with_hook


class _AsyncioFilter(object):
    def filter(self, record):
        if record.exc_info and record.levelno >= logging.ERROR and record.exc_info[1] is not _seen_by_loop.exception:
            _record(record.exc_info, {"asyncio": record.getMessage()})
        return True


class _SeenByLoop(threading.local):
    exception = None


_seen_by_loop = _SeenByLoop()


def _install_for_asyncio(loop_class):
    """A loop whose application has set a handler of its own does not log; so what is to be handled is seen here."""
    previous = loop_class.call_exception_handler

    def call_exception_handler(loop, context):
        exception = context.get("exception")
        if isinstance(exception, Exception):
            kind, trace = type(exception), exception.__traceback__
            _record((kind, exception, trace), {"asyncio": context.get("message")})
            _seen_by_loop.exception = exception
        try:
            return previous(loop, context)
        finally:
            _seen_by_loop.exception = None

    loop_class.call_exception_handler = call_exception_handler


def _install_for_multiprocessing():
    """A child of multiprocessing catches its exceptions, prints them, and leaves by os._exit, past atexit.

    What it does run are finalizers of its own.
    """
    process = sys.modules.get("multiprocessing.process")
    util = sys.modules.get("multiprocessing.util")
    if process is None or util is None or getattr(process.current_process(), "_parent_pid", None) is None:
        return
    util.Finalize(None, _finish, exitpriority=0)
    previous = traceback.print_exc

    def print_exc(*arguments, **options):
        if sys._getframe(1).f_code.co_name == "_bootstrap":
            _uncaught(*sys.exc_info())
        previous(*arguments, **options)

    traceback.print_exc = print_exc


def _record(exc_info, data):
    try:
        for session in list(_sessions):
            session.log_exception(exc_info, data)
    except Exception:
        pass


def _uncaught(kind, value, trace):
    global _interrupted, _last_uncaught
    if value is _last_uncaught:
        return
    _last_uncaught = value
    if issubclass(kind, KeyboardInterrupt):
        _interrupted = True
        return
    for session in list(_sessions):
        session.log_exception((kind, value, trace))
        if os.getpid() == _installed_by:  # how a forked child ends says nothing about its parent
            session.sink.uncaught(now_us())


def _finish():
    if os.getpid() != _installed_by:
        return  # a forked child has its parent's sessions in this list
    # An excepthook that was set after ours need not have called it; the interpreter notes what ended it all the same.
    # Where ours is still the one, others may have left a value there: test runners and consoles do.
    value = getattr(sys, "last_value", None)
    if value is not None and sys.excepthook is not _own_excepthook and not hasattr(sys, "ps1"):
        _uncaught(sys.last_type, value, sys.last_traceback)
    for session in list(_sessions):
        session.sink.end(ENDED_BY_INTERRUPT if _interrupted else ENDED_BY_INTERPRETER)
