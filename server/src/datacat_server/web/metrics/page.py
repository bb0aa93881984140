"""One metric over the sessions of a filter: how its values spread, the sessions at the edges, version by version."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from datacat_server import wording
from datacat_server.filters import EVERY, Filter, parse_filter
from datacat_server.search_line import LONGEST, write_line
from datacat_server.store.metrics import Aggregate, MetricName
from datacat_server.store.protocol import Store
from datacat_server.store.spread import EdgeSession, Scale, Spread
from datacat_server.store.views import MetricFilter
from datacat_server.telling import vitals
from datacat_server.web.metrics import words
from datacat_server.web.metrics.asked import FOLDS, Asked, read_asked
from datacat_server.web.metrics.distribution import axis_of, bars, marks, noun_of, products_of, rows
from datacat_server.web.metrics.kept import Kept
from datacat_server.web.metrics.suggestions import LISTED, Suggestions, places
from datacat_server.web.sessions.view import View
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

EDGES = 10
NARROWED = 50
"""So many sessions are listed of values that were narrowed down."""
COMPARED_AT_EACH_EDGE = 4
QUICK_READINGS = 1_000
"""Of so many sessions every reading takes longer than a page may; of their folds the count of a filter is the bound."""


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
            if not (wants_json(request) or kept.has((asked, known.vital)) or _waits(request, store, asked, wanted)):
                return _page(renderer, suggestions, asked, known, None)
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


def _waits(request: Request[Any, Any, Any], store: Store, asked: Asked, wanted: Filter) -> bool:
    """Whether a page is to come with its answer: where a script asks for it, a reader without one, or it is quick."""
    if "HX-Request" in request.headers or "wait" in request.query_params:
        return True
    found = store.sessions(wanted, limit=1)
    return not found.total_is_capped and (asked.aggregate is not Aggregate.ALL or found.total <= QUICK_READINGS)


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
        listed=LISTED,
        asked=asked,
        folds=FOLDS,
        line=write_line(asked.parameters),
        places=places(beginning.states, asked),
        called=_called,
    )


def _page(
    renderer: Renderer, suggestions: Suggestions, asked: Asked, known: MetricName, spread: Spread | None
) -> Response[bytes]:
    """The page with its answer, or without one: its script asks for that."""
    return renderer.page(
        "metrics/page.html",
        now=datetime.now(UTC),
        asked=asked,
        folds=FOLDS,
        line=write_line(asked.parameters),
        known=known,
        called=_called(known.name, known.vital),
        sessions=View(asked.parameters).address(),
        places=places(suggestions.states(), asked),
        spread=spread,
        **(_answer(asked, spread) if spread else {}),
    )


def _answer(asked: Asked, spread: Spread) -> dict[str, Any]:
    unit = spread.units[0] if len(spread.units) == 1 else None
    axis = axis_of(spread) if spread.bins else None
    versions = rows(spread, axis, asked) if axis else []
    box, noun = spread.box, noun_of(spread)
    return {
        "unit": unit,
        # Said once, in a heading, where all values are written in it.
        "own_unit": None if wording.is_scaled(unit) else unit,
        "each_unit": unit if wording.is_scaled(unit) else None,
        "step": wording.step_within(box.minimum, box.maximum) if box else 0.0,
        "noun": noun,
        "verdict": words.verdict(spread, unit),
        "sampled": words.sample(spread),
        "standing_out": words.standing_out(versions, box),
        "ticks": axis.ticks(unit) if axis else [],
        "bars": bars(spread, axis, asked, unit, noun) if axis else [],
        "marks": marks(box, axis, unit) if axis and box else [],
        "scales": (Scale.LINEAR, Scale.LOG) if box and box.minimum > 0 else (),
        "rows": versions,
        "products": products_of(spread.versions),
        "one_list": _one_list(asked, spread),
        "compared": _compared(spread),
    }


def _one_list(asked: Asked, spread: Spread) -> list[EdgeSession]:
    """The sessions from the highest to the lowest, where both edges together are all; empty where they are not."""
    if asked.narrowed or len(spread.highest) < EDGES:
        return spread.highest
    if spread.sessions > len(spread.highest) + len(spread.lowest) or asked.aggregate is Aggregate.ALL:
        return []
    known = {one.session.id for one in spread.highest}
    return [*spread.highest, *(one for one in reversed(spread.lowest) if one.session.id not in known)]


def _compared(spread: Spread) -> list[str]:
    """The ids of sessions at both edges, to be compared."""
    ends = [*spread.highest[:COMPARED_AT_EACH_EDGE], *spread.lowest[:COMPARED_AT_EACH_EDGE]]
    return list(dict.fromkeys(one.session.id for one in ends))


def _called(name: str, vital: bool) -> str:
    """What a metric is called."""
    whose = "DataCat’s daemon" if vitals.is_cost(name) else "process"
    return f"{whose} {vitals.words(name)}" if vital else name
