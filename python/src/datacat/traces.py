"""An exception as the fields of an event."""

import sys
import traceback

from datacat.exceptions_of_signals import OF_VALUES, let_through
from datacat.tame import represent


def exception_fields(exc_info, extra_data=None):
    """The fields of an exception's event (docs/design/records.md).

    Args:
        exc_info: an exception, a (type, value, traceback) triple, or None for the exception that is being handled.
        extra_data: a dict to go with it.
    """
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, getattr(exc_info, "__traceback__", None))
    kind, value, trace = exc_info or sys.exc_info()
    if kind is None:
        kind, value, trace = RuntimeError, "log_exception() was called while no exception was being handled", None
    message = _text(value)
    fields = {
        "name": "exception",
        "level": "error",
        "category": "exception",
        "message": "%s: %s" % (kind.__name__, message) if message else kind.__name__,
        "exception_type": _full_name(kind),
        "exception_msg": message,
        "stacktrace": _lines(kind, value, trace),
    }
    frames = traceback.extract_tb(trace) if trace is not None else []
    if frames:
        fields["source_file"], fields["source_line"], fields["source_function"] = list(frames[-1])[:3]
    if extra_data is not None:
        fields["data"] = extra_data if isinstance(extra_data, dict) else {"value": extra_data}
    return fields


def _full_name(kind):
    module = getattr(kind, "__module__", None)
    if module in (None, "builtins", "exceptions", "__main__"):
        return kind.__name__
    return "%s.%s" % (module, kind.__name__)


def _text(value):
    try:
        return str(value)
    except OF_VALUES:
        let_through(of_value=True)
        return represent(value)


def _lines(kind, value, trace):
    try:
        parts = traceback.format_exception(kind, value, trace)
    except OF_VALUES:
        let_through()
        parts = traceback.format_tb(trace) + [kind.__name__]
    return [line for part in parts for line in part.rstrip("\n").split("\n")]
