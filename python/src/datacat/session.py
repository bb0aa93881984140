"""A session: one run of a program, and the calls that log what it does. None of them raises into the application."""

import itertools
import time

from datacat import hooks
from datacat._compat import monotonic, string_types
from datacat.client import DatacatError
from datacat.encode import encode, event_fields, is_a
from datacat.exceptions_of_signals import OF_VALUES, let_through
from datacat.heartbeat import HeartbeatMonitor
from datacat.segment import EVENT, METRIC, STATE, URGENT
from datacat.tame import MAX_ITEMS, represent
from datacat.traces import exception_fields

_perf_counter = getattr(time, "perf_counter", monotonic)


class Session(object):
    """One run of a program. Made by `create_session`; ends with `end()`, with its `with` block, or with the program.

    Attributes:
        session_id: the session's id, final from the first moment.
        client: the DatacatClient of its server.
        sink: where its records go.
    """

    def __init__(self, session_id, client, sink):
        self.session_id = session_id
        self.client = client
        self.sink = sink
        self._write = sink.write
        self._ended = False
        self._monitor = None
        for name, lane in sink.lanes(self).items():
            if getattr(type(self), name) is _OWN[name]:  # a subclass' own, or a test's double, is called as it is
                lane.__doc__ = _OWN[name].__doc__
                setattr(self, name, lane)
        hooks.watch(self)

    def update_state(self, state):
        """Deep merge a dict into the session's state: objects merge, None deletes its key, all else replaces."""
        try:
            self._write(STATE, 0, encode({"state": state}))
        except OF_VALUES:
            let_through()

    def log_event(
        self, name, level_or_data=None, category=None, labels=None, message=None, data=None, group=None, level=None
    ):
        """Log an event. A dict as the second argument is its data: `log_event("moved", {"x": 10})`.

        Args:
            name: what happened.
            level: "debug", "info" (the server's default), "warning", "error" or "critical".
            category: a word to find it by.
            group: another one.
            labels: a list of words.
            message: a sentence for people.
            data: a dict.
        """
        try:
            if is_a(level_or_data, dict):
                data = level_or_data
            elif level_or_data is not None:
                level = level_or_data
            fields = event_fields(name, data)
            if level is not None:
                fields["level"] = level
            if category is not None:
                fields["category"] = category
            if message is not None:
                fields["message"] = message
            if group is not None:
                fields["group"] = group
            if labels is not None:
                fields["labels"] = _words(labels)
            self._write(EVENT, 0, encode(fields))
        except OF_VALUES:
            let_through()

    def log_fields(self, fields):
        """Log an event by its fields, a dict as docs/design/records.md has it; for those who build on this library."""
        try:
            self._write(EVENT, URGENT if "exception_type" in fields else 0, encode(fields))
        except OF_VALUES:
            let_through()

    def log_metric(self, name, value, tags=None, unit=None, metric_type="gauge", count=None, metadata=None):
        """Log a metric of any type; a gauge by default.

        Args:
            name: of the metric.
            value: a number; for a counter the absolute total (deltas: log_counter).
            tags: a list of words such as "map:harbour", or a dict.
            unit: of the value.
            metric_type: "gauge", "counter", "histogram" or "timer".
            count: iterations that a timer's duration covers.
            metadata: a dict.
        """
        self._metric(name, metric_type, tags, value=value, unit=unit, count=count, metadata=metadata)

    def log_gauge(self, name, value, unit=None, tags=None):
        """Log what something is now."""
        self._metric(name, "gauge", tags, value=value, unit=unit)

    def log_counter(self, name, delta=1, tags=None):
        """Add to a counter; readers see the running total per name and tag set."""
        self._metric(name, "counter", tags, delta=delta)

    def log_histogram(self, name, value, unit=None, tags=None, buckets=None):
        """Add one sample to a histogram; `buckets` are upper bounds, inclusive, in rising order."""
        self._metric(name, "histogram", tags, value=value, unit=unit, buckets=buckets)

    def log_timer(self, name, duration, count=None, unit="seconds", tags=None):
        """Log how long something took, and how many iterations that were."""
        self._metric(name, "timer", tags, value=duration, unit=unit, count=count)

    def timer(self, name, count=None, unit="seconds", tags=None):
        """A context manager that times its block; set `.count` in it to the number of iterations."""
        return Timer(self, name, count, unit, tags)

    def log_exception(self, exc_info=None, extra_data=None):
        """Log an exception with its traceback: the one being handled, or the one given (or its exc_info)."""
        try:
            self.log_fields(exception_fields(exc_info, extra_data))
        except OF_VALUES:
            let_through()

    def start_heartbeat_monitor(self, timeout=60, check_interval=5):
        """From now on a heartbeat that is silent for longer than `timeout` seconds is a hang.

        `check_interval` is taken for compatibility; the daemon looks several times a second.
        """
        if self._monitor is None:
            self._monitor = HeartbeatMonitor(self, timeout, check_interval)
        self._monitor.start(timeout)
        return self._monitor

    def monitor_event_loop(self, timeout=60, loop=None):
        """Beat from an asyncio loop, so that a loop that is blocked for longer than `timeout` seconds is a hang.

        Args:
            timeout: seconds.
            loop: the loop; by default the one that is running. From another thread than the loop's, name it.

        Returns the HeartbeatMonitor; its `stop()` ends the beating too.
        """
        monitor = self.start_heartbeat_monitor(timeout)
        try:
            monitor.beat_from(loop)
        except OF_VALUES:
            monitor.stop()
            let_through()
        return monitor

    def heartbeat(self):
        """Say that the application is alive: one store into shared memory."""
        try:
            self.sink.heartbeat()
        except OF_VALUES:
            let_through()

    def pause_heartbeat_monitoring(self):
        """Before something that is known to take long."""
        self._quietly(self.sink.pause, True)

    def resume_heartbeat_monitoring(self):
        """After it."""
        self._quietly(self.sink.pause, False)

    def stop_heartbeat_monitor(self):
        """Watch the heartbeat no more."""
        if self._monitor is not None:
            self._monitor.stop()

    def get_details(self):
        """The session as the server knows it; where it does not answer, what is known here, and why, as "error"."""
        for attempt in (1, 2):
            try:
                return self.client.get_session(self.session_id)
            except DatacatError as error:
                known = {"id": self.session_id, "active": not self._ended, "state": None, "error": str(error)}
                known.update(self.sink.about)
                # just begun: its first batch is on its way
                if error.status != 404 or attempt == 2 or not self.flush():
                    return known

    def flush(self, timeout=2.0):
        """Wait until the server has everything logged so far; False when `timeout` seconds were not enough.

        Nothing is lost without it: it is for those who want to read back at once what they wrote.
        """
        try:
            return self.sink.flush(timeout)
        except OF_VALUES:
            let_through()
            return False

    def end(self):
        """End the session cleanly; what is logged after that still arrives. Answers {"status", "session_id"}."""
        if not self._ended:
            self._ended = True
            hooks.unwatch(self)
            self._quietly(self.sink.end)
        return {"status": "ok", "session_id": self.session_id}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        # an exception may be about to end the program: that is for the hooks to see, which need the session open
        if kind is None or not issubclass(kind, Exception):
            self.end()

    def __repr__(self):
        return "<%s %s>" % (type(self).__name__, self.session_id)

    def _metric(self, name, kind, tags, **fields):
        try:
            payload = {"name": name, "type": kind}
            for key, value in fields.items():
                if value is not None:
                    payload[key] = _PLAIN[key](value) if key in _PLAIN else value
            words = _words(tags) if tags is not None else None
            if words:
                payload["tags"] = words
            self._write(METRIC, 0, encode(payload))
        except OF_VALUES:
            let_through()

    def _quietly(self, call, *arguments):
        try:
            call(*arguments)
        except OF_VALUES:
            let_through()


