"""Single records: one call each, by the same way into the store as a batch."""

from litestar import post
from litestar.params import FromPath, RawBody

from datacat_server.api import bodies
from datacat_server.api.answers import Recorded
from datacat_server.api.auth import INGESTS
from datacat_server.api.declared import declares
from datacat_server.api.errors import BadRequest
from datacat_server.api.sessions import StoreDependency
from datacat_server.ingest.records import SessionBatch
from datacat_server.store.protocol import Store


def _ingest(store: Store, batch: SessionBatch) -> Recorded:
    result = store.ingest([batch])
    if result.refused:
        raise BadRequest(result.refused[0].details)
    return Recorded(session_id=batch.id)


@post(
    "/state",
    status_code=200,
    sync_to_thread=True,
    opt=INGESTS | declares(bodies.Patch, example={"window_state": {"open": ["space probe"]}}),
)
def update_state(store: StoreDependency, session_id: FromPath[str], body: RawBody) -> Recorded:
    """Merge a patch deeply into the state."""
    return _ingest(store, bodies.state_batch(session_id, body))


@post(
    "/events",
    status_code=200,
    sync_to_thread=True,
    opt=INGESTS | declares(bodies.NewEvent, example={"name": "moved", "data": {"x": 10}}),
)
def log_event(store: StoreDependency, session_id: FromPath[str], body: RawBody) -> Recorded:
    """Add an event."""
    return _ingest(store, bodies.event_batch(session_id, body))


@post(
    "/metrics",
    status_code=200,
    sync_to_thread=True,
    opt=INGESTS | declares(bodies.Reading, example={"name": "fps", "value": 59.8}),
)
def log_metric(store: StoreDependency, session_id: FromPath[str], body: RawBody) -> Recorded:
    """Add a reading, a delta or a sample of a metric."""
    return _ingest(store, bodies.metric_batch(session_id, body))


@post("/heartbeat", status_code=200, sync_to_thread=True, opt=INGESTS | declares(bodies.Timed, required=False))
def heartbeat(store: StoreDependency, session_id: FromPath[str], body: RawBody) -> Recorded:
    """Note that the session lives."""
    return _ingest(store, bodies.heartbeat_batch(session_id, body))


@post("/end", status_code=200, sync_to_thread=True, opt=INGESTS | declares(bodies.Said, required=False))
def end_session(store: StoreDependency, session_id: FromPath[str], body: RawBody) -> Recorded:
    """The session ended cleanly."""
    return _ingest(store, bodies.status_batch(session_id, body, "ended"))


@post(
    "/crash",
    status_code=200,
    sync_to_thread=True,
    opt=INGESTS | declares(bodies.Said, required=False, example={"reason": "out of memory"}),
)
def crash_session(store: StoreDependency, session_id: FromPath[str], body: RawBody) -> Recorded:
    """The session's process crashed, for the reason given."""
    return _ingest(store, bodies.status_batch(session_id, body, "crashed"))


handlers = [update_state, log_event, log_metric, heartbeat, end_session, crash_session]
"""Below the path of a session."""
