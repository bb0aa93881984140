"""What somebody may have been told: the log of alerts."""

from typing import Annotated

from litestar import Response, Router, get
from litestar.params import FromQuery, QueryParameter

from datacat_server.api.choices import one_of, sort_by
from datacat_server.api.declared import JSON, ResponseSpec
from datacat_server.api.errors import BadRequest
from datacat_server.api.moments import INSTANT, moment
from datacat_server.api.sessions import StoreDependency
from datacat_server.model import encode
from datacat_server.store.alerts import KINDS, SORTS, AlertFilter, AlertPage


@get("/api/alerts", sync_to_thread=True, responses={200: ResponseSpec(AlertPage, description="A page")})
def list_alerts(
    store: StoreDependency,
    kind: Annotated[str | None, one_of(KINDS, "What they tell of")] = None,
    product: Annotated[str | None, QueryParameter(description="The session's product, exactly.")] = None,
    start: Annotated[str | None, QueryParameter(name="from", description=f"Happened then or later: {INSTANT}")] = None,
    end: Annotated[str | None, QueryParameter(name="to", description=f"Happened before: {INSTANT}")] = None,
    sort: Annotated[str, sort_by(SORTS)] = "-noticed",
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    cursor: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Crashes, hangs, and problems that were new or came back, in the order in which they became known or happened."""
    try:
        wanted = AlertFilter(
            kind=kind or None, product=product or None, start=moment("from", start), end=moment("to", end)
        )
        page = store.alerts.page(wanted, sort=sort, limit=limit, cursor=cursor or None)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return Response(encode(page), media_type=JSON)


router = Router("/", route_handlers=[list_alerts])
