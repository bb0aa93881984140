"""Joining the session that `datacat run` has begun for the program that this process is, or is a part of.

$DATACAT_SESSION names that session's folder in the spool. The process writes into it beside others, as a writer of its
own. The program itself, the process that the manifest names, takes up the session's control page; any other one
(`sh -c "python part.py"`) has a page of its own for its drops, and beats for the whole.
"""

import json
import os

from datacat import machine, spool, stack_dumps
from datacat.control import ENDED_BY_CALL, ENDED_WITH_PROGRAM, ControlPage
from datacat.encode import encode
from datacat.recorder import Recorder
from datacat.segment import EVENT
from datacat.sink_recorder import RecorderSink

VARIABLE = "DATACAT_SESSION"

_joined_by = None


def join_session(product=None, version=None):
    """The sink of the session that this process belongs to, or None where there is none to join.

    Only the first session of a process joins: one that makes several means several. A session is not joined once its
    program has ended, nor that of another user, another machine or another PID namespace.

    Args:
        product, version: what the caller would have called its session. Its name is settled already: they are logged.
    """
    global _joined_by
    folder = os.environ.get(VARIABLE)
    if not folder or _joined_by == os.getpid():
        return None
    _joined_by = os.getpid()
    try:
        manifest = _manifest_of(folder)
        if not _is_open(folder, manifest):
            return None
        sink = (ProgramSink if manifest["pid"] == os.getpid() else PartSink)(folder, manifest)
    except Exception:  # a folder that is gone, or was never one
        return None
    sink.introduce(product, version)
    return sink


class ProgramSink(RecorderSink):
    """The records of the program that `datacat run` has started.

    Args:
        folder: the session's folder in the spool.
        manifest: its manifest.

    Attributes:
        session_id, server_url, api_key: of the session.

    Raises OSError where the session's page cannot be taken up.
    """

    def __init__(self, folder, manifest):
        self.session_id = str(manifest["session_id"])
        self.server_url = manifest["server_url"]
        self.api_key = manifest["api_key"]
        self.about = dict((name, manifest[name]) for name in ("product", "version", "pid"))
        self._folder = folder
        self._page = ControlPage(os.path.join(folder, "control"), existing=True)
        self._recorder = Recorder(folder, control=self._own_page())
        self.write = self._recorder.write

    def introduce(self, product, version):
        """Say who has joined."""
        data = {"pid": os.getpid(), "product": product, "version": version}
        data.update(machine.facts())
        self.write(EVENT, 0, encode({"name": "process_joined", "level": "debug", "data": data}))

    def end(self, kind=ENDED_BY_CALL):
        """The program has said what it had to say; its session ends when it does."""
        called = kind == ENDED_BY_CALL
        RecorderSink.end(self, ENDED_WITH_PROGRAM if called else kind)
        if called:
            self._recorder.seal()

    def _own_page(self):
        process = os.path.dirname(self._folder)
        spool.take_up_process_folder(process)
        signal = stack_dumps.install(process)
        if signal is not None:
            self._page.stack_signal(signal)
        return self._page


class PartSink(ProgramSink):
    """The records of a process that the program has started: its end is not the session's."""

    def lanes(self, session):
        """Those of any session, but that a beat goes to the session's page."""
        faster = ProgramSink.lanes(self, session)
        faster.pop("heartbeat", None)
        return faster

    def heartbeat(self):
        """One beat, for the whole session."""
        self._page.beat()

    def monitor(self, timeout):
        """Watch the session's heartbeat with this timeout in seconds; None stops watching."""
        self._page.monitor(timeout)

    def pause(self, paused):
        """Hold the watching of the heartbeat, or let it go on."""
        self._page.pause(paused)

    def uncaught(self, time_us):
        """An exception that nothing caught has been recorded; if the program fails, it may be why."""
        self._page.uncaught(time_us)

    def end(self, kind=ENDED_BY_CALL):
        """This process has said what it had to say; the session goes on."""

    def flush(self, timeout):
        """Wait until the server has acknowledged what was written so far; False after `timeout` seconds without."""
        self._page.request_flush()
        return ProgramSink.flush(self, timeout)

    def _own_page(self):
        pid = os.getpid()
        path = os.path.join(self._folder, "control.%d-%s" % (pid, machine.process_start(pid) or 0))
        # a child that was forked off a process which has joined has one since the fork
        return ControlPage(path, existing=os.path.exists(path))


def _manifest_of(folder):
    with open(os.path.join(folder, "manifest.json")) as file:
        return json.load(file)


def _is_open(folder, manifest):
    """The program that the session is of still runs, here, and for this user."""
    if hasattr(os, "getuid") and os.stat(folder).st_uid != os.getuid():
        return False
    if manifest["pid_namespace"] != machine.pid_namespace():
        return False
    if manifest["process_start"] is None and os.name != "nt":  # there it would send the process a Ctrl-C
        os.kill(manifest["pid"], 0)
    return machine.process_start(manifest["pid"]) == manifest["process_start"]
