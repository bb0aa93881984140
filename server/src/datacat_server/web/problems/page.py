"""The list of problems and the page of one, as HTML and as JSON."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from datacat_server.store.problem_evidence import LeadUp, Sayings
from datacat_server.store.problems import Commonalities, Problem, UnknownProblem
from datacat_server.store.protocol import Store
from datacat_server.web.problems.listing import list_context, read_list, said_by
from datacat_server.web.problems.marks import done_just_now, mark_route, problem_address, unknown_problem
from datacat_server.web.problems.one import common_context, problem_context
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.forms import Forms
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

_Request = Request[Any, Any, Any]


class OneProblem(Struct, frozen=True):
    """The page of a problem, for machines."""

    problem: Problem
    common: Commonalities
    messages: Sayings
    before: LeadUp


def problems_routes(store: Store, renderer: Renderer, forms: Forms) -> list[HTTPRouteHandler]:
    """`/problems`, `/problems/{id}`, the part of it that takes longest, and where its forms go."""

    def problems(request: _Request) -> Response[bytes]:
        said, cursor = said_by(request.query_params), request.query_params.get("cursor") or None
        try:
            page = read_list(store, said, cursor)
        except ValueError as error:
            raise PageError(400, "This list cannot be shown.", f"{error}. All problems are at /problems.") from None
        if wants_json(request):
            return json_response(page)
        return renderer.page("problems/list.html", **list_context(store, said, page, paged=cursor is not None))

    @get("/problems/{problem_id:str}", include_in_schema=False, sync_to_thread=True)
    def problem(request: _Request, problem_id: FromPath[str]) -> Response[bytes]:
        if wants_json(request):
            return _of(problem_id.removesuffix(".json"), lambda found: json_response(_whole(store, found)))
        return _of(problem_id, lambda found: page(request, found))

    @get("/problems/{problem_id:str}/common", include_in_schema=False, sync_to_thread=True)
    def common(problem_id: FromPath[str]) -> Response[bytes]:
        return _of(
            problem_id,
            lambda found: renderer.page("problems/_common.html", problem=found, **common_context(store, found)),
        )

    def page(request: _Request, found: Problem) -> Response[bytes]:
        asked = request.query_params
        inline = asked.get("common") == "now"
        return forms.page(
            request,
            "problems/problem.html",
            here=problem_address(found.id),
            done=done_just_now(found, asked),
            inline=inline,
            **problem_context(store, found, asked),
            **(common_context(store, found) if inline else {}),
        )

    def _of(problem_id: str, answer: Callable[[Problem], Response[bytes]]) -> Response[bytes]:
        try:
            return answer(store.problem(problem_id))
        except UnknownProblem:
            raise unknown_problem() from None
        except ValueError as error:
            raise PageError(400, "This page cannot be shown.", f"{error}.") from None

    lists = [
        get(path, include_in_schema=False, sync_to_thread=True)(problems) for path in ("/problems", "/problems.json")
    ]
    return [*lists, problem, common, mark_route(store, forms)]


def _whole(store: Store, found: Problem) -> OneProblem:
    return OneProblem(
        found,
        store.problem_commonalities(found.id),
        store.problem_sayings(found.id),
        store.problem_lead_up(found.id),
    )
