"""One metric over the sessions of a filter: how its values spread, the sessions at the edges, version by version."""

from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from datacat_server.filters import parse_filter
from datacat_server.store.metrics import Aggregate, SessionValue
from datacat_server.store.protocol import Store
from datacat_server.store.views import MetricFilter
from datacat_server.web.metrics.histogram import Bin, histogram
from datacat_server.web.sessions.search_line import read_line, write_line
from datacat_server.web.sessions.view import View, parameters_of
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

LOOKED_AT = 1_000
EDGES = 5
MOST_VERSIONS = 8


@dataclass(frozen=True)
class InVersion:
    """The values of a version's sessions, in bins that are those of all."""

    version: str
    count: int
    median: float
    least: float
    greatest: float
    bins: list[Bin]


def metrics_routes(store: Store, renderer: Renderer) -> list[HTTPRouteHandler]:
    """`/metrics`: `name`, `aggregate`, `vitals=true`, and the filter of the list of sessions."""

    def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        asked = request.query_params
        name = asked.get("name") or ""
        try:
            line = asked.get("search")
            parameters = parameters_of(request.url.query) if line is None else tuple(read_line(line))
            wanted = parse_filter(parameters)
            aggregate = Aggregate(asked.get("aggregate") or Aggregate.PEAK)
            names = store.metric_names(wanted)
            known = [one for one in names.metrics if one.name == name]
            vital = asked.get("vitals") == "true" if "vitals" in asked else bool(known) and known[0].vital
            page = (
                store.metric_page(
                    MetricFilter(name=name, vital=vital),
                    aggregate,
                    wanted,
                    limit=LOOKED_AT,
                    cursor=asked.get("cursor") or None,
                )
                if name
                else None
            )
        except ValueError as error:
            raise PageError(400, "This metric cannot be shown.", f"{error}. Start again at /metrics.") from None
        if wants_json(request):
            return json_response(page or names)
        values = page.values if page else []
        ordered = sorted(values, key=lambda one: one.value)
        # What is drawn are these values; the summary is that of all.
        low, high = (ordered[0].value, ordered[-1].value) if ordered else (0.0, 0.0)
        return renderer.page(
            "metrics/page.html",
            names=names,
            page=page,
            name=name,
            vital=vital,
            unit=known[0].units[0] if known and len(known[0].units) == 1 else None,
            aggregate=aggregate,
            aggregates=list(Aggregate),
            line=write_line(parameters),
            address=lambda **said: _address(
                parameters, {"name": name, "aggregate": aggregate.value, **({"vitals": "true"} if vital else {})} | said
            ),
            sessions=View(parameters).address(),
            bins=histogram([one.value for one in values], low, high),
            lowest=ordered[:EDGES],
            highest=ordered[::-1][:EDGES],
            versions=_by_version(values, low, high),
        )

    return [get(path, include_in_schema=False, sync_to_thread=True)(metrics) for path in ("/metrics", "/metrics.json")]


def _address(parameters: tuple[tuple[str, str], ...], said: dict[str, str]) -> str:
    return f"/metrics?{urlencode([*((name, value) for name, value in said.items() if value), *parameters])}"


def _by_version(values: list[SessionValue], low: float, high: float) -> list[InVersion]:
    of_each: dict[str, list[float]] = {}
    for one in values:
        of_each.setdefault(one.version, []).append(one.value)
    busiest = sorted(of_each.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST_VERSIONS]
    return [
        InVersion(version, len(some), median(some), min(some), max(some), histogram(some, low, high, 40))
        for version, some in busiest
    ]
