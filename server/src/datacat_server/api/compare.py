"""Sessions side by side."""

from typing import Annotated

from litestar import Response, Router, get
from litestar.params import QueryParameter

from datacat_server.api.declared import JSON, ResponseSpec, raising
from datacat_server.api.errors import BadRequest
from datacat_server.api.sessions import StoreDependency
from datacat_server.model import encode
from datacat_server.store.comparison import FEWEST_SESSIONS, MOST_SESSIONS, Comparison

_IDS = {"minItems": FEWEST_SESSIONS, "maxItems": MOST_SESSIONS, "uniqueItems": True}
_SESSION = f"The id of a session; {FEWEST_SESSIONS} to {MOST_SESSIONS} of them, each as `session=`."


@get(
    "/api/compare",
    sync_to_thread=True,
    responses={200: ResponseSpec(Comparison, description="The comparison")},
    opt=raising(404),
)
def compare(
    store: StoreDependency,
    session: Annotated[list[str] | None, QueryParameter(description=_SESSION, schema_extra=_IDS)] = None,
) -> Response[bytes]:
    """Two or more sessions side by side: state, metrics and events, and what differs."""
    wanted = session or []
    if not FEWEST_SESSIONS <= len(wanted) <= MOST_SESSIONS:
        raise BadRequest(f"session: expected {FEWEST_SESSIONS} to {MOST_SESSIONS} ids, each as session=")
    if len(set(wanted)) < len(wanted):
        raise BadRequest("session: the same id is there twice; give each once")
    return Response(encode(store.compare(wanted)), media_type=JSON)


router = Router("/", route_handlers=[compare])
