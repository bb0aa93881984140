"""DataCat: every run of a program is a session, with its state, events, metrics and exceptions.

    from datacat import create_session

    session = create_session(product="MyGame", version="1.4.2")
    session.update_state({"level": 1, "player": {"health": 100}})
    session.log_event("player_moved", {"x": 10, "y": 20})
    session.log_gauge("fps", 60.0, unit="fps")
    session.log_counter("enemies_defeated")
    session.end()

Logging calls copy their record into shared memory that outlives the process; a daemon beside it ships them, and tells
the server when the process crashed or hung.
"""

import uuid
import warnings

from datacat.address import server_address
from datacat.client import DEFAULT_URL, DatacatClient, DatacatError, default_product, default_version, named_server
from datacat.handler import DatacatHandler
from datacat.heartbeat import HeartbeatMonitor
from datacat.session import AsyncSession, Session, Timer
from datacat.sink_direct import DirectSink, QueuedSink, description
from datacat.sink_joined import join_session
from datacat.sink_recorder import RecorderSink
from datacat.tame import represent, short_text

__version__ = "0.1.0"

__all__ = [
    "AsyncSession",
    "DatacatClient",
    "DatacatError",
    "DatacatHandler",
    "HeartbeatMonitor",
    "Session",
    "Timer",
    "create_session",
]


def create_session(
    base_url=None,
    daemon_port="auto",
    product=None,
    version=None,
    async_mode=False,
    queue_size=10000,
    use_daemon=True,
    api_key=None,
    batch_interval_seconds=1.0,
):
    """Start a session; returns at once, also with no server.

    In a program that `datacat run` has started, the first call joins the session that is there, by its name and with
    its server.

    Args:
        base_url: the server's address; by default $DATACAT_URL, else http://localhost:9090. For what cannot be an
            address there is a warning, and the default.
        daemon_port: a port of 127.0.0.1 on which the daemon is to take records of other programs by HTTP, too; "auto":
            none. This program needs none: its daemon is reached through shared memory.
        product: by default $DATACAT_PRODUCT, else the main script's name.
        version: by default $DATACAT_VERSION, else "unknown".
        async_mode: return an AsyncSession.
        queue_size: without a daemon and with async_mode: how many calls may wait for the server.
        use_daemon: False sends one plain HTTP request a call, and nobody sees how the process ends.
        api_key: by default $DATACAT_API_KEY.
        batch_interval_seconds: how long the daemon gathers records before it sends them.

    Returns a Session, or an AsyncSession with `async_mode`.
    """
    kind = AsyncSession if async_mode else Session
    joined = join_session(product, version) if use_daemon else None
    if joined is not None:
        return kind(joined.session_id, DatacatClient(joined.server_url, joined.api_key), joined)
    client = DatacatClient(_address(base_url), api_key)
    session_id = str(uuid.uuid4())
    product = short_text(product or default_product())
    version = short_text(version or default_version())
    if use_daemon:
        options = {"batch_interval_seconds": float(batch_interval_seconds)}
        port = _port(daemon_port)
        sink = RecorderSink(session_id, product, version, client.base_url, client.api_key, options, port)
    elif async_mode:
        sink = QueuedSink(client, session_id, description(product, version), queue_size)
    else:
        sink = DirectSink(client, session_id, description(product, version))
        sink.open()
    return kind(session_id, client, sink)


def _address(base_url):
    """The server's address as it was named; the default one, with a warning, where that cannot be an address."""
    named = named_server(base_url)
    if named is None or server_address(named) is not None:
        return named
    words = "%s is not the address of a server, such as %s; that one is taken instead"
    _warn(words % (represent(named), DEFAULT_URL))
    return DEFAULT_URL


def _port(daemon_port):
    """The port as a number; None for "auto", and, with a warning, for what is none."""
    if daemon_port in ("auto", None):
        return None
    try:
        port = int(str(daemon_port))
    except Exception:
        port = 0
    if 0 < port < 65536:
        return port
    words = "daemon_port: expected 1 to 65535, or \"auto\", not %s; the daemon does not listen"
    _warn(words % represent(daemon_port))
    return None


def _warn(text):
    """A warning at the line that has called `create_session`."""
    try:
        warnings.warn("datacat: %s" % text, RuntimeWarning, stacklevel=4)
    except RuntimeWarning:
        pass  # warnings are errors here; the application runs on all the same
