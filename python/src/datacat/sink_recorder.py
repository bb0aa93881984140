"""Where a session's records go in daemon mode: into the flight recorder, which the daemon beside this process ships."""

import json
import os
import threading
import time
import warnings

from datacat import alive, launch, machine, spool, stack_dumps
from datacat._compat import monotonic, now_us
from datacat.control import ENDED_BY_CALL
from datacat.lanes import lanes
from datacat.recorder import Recorder
from datacat.wake import wake

ONE_PORT = "the daemon of this process runs already and does not listen on port %d; name it with the first session."

_daemon_started_for = None
_lock = (os.getpid(), threading.RLock())


class RecorderSink(object):
    """Records of one session, kept in the spool.

    Args:
        session_id, product, version, server_url, api_key: what the manifest says of the session.
        options: more entries for the manifest (batch_interval_seconds, ...).
        daemon_port: where the daemon is to listen for clients in other languages, or None.

    Attributes:
        about: {"product", "version", "pid"} of the session.

    Never raises: with no spool to write into, records are dropped and counted, and a warning says so once.
    """

    def __init__(self, session_id, product, version, server_url, api_key, options, daemon_port=None):
        self.about = {"product": product, "version": version, "pid": os.getpid()}
        self._daemon_port = daemon_port
        with _one_at_a_time():
            self._open(session_id, product, version, server_url, api_key, options)

    def _open(self, session_id, product, version, server_url, api_key, options):
        process, error = spool.process_folder()
        folder = None
        if process is not None:
            try:
                folder = spool.session_folder(process, session_id)
            except (OSError, IOError) as caught:
                error = caught
        self._recorder = Recorder(folder)
        self._folder = self._recorder.folder
        self.write = self._recorder.write
        if self._folder is not None:
            error = self._announce(process, session_id, product, version, server_url, api_key, options)
        if error is not None:
            try:
                warnings.warn("datacat: %s" % error, RuntimeWarning, stacklevel=5)
            except RuntimeWarning:
                pass  # warnings are errors here; the application runs on all the same

    def _announce(self, process, session_id, product, version, server_url, api_key, options):
        pid = os.getpid()
        manifest = {
            "format": 1,
            "session_id": session_id,
            "product": product,
            "version": version,
            "created_us": now_us(),
            "server_url": server_url,
            "api_key": api_key,
            "pid": pid,
            "process_start": machine.process_start(pid),
            "pid_namespace": machine.pid_namespace(),
            "boot_id": machine.boot_id(),
            "machine_id": machine.machine_id(),
            "hostname": machine.hostname(),
            "stack_signal": stack_dumps.install(process),
            "facts": machine.facts(),
        }
        manifest.update(options)
        alive.hold(process)
        try:
            spool.write_manifest(self._folder, manifest)
        except Exception as error:
            return error
        self._wake()
        self._recorder.make_ready()
        return _start_daemon_once(process, self._daemon_port)

    def lanes(self, session):
        """Faster functions to call in place of a session's methods, by their names."""
        return lanes(self._recorder, session)

    # the control page is looked up at every call: after a fork the child has another one

    def heartbeat(self):
        """One beat: one store into the control page."""
        self._recorder.control.beat()

    def monitor(self, timeout):
        """Watch the heartbeat with this timeout in seconds; None stops watching."""
        self._recorder.control.monitor(timeout)

    def pause(self, paused):
        """Hold the watching of the heartbeat, or let it go on."""
        self._recorder.control.pause(paused)

    def uncaught(self, time_us):
        """An exception that nothing caught has been recorded."""
        self._recorder.control.uncaught(time_us)

    def end(self, kind=ENDED_BY_CALL):
        """The session ends here."""
        self._recorder.control.end(now_us(), kind)
        self._wake()
        if kind == ENDED_BY_CALL:  # the process may go on, and begin hundreds of other sessions
            self._recorder.seal()

    def flush(self, timeout):
        """Wait until the server knows the session and all of it so far; False after `timeout` seconds without."""
        target = self._recorder.written()
        if self._folder is None:
            return self._recorder.dropped == 0
        self._recorder.control.request_flush()
        self._wake()
        deadline = monotonic() + timeout
        while True:
            has = self._acknowledged()
            if has is not None and all(has.get(writer, 0) >= ordinal for writer, ordinal in target.items()):
                return True
            if monotonic() >= deadline:
                return False
            time.sleep(0.01)

    def stats(self):
        """{"sent": acknowledged by the server, "dropped": not kept, "queued": in the spool}, in records."""
        written = self._recorder.written()
        acknowledged = self._acknowledged() or {}
        sent = sum(min(acknowledged.get(writer, 0), ordinal) for writer, ordinal in written.items())
        return {"sent": sent, "dropped": self._recorder.dropped, "queued": sum(written.values()) - sent}

    def _wake(self):
        if self._folder is not None:
            wake(os.path.dirname(self._folder))

    def _acknowledged(self):
        """What the server has, by writer; None while it has not been heard of."""
        if self._folder is None:
            return None
        try:
            with open(os.path.join(self._folder, "acked.json")) as file:
                return json.load(file)
        except (OSError, IOError, ValueError):
            return None


def _one_at_a_time():
    """A lock for making sessions: two threads at once would make two process folders. A forked child has its own."""
    global _lock
    pid, lock = _lock
    if pid != os.getpid():
        lock = threading.RLock()
        _lock = (os.getpid(), lock)
    return lock


def _start_daemon_once(process, port):
    """Start the daemon of this process at its first session; None, or why there is none as it was asked for."""
    global _daemon_started_for
    if _daemon_started_for is not None and _daemon_started_for[0] == process:
        return None if port in (None, _daemon_started_for[1]) else ONE_PORT % port
    _daemon_started_for = process, port
    return launch.start_daemon(process, port=port)
