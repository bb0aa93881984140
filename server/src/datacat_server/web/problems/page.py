"""The list of problems and the page of one, as HTML and as JSON, and what people make of a problem."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import UNSET, Struct

from datacat_server.filters import LONGEST_Q
from datacat_server.ingest.validate import LONGEST_NAME
from datacat_server.model import Event
from datacat_server.store.problems import (
    Commonalities,
    Commonality,
    Example,
    Problem,
    ProblemFilter,
    ProblemKind,
    ProblemStatus,
    Trait,
    UnknownProblem,
)
from datacat_server.store.protocol import Store
from datacat_server.web.problems.bars import day_bars
from datacat_server.web.session.evidence import Frame, traceback
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.forms import LARGEST_FORM, Form, Forms, one
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

PAGE_SIZE = 50
NEWEST_FIRST = "-last_seen"
ORDERS = {"-last_seen": "last seen", "-first_seen": "first seen", "-count": "most often", "-sessions": "most sessions"}
_NAMES = ("product", "version", "kind", "status", "q", "sort")
_SESSIONS = 30
_WAYS = {Trait.STATE: "state_ever", Trait.ELEMENT: "ever_contains", Trait.VERSION: "version", Trait.MACHINE: "machine"}


class OneProblem(Struct, frozen=True):
    """The page of a problem, for machines."""

    problem: Problem
    common: Commonalities


def problems_address(said: dict[str, str], **changes: str | None) -> str:
    """The address of the list with some of what is said changed, from the first page on."""
    query = urlencode([(name, value) for name, value in (said | changes).items() if value])
    return f"/problems?{query}" if query else "/problems"


def problems_routes(store: Store, renderer: Renderer, forms: Forms) -> list[HTTPRouteHandler]:
    """`/problems`, `/problems/{id}` and where the forms of the latter go."""

    def problems(request: Request[Any, Any, Any]) -> Response[bytes]:
        asked = request.query_params
        said = {name: value for name in _NAMES if (value := asked.get(name))}
        try:
            page = store.problems(
                _wanted(said), sort=said.get("sort", NEWEST_FIRST), limit=PAGE_SIZE, cursor=asked.get("cursor") or None
            )
        except ValueError as error:
            raise PageError(400, "This list cannot be shown.", f"{error}. All problems are at /problems.") from None
        if wants_json(request):
            return json_response(page)
        return renderer.page(
            "problems/list.html",
            page=page,
            said=said,
            address=lambda **changes: problems_address(said, **changes),
            orders=ORDERS,
            sort=said.get("sort", NEWEST_FIRST),
            kinds=list(ProblemKind),
            statuses=list(ProblemStatus),
            paged=bool(asked.get("cursor")),
            now=datetime.now(UTC),
        )

    def problem(request: Request[Any, Any, Any], problem_id: FromPath[str]) -> Response[bytes]:
        try:
            found, common = store.problem(problem_id), store.problem_commonalities(problem_id)
            sessions = store.problem_sessions(
                problem_id, limit=_SESSIONS, cursor=request.query_params.get("cursor") or None
            )
        except UnknownProblem:
            raise _unknown() from None
        except ValueError as error:
            raise PageError(400, "This page cannot be shown.", f"{error}.") from None
        if wants_json(request):
            return json_response(OneProblem(found, common))
        now = datetime.now(UTC)
        return forms.page(
            request,
            "problems/problem.html",
            problem=found,
            here=f"/problems/{quote(problem_id, safe='')}",
            common=common,
            sessions=sessions,
            frames=_frames(found.example),
            bars=day_bars(found.on_days, now.date()),
            sessions_with=lambda trait: _sessions_with(found.product, trait),
            now=now,
        )

    @post(
        "/problems/{problem_id:str}/mark",
        include_in_schema=False,
        sync_to_thread=True,
        request_max_body_size=LARGEST_FORM,
    )
    def mark(request: Request[Any, Any, Any], problem_id: FromPath[str], data: Form) -> Redirect:
        forms.check(request, data)
        try:
            match one(data, "as"):
                case "resolved":
                    store.resolve_problem(problem_id, one(data, "version")[:LONGEST_NAME] or None)
                case "open":
                    store.reopen_problem(problem_id)
                case "ignored":
                    store.ignore_problem(problem_id)
                case _:
                    raise PageError(400, "This form says nothing.", "Go back to the problem and try again.")
        except UnknownProblem:
            raise _unknown() from None
        return Redirect(f"/problems/{quote(problem_id, safe='')}", status_code=303)

    reading = [
        *(
            get(path, include_in_schema=False, sync_to_thread=True)(problems)
            for path in ("/problems", "/problems.json")
        ),
        get("/problems/{problem_id:str}", include_in_schema=False, sync_to_thread=True)(problem),
    ]
    return [*reading, mark]


def _wanted(said: dict[str, str]) -> ProblemFilter:
    if len(said.get("q", "")) > LONGEST_Q:
        raise ValueError(f"q: is longer than {LONGEST_Q} characters")
    return ProblemFilter(
        product=said.get("product"),
        version=said.get("version"),
        kind=ProblemKind(said["kind"]) if "kind" in said else None,
        status=ProblemStatus(said["status"]) if "status" in said else None,
        q=said.get("q"),
    )


def _frames(example: Example | None) -> list[Frame]:
    """The example's stack, innermost first; empty where its lines are no stack."""
    if example is None:
        return []
    event = Event(timestamp=example.timestamp, name="example", stacktrace=example.lines, exception_type=UNSET)
    return traceback(event).frames


def _sessions_with(product: str, found: Commonality) -> str | None:
    """The address of the sessions of a product that have this in common; None for what no filter asks for."""
    if (name := _WAYS.get(found.trait)) is None:
        return None
    value = f"{found.path}:{found.value}" if found.path else found.value
    return f"/sessions?{urlencode({'product': product, name: value})}"


def _unknown() -> PageError:
    return PageError(404, "There is no such problem.", "Its sessions may have been deleted. All problems: /problems.")
