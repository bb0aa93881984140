"""What strikes in the midst of a logging call, which itself raises nothing, and is meant for the application.

A timeout made with SIGALRM, say, or one that another thread has set (PyThreadState_SetAsyncExc): it has to reach
whoever waits for it. What a value's own methods raise while it is encoded must not. The traceback tells the two apart.
"""

import signal
import sys
import types

# What a value's own methods may raise, and a logging call has to keep to itself.
OF_VALUES = (Exception, SystemExit, GeneratorExit)

# Where the types are from that our own functions raise, or what they call does; but these two types never are.
_MODULES_OF_OURS = frozenset(
    ["builtins", "exceptions", "_queue", "ctypes", "datacat", "json", "mmap", "orjson", "queue", "struct", "zlib"]
)
_NEVER_OURS = (SystemExit, GeneratorExit)


def let_through(of_value=False):
    """To be called first in an except clause: raises the exception again if it came from outside.

    That is one that a Python signal handler has raised, and one that was raised in none but our own functions and is
    of a type that cannot come from there.

    Args:
        of_value: the try clause calls a value's own method, which need not be written in Python.
    """
    kind, _, trace = sys.exc_info()
    frames = []
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    if not frames:
        return
    others = [frame for frame in frames if not _is_ours(frame)]
    if not others:
        if not (of_value and len(frames) == 1) and not _may_be_ours(kind):
            raise
    elif any(_was_given_one_of(frames, frame) for frame in others):
        raise
    else:
        codes = _codes_of_handlers()
        if any(frame.f_code in codes for frame in others):
            raise


def _is_ours(frame):
    name = str(frame.f_globals.get("__name__"))
    return name == "datacat" or name.startswith(("datacat.", "json."))


def _may_be_ours(kind):
    return not issubclass(kind, _NEVER_OURS) and str(kind.__module__).partition(".")[0] in _MODULES_OF_OURS


def _was_given_one_of(frames, frame):
    """Whether it is the frame of a signal handler, to which Python gives the frame that the signal interrupted."""
    for name in frame.f_code.co_varnames:
        value = frame.f_locals.get(name)
        for one in value if type(value) is tuple else (value,):
            if type(one) is types.FrameType and one in frames:
                return True
    return False


def _codes_of_handlers():
    """Of those that are installed: one may have forgotten the frame that it was given."""
    codes = set()
    for number in range(1, signal.NSIG):
        try:
            handler = signal.getsignal(number)
        except ValueError:
            continue
        if callable(handler):
            code = getattr(handler, "__code__", None) or getattr(getattr(handler, "__call__", None), "__code__", None)
            codes.add(code)
    codes.discard(None)
    return codes
