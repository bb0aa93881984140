"""Python's `logging` into a session."""

import logging
import threading

from datacat.traces import exception_fields

_LEVELS = (
    ("critical", logging.CRITICAL),
    ("error", logging.ERROR),
    ("warning", logging.WARNING),
    ("info", logging.INFO),
)
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class DatacatHandler(logging.Handler):
    """A handler that makes every log record an event: its level, the logger's name as group, `extra` as data.

    Args:
        session: the session to log to.
        level: the lowest level to take.
    """

    def __init__(self, session, level=logging.NOTSET):
        logging.Handler.__init__(self, level)
        self.session = session
        self._entered = threading.local()

    def emit(self, record):
        """Log one record; a record that is logged from inside this call is left out."""
        if getattr(self._entered, "now", False):
            return
        self._entered.now = True
        try:
            self._log(record)
        except Exception:
            self.handleError(record)
        finally:
            self._entered.now = False

    def _log(self, record):
        data = {key: value for key, value in vars(record).items() if key not in _STANDARD_FIELDS}
        data["source"] = "%s:%d in %s" % (record.pathname, record.lineno, record.funcName)
        fields = {"name": "log", "category": "log"}
        if record.exc_info and record.exc_info[0] is not None:
            fields = exception_fields(record.exc_info)
        fields.update(level=_level(record.levelno), message=record.getMessage(), data=data, group=record.name)
        self.session.log_fields(fields)


def _level(number):
    for name, least in _LEVELS:
        if number >= least:
            return name
    return "debug"