class AsyncSession(Session):
    """A session whose calls never wait for anything, with or without a daemon."""

    def get_stats(self):
        """{"sent": acknowledged by the server, "dropped": not kept, "queued": on their way}, in records."""
        return self.sink.stats()

    def shutdown(self, timeout=2.0):
        """End the session, and wait up to `timeout` seconds until everything is at the server."""
        answer = Session.end(self)
        self.flush(timeout)
        return answer

    def end(self, timeout=2.0):
        """The same as `shutdown`."""
        return self.shutdown(timeout)


class Timer(object):
    """Times a `with` block.

    Attributes:
        count: how many iterations the block made; None for one.
        duration: seconds, once the block is done.
    """

    def __init__(self, session, name, count, unit, tags):
        self.count = count
        self.duration = None
        self._session = session
        self._name = name
        self._unit = unit
        self._tags = tags

    def __enter__(self):
        self._start = _perf_counter()
        return self

    def __exit__(self, kind, value, trace):
        self.duration = _perf_counter() - self._start
        self._session.log_timer(self._name, self.duration * _scale(self._unit), self.count, self._unit, self._tags)


_OWN = dict(vars(Session))
_LONGEST_NUMBER = 100


def _scale(unit):
    """What a second is in this unit."""
    try:
        return {"milliseconds": 1e3, "ms": 1e3, "microseconds": 1e6, "us": 1e6}.get(unit, 1)
    except OF_VALUES:
        let_through(of_value=True)
        return 1


def _number(value):
    """The value as a plain number, NumPy's too; what is none stays as it is, for the server to refuse with a reason."""
    try:
        if value.__class__ is float or value.__class__ is int:
            return value
        if _is_long(value):
            return value
        return int(value) if isinstance(value, bool) else float(value)
    except OF_VALUES:
        let_through(of_value=True)
        return value


def _is_long(value):
    """Whether it is a text, or the like, that no number is as long as; to look for one in 50 MB would take seconds."""
    try:
        return len(value) > _LONGEST_NUMBER
    except OF_VALUES:
        let_through(of_value=True)
        return False


def _words(labels):
    """Labels or tags as a list of text: a dict as "key:value" words, a single word as a list of one."""
    try:
        if isinstance(labels, dict):
            return ["%s:%s" % (_word(key), _word(value)) for key, value in _bounded(labels.items())]
        if isinstance(labels, string_types):
            return [labels] if labels else []
        return [_word(label) for label in _bounded(labels)]
    except OF_VALUES:
        let_through(of_value=True)
        return [represent(labels)]


def _word(label):
    try:
        return label if isinstance(label, string_types) else str(label)
    except OF_VALUES:
        let_through(of_value=True)
        return represent(label)


def _bounded(items):
    """The first items of what may have no end; one more than are kept, so that the cut is marked."""
    return list(itertools.islice(items, MAX_ITEMS + 1))


_PLAIN = {"value": _number, "delta": _number, "buckets": _bounded}
