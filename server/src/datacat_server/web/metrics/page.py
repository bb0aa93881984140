"""One metric over the sessions of a filter: how its values spread, the sessions at the edges, version by version."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from datacat_server.filters import EVERY, Filter, parse_filter
from datacat_server.search_line import LONGEST, write_line
from datacat_server.store.metrics import MetricName
from datacat_server.store.protocol import Store
from datacat_server.store.spread import Scale, Spread
from datacat_server.store.views import MetricFilter
from datacat_server.telling import vitals
from datacat_server.web.metrics import words
from datacat_server.web.metrics.asked import FOLDS, Asked, read_asked
from datacat_server.web.metrics.distribution import axis_of, bars, marks, noun_of, products_of, rows
from datacat_server.web.metrics.kept import Kept
from datacat_server.web.metrics.suggestions import Suggestions, places
from datacat_server.web.sessions.view import View
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

EDGES = 10
NARROWED = 50
"""So many sessions are listed of values that were narrowed down."""
COMPARED_AT_EACH_EDGE = 4


def metrics_routes(store: Store, renderer: Renderer) -> list[HTTPRouteHandler]:
    """`/metrics`: `name`, `aggregate`, `vitals=true`, `scale`, `least`, `below`, and the filter of the sessions."""
    suggestions = Suggestions(store)
    kept = Kept(store)

    def metrics(request: Request[Any, Any, Any]) -> Response[Any]:
        try:
            asked = read_asked(request.query_params, request.url.query)
            wanted = parse_filter(asked.parameters)
            if "search" in request.query_params:
                # The same question by its plain parameters: an address to send to a colleague.
                return Redirect(asked.address(request.url.path), status_code=303)
            if not asked.name:
                beginning = suggestions.beginning(wanted)
                if wants_json(request):
                    return json_response(beginning)
                return _beginning(renderer, beginning, asked)
            known = _known(suggestions, asked)
            spread = kept.get((asked, known.vital), lambda: _spread(store, asked, known, wanted))
        except ValueError as error:
            raise PageError(400, "This metric cannot be shown.", f"{error}. Start again at /metrics.") from None
        if wants_json(request):
            return json_response(spread)
        return _page(renderer, suggestions, asked, known, spread)

    @get("/metrics/complete", include_in_schema=False, sync_to_thread=True)
    def completion(line: FromQuery[str] = "", caret: FromQuery[int] = 0) -> Response[bytes]:
        """Names of metrics for the field that chooses one, for the script of the page."""
        line = line[:LONGEST]
        return json_response(suggestions.complete(line[: max(0, caret)], len(line)))

    paths = ("/metrics", "/metrics.json")
    return [*(get(path, include_in_schema=False, sync_to_thread=True)(metrics) for path in paths), completion]


def _known(suggestions: Suggestions, asked: Asked) -> MetricName:
    """The metric as sessions have it; one that none of the newest has is taken for the application's own."""
    for one in suggestions.names(EVERY).metrics:
        if one.name == asked.name and asked.vital in (None, one.vital):
            return one
    return MetricName(name=asked.name, vital=bool(asked.vital), types=[], units=[], sessions=0)


def _spread(store: Store, asked: Asked, known: MetricName, wanted: Filter) -> Spread:
    return store.metric_spread(
        MetricFilter(name=known.name, vital=known.vital),
        asked.aggregate,
        wanted,
        within=asked.within,
        scale=asked.scale,
        edges=NARROWED if asked.narrowed else EDGES,
    )


def _beginning(renderer: Renderer, beginning: Any, asked: Asked) -> Response[bytes]:
    return renderer.page(
        "metrics/beginning.html",
        beginning=beginning,
        asked=asked,
        folds=FOLDS,
        line=write_line(asked.parameters),
        places=places(beginning.states, asked),
        called=_called,
    )


def _page(
    renderer: Renderer, suggestions: Suggestions, asked: Asked, known: MetricName, spread: Spread
) -> Response[bytes]:
    unit = spread.units[0] if len(spread.units) == 1 else None
    axis = axis_of(spread) if spread.bins else None
    versions = rows(spread, axis, asked) if axis else []
    return renderer.page(
        "metrics/page.html",
        now=datetime.now(UTC),
        asked=asked,
        folds=FOLDS,
        line=write_line(asked.parameters),
        known=known,
        called=_called(known.name, known.vital),
        spread=spread,
        unit=unit,
        noun=noun_of(spread),
        verdict=words.verdict(spread, unit),
        sampled=words.sample(spread),
        standing_out=words.standing_out(versions, spread.box),
        axis=axis,
        ticks=axis.ticks(unit) if axis else [],
        bars=bars(spread, axis, asked, unit, noun_of(spread)) if axis else [],
        marks=marks(spread.box, axis, unit) if axis and spread.box else [],
        scales=(Scale.LINEAR, Scale.LOG) if spread.box and spread.box.minimum > 0 else (),
        rows=versions,
        products=products_of(spread.versions),
        as_one_list=asked.narrowed or len(spread.highest) < EDGES,
        compared=_compared(spread),
        sessions=View(asked.parameters).address(),
        places=places(suggestions.states(), asked),
    )


def _compared(spread: Spread) -> list[str]:
    """The ids of sessions at both edges, to be compared."""
    ends = [*spread.highest[:COMPARED_AT_EACH_EDGE], *spread.lowest[:COMPARED_AT_EACH_EDGE]]
    return list(dict.fromkeys(one.session.id for one in ends))


def _called(name: str, vital: bool) -> str:
    """What a metric is called."""
    whose = "DataCat’s daemon" if vitals.is_cost(name) else "process"
    return f"{whose} {vitals.words(name)}" if vital else name
