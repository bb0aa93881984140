"""The handle that `start_heartbeat_monitor` returns."""


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

    def start(self, timeout=None):
        """Start watching, with another timeout if one is given."""
        if timeout is not None:
            self.timeout = timeout
        self._set(self.timeout)

    def heartbeat(self):
        """One beat, the same as the session's."""
        self._session.heartbeat()

    def beat_from(self, loop=None):
        """Beat from an asyncio loop for as long as the watching goes on.

        Raises RuntimeError where no loop is named and none is running here.
        """
        if loop is None:
            import asyncio

            loop = asyncio.get_running_loop() if hasattr(asyncio, "get_running_loop") else asyncio.get_event_loop()
        interval = min(1.0, self.timeout / 4.0)

        def beat():
            if self._running:
                self._session.heartbeat()
                loop.call_later(interval, beat)

        loop.call_soon_threadsafe(beat)

    def stop(self):
        """Stop watching."""
        self._set(None)

    def is_running(self):
        """Whether the heartbeat is watched."""
        return self._running

    def _set(self, timeout):
        try:
            self._session.sink.monitor(None if timeout is None else float(timeout))
            self._running = timeout is not None
        except Exception:
            self._running = False
