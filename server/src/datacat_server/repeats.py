"""Keeps a log readable while something goes wrong again and again."""

import logging
import time

_QUIET_SECONDS = 60.0
_MOST_REMEMBERED = 100


class RepeatsOnce(logging.Filter):
    """Lets a warning or error through once a minute; the same one again, whatever is said beside it, is left out.

    What is the same: the words of the call that logs, and where there is one, its first argument.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or record.exc_info:
            return True  # a traceback is never the same by its words alone
        first = record.args[0] if isinstance(record.args, tuple) and record.args else ""
        key = f"{record.msg}\0{first}"
        now = time.monotonic()
        if now < self._said.get(key, float("-inf")) + _QUIET_SECONDS:
            return False
        if len(self._said) >= _MOST_REMEMBERED:
            self._said.clear()
        self._said[key] = now
        return True
