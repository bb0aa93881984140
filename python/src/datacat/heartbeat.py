"""The handle that `start_heartbeat_monitor` returns."""

from datacat.exceptions_of_signals import OF_VALUES, let_through


class HeartbeatMonitor(object):
    """Watches a session's heartbeat: silence for longer than the timeout is logged as a hang.

    Args:
        session: the session to watch.
        timeout: seconds.
        check_interval: seconds; taken for compatibility.
    """

    def __init__(self, session, timeout=60, check_interval=5):
        self.timeout = timeout
        self.check_interval = check_interval
        self._session = session
        self._running = False
        self._loop = None
        self._beating = 0

    def start(self, timeout=None):
        """Start watching, with another timeout if one is given."""
        if timeout is not None:
            self.timeout = timeout
        self._set(self.timeout)
        self._begin_to_beat()

    def heartbeat(self):
        """One beat, the same as the session's."""
        self._session.heartbeat()

    def beat_from(self, loop=None):
        """Beat from an asyncio loop while the watching is on, in place of any loop before; it is off once that closes.

        Raises RuntimeError where no loop is named and none is running here, and for one that is closed.
        """
        if loop is None:
            import asyncio

            loop = asyncio.get_running_loop() if hasattr(asyncio, "get_running_loop") else asyncio.get_event_loop()
        if loop.is_closed():
            raise RuntimeError("the loop is closed")
        if loop is not self._loop:
            self._loop = loop
            self._stop_with(loop)
        self._begin_to_beat()

    def stop(self):
        """Stop watching."""
        self._set(None)

    def is_running(self):
        """Whether the heartbeat is watched."""
        return self._running

    def _begin_to_beat(self):
        loop = self._loop
        if loop is None or not self._running:
            return
        self._beating += 1
        number = self._beating
        interval = min(1.0, self.timeout / 4.0)

        def beat():
            if self._running and self._beating == number:  # else another chain of beats has begun since
                self._session.heartbeat()
                loop.call_later(interval, beat)

        loop.call_soon_threadsafe(beat)

    def _stop_with(self, loop):
        """A loop that is closed beats no more: to go on watching would find a hang where nothing hangs."""
        close = loop.close

        def close_and_stop():
            if self._loop is loop:
                self._loop = None
                self.stop()
            close()

        try:
            loop.close = close_and_stop
        except AttributeError:
            pass

    def _set(self, timeout):
        try:
            self._session.sink.monitor(None if timeout is None else float(timeout))
            self._running = timeout is not None
        except OF_VALUES:
            let_through()
            self._running = False
