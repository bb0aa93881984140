"""What a signal handler of the application raises in the midst of a logging call, which itself never raises anything.

A timeout made with SIGALRM, say, may strike while a record is being written: it has to reach whoever waits for it.
"""

import signal
import sys


def let_through():
    """To be called first in an except clause: raises the exception again if a Python signal handler has raised it."""
    trace = sys.exc_info()[2]
    if trace is None or trace.tb_next is None:
        return
    codes = _codes_of_handlers()
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            raise
        trace = trace.tb_next


def _codes_of_handlers():
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
