"""Where a session's records go without a daemon: to the server, one plain HTTP request a record."""

import os
import threading
from collections import deque

from datacat import machine
from datacat._compat import monotonic, now_us
from datacat.control import ENDED_BY_INTERPRETER, ENDED_BY_INTERRUPT
from datacat.encode import encode
from datacat.segment import EVENT, METRIC, STATE

LAST_CHANCE_SECONDS = 2.0

_PATHS = {EVENT: "events", STATE: "state", METRIC: "metrics"}


class DirectSink(object):
    """One request a record, made in the call itself. What the server does not take is dropped and counted.

    Args:
        client: the DatacatClient to send with.
        session_id: the id that the session has from its first moment.
        description: further fields of POST /api/sessions.

    Attributes:
        about: {"product", "version", "pid"} of the session.
    """

    def __init__(self, client, session_id, description):
        self.about = {"product": description["product"], "version": description["version"], "pid": os.getpid()}
        self._client = client
        self._session_id = session_id
        self._description = description
        self._known = False
        self._sent = 0
        self._dropped = 0
        self._watch = None

    def open(self):
        """Tell the server of the session; where it is away that is tried again with every record."""
        if not self._known:
            try:
                self._client.create_session(session_id=self._session_id, **self._description)
                self._known = True
            except Exception:  # whatever it is that answers at that address
                pass
        return self._known

    def lanes(self, session):
        """Nothing is faster than the session's own methods here."""
        return {}

    def write(self, kind, flags, payload):
        """Send one record; True if the server took it."""
        return self._count(self._post(_PATHS[kind], payload))

    def _post(self, what, payload):
        return self.open() and self._client.post(self._session_id, what, payload).get("status") == "ok"

    def _count(self, taken):
        if taken:
            self._sent += 1
        else:
            self._dropped += 1
        return taken

    def heartbeat(self):
        """Send a heartbeat."""
        if self._watch is not None:
            self._watch.beat()
        self._post("heartbeat", b"{}")

    def monitor(self, timeout):
        """Watch the heartbeat from a thread of this process; None stops watching.

        There is no daemon here: while the interpreter lock is held this thread is blocked as well.
        """
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if timeout is not None:
            self._watch = _HeartbeatWatch(self.write, timeout)

    def pause(self, paused):
        """Hold the watching of the heartbeat, or let it go on."""
        if self._watch is not None:
            self._watch.paused = paused
            self._watch.beat()

    def uncaught(self, time_us):
        """The exception itself was sent as an event; what it did to the process nobody is there to see."""
        self._post("crash", encode({"reason": "an exception that nothing caught ended the program"}))

    def end(self, kind=None):
        """End the session on the server."""
        self.monitor(None)
        self._post("end", b"{}")

    def flush(self, timeout):
        """Nothing waits here."""
        return self._dropped == 0

    def stats(self):
        """{"sent", "dropped", "queued"}, in records."""
        return {"sent": self._sent, "dropped": self._dropped, "queued": 0}


class QueuedSink(DirectSink):
    """The same from a thread, for callers that must not wait; a full queue drops, and counts.

    Args:
        queue_size: how many calls may wait.
        client, session_id, description: as for DirectSink.
    """

    def __init__(self, client, session_id, description, queue_size):
        DirectSink.__init__(self, client, session_id, description)
        self._size = queue_size
        self._queues = {}
        self._queue()

    def write(self, kind, flags, payload):
        """Queue one record; True if there was room."""
        return self._enqueue(DirectSink.write, (kind, flags, payload))

    def heartbeat(self):
        """Queue a heartbeat."""
        if self._watch is not None:
            self._watch.beat()
        self._enqueue(DirectSink._post, ("heartbeat", b"{}"))

    def end(self, kind=None):
        """Queue the end of the session; where the interpreter finishes, its last chance is to wait here."""
        self._put(DirectSink.end, (kind,))
        if kind in (ENDED_BY_INTERPRETER, ENDED_BY_INTERRUPT):
            self.flush(LAST_CHANCE_SECONDS)

    def flush(self, timeout):
        """Wait until the queue is empty; False when `timeout` seconds were not enough."""
        return self._queue().idle.wait(timeout)

    def stats(self):
        """{"sent", "dropped", "queued"}, in records."""
        return {"sent": self._sent, "dropped": self._dropped, "queued": len(self._queue().waiting)}

    def _enqueue(self, call, arguments):
        if len(self._queue().waiting) >= self._size:
            self._dropped += 1
            return False
        self._put(call, arguments)
        return True

    def _put(self, call, arguments):
        queue = self._queue()
        queue.waiting.append((call, arguments))
        queue.idle.clear()
        queue.wake.set()

    def _queue(self):
        """The queue of this process: after a fork the child has neither the thread nor what waits for it."""
        queue = self._queues.get(os.getpid())
        if queue is None:
            made = _Queue()
            queue = self._queues.setdefault(os.getpid(), made)
            if queue is made:
                thread = threading.Thread(target=self._run, args=(queue,), name="datacat-sender")
                thread.daemon = True
                thread.start()
        return queue

    def _run(self, queue):
        while True:
            queue.wake.wait(1.0)
            queue.wake.clear()
            while queue.waiting:
                call, arguments = queue.waiting[0]
                try:
                    call(self, *arguments)
                except Exception:
                    self._dropped += 1
                queue.waiting.popleft()
            queue.idle.set()
            if queue.waiting:
                queue.idle.clear()
                queue.wake.set()


class _Queue(object):
    """Calls that wait for the thread, and the two events between it and those who call."""

    def __init__(self):
        self.waiting = deque()
        self.wake = threading.Event()
        self.idle = threading.Event()
        self.idle.set()


class _HeartbeatWatch(object):
    """A thread that logs application_appears_hung and application_recovered."""

    def __init__(self, write, timeout):
        self.paused = False
        self._write = write
        self._timeout = timeout
        self._last = monotonic()
        self._stopped = threading.Event()
        thread = threading.Thread(target=self._run, name="datacat-heartbeat")
        thread.daemon = True
        thread.start()

    def beat(self):
        self._last = monotonic()

    def stop(self):
        self._stopped.set()

    def _run(self):
        hung_since = None
        while not self._stopped.wait(min(1.0, self._timeout / 4.0)):
            silent = monotonic() - self._last
            if hung_since is None and silent > self._timeout and not self.paused:
                hung_since = self._last
                self._log("application_appears_hung", {"timeout_seconds": self._timeout, "silent_seconds": silent})
            elif hung_since is not None and self._last != hung_since:
                self._log("application_recovered", {"hung_seconds": self._last - hung_since})
                hung_since = None

    def _log(self, name, data):
        self._write(EVENT, 0, encode({"name": name, "data": data}))


def description(product, version):
    """What a session in direct mode tells the server of itself."""
    return {"product": product, "version": version, "timestamp": now_us() / 1000000.0, "facts": machine.facts()}
