"""Metrics of many sessions."""

from typing import Annotated

from litestar import Response, Router, get
from litestar.params import FromQuery, QueryParameter

from datacat_server.api.declared import JSON, ResponseSpec
from datacat_server.api.errors import BadRequest
from datacat_server.api.filtering import FilterDependency
from datacat_server.api.session_views import Tags, Type, Vitals, metric_filter
from datacat_server.api.sessions import StoreDependency
from datacat_server.model import encode
from datacat_server.store.metrics import Aggregate, MetricNames, MetricPage

_AGGREGATE = "Of each session the greatest, mean or least reading of all that it has of the metric, or all of them."


@get("/api/metrics", sync_to_thread=True, responses={200: ResponseSpec(MetricPage, description="A page")})
def metric_values(
    store: StoreDependency,
    filter: FilterDependency,
    name: Annotated[str, QueryParameter(min_length=1, description="The metric's name.")],
    aggregate: Annotated[Aggregate, QueryParameter(description=_AGGREGATE)] = Aggregate.PEAK,
    type: Type = None,
    tags: Tags = None,
    vitals: Vitals = False,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    cursor: FromQuery[str | None] = None,
) -> Response[bytes]:
    """One metric of the sessions that the filter picks, and a summary over all of them.

    A counter's readings are its running totals, a histogram's its samples (with `all`, the mean of each batch).
    """
    metric = metric_filter(name, type, tags, vitals)
    try:
        page = store.metric_page(metric, aggregate, filter, limit=limit, cursor=cursor or None)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return Response(encode(page), media_type=JSON)


@get("/api/metrics/names", sync_to_thread=True, responses={200: ResponseSpec(MetricNames, description="The names")})
def metric_names(store: StoreDependency, filter: FilterDependency) -> Response[bytes]:
    """Which metrics there are in the sessions that the filter picks: the newest 1,000 of them are looked at."""
    try:
        return Response(encode(store.metric_names(filter)), media_type=JSON)
    except ValueError as error:
        raise BadRequest(str(error)) from None


router = Router("/", route_handlers=[metric_values, metric_names])
