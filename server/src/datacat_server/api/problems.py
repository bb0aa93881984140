"""Problems: what goes wrong, how often and where; and what people make of it."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody
from msgspec import Meta, Struct

from datacat_server.api.answers import Done
from datacat_server.api.choices import one_of, sort_by
from datacat_server.api.declared import JSON, ResponseSpec, declares
from datacat_server.api.errors import BadRequest, error_response
from datacat_server.api.moments import INSTANT, moment
from datacat_server.api.sessions import StoreDependency
from datacat_server.filters import LONGEST_Q
from datacat_server.ingest.decode import decode_line
from datacat_server.ingest.unpack import BodyTooLarge
from datacat_server.ingest.validate import LONGEST_NAME
from datacat_server.model import encode
from datacat_server.store.problems import (
    SORTS,
    Commonalities,
    Problem,
    ProblemFilter,
    ProblemKind,
    ProblemPage,
    ProblemSessionPage,
    ProblemStatus,
    SessionProblem,
    UnknownProblem,
)

Limit = Annotated[int, QueryParameter(ge=1, le=1000)]


class SessionProblems(Struct, frozen=True):
    """The problems of a session.

    Attributes:
        problems: what went wrong in it, the newest first.
    """

    problems: list[SessionProblem]


class Marked(Done, kw_only=True):
    """It worked.

    Attributes:
        problem: the problem, as it is now.
    """

    problem: Problem


class Resolution(Struct, kw_only=True):
    """The body of a call that marks a problem as resolved.

    Attributes:
        version: seen in a later one, the problem has regressed; by default the newest version of its product.
    """

    version: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)] | None = None


_resolution = msgspec.json.Decoder(Resolution)


@get("/api/problems", sync_to_thread=True, responses={200: ResponseSpec(ProblemPage, description="A page")})
def list_problems(
    store: StoreDependency,
    product: Annotated[str | None, QueryParameter(description="The product, exactly.")] = None,
    version: Annotated[str | None, QueryParameter(description="Seen in this version, exactly.")] = None,
    kind: Annotated[str | None, one_of(ProblemKind, "How they show")] = None,
    status: Annotated[str | None, one_of(ProblemStatus, "What people have made of them")] = None,
    start: Annotated[str | None, QueryParameter(name="from", description=f"Last seen then or later: {INSTANT}")] = None,
    end: Annotated[str | None, QueryParameter(name="to", description=f"First seen before: {INSTANT}")] = None,
    q: Annotated[
        str | None,
        QueryParameter(description="Part of the title or culprit, in whatever case.", max_length=LONGEST_Q),
    ] = None,
    sort: Annotated[str, sort_by(SORTS)] = "-last_seen",
    limit: Limit = 100,
    cursor: FromQuery[str | None] = None,
) -> Response[bytes]:
    """A page of problems; `cursor` of the answer asks for the next one, with the same filter and sort."""
    try:
        wanted = ProblemFilter(
            product=product or None,
            version=version or None,
            kind=_one_of("kind", ProblemKind, kind),
            status=_one_of("status", ProblemStatus, status),
            start=moment("from", start),
            end=moment("to", end),
            q=q or None,
        )
        page = store.problems(wanted, sort=sort, limit=limit, cursor=cursor or None)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return Response(encode(page), media_type=JSON)


@get(
    "/api/problems/{problem_id:str}",
    sync_to_thread=True,
    responses={200: ResponseSpec(Problem, description="The problem")},
)
def read_problem(store: StoreDependency, problem_id: FromPath[str]) -> Response[bytes]:
    """One problem: where it shows, since when, in which versions, and the newest time as it was told."""
    return Response(encode(store.problem(problem_id)), media_type=JSON)


@get(
    "/api/problems/{problem_id:str}/sessions",
    sync_to_thread=True,
    responses={200: ResponseSpec(ProblemSessionPage, description="A page")},
)
def list_problem_sessions(
    store: StoreDependency, problem_id: FromPath[str], limit: Limit = 100, cursor: FromQuery[str | None] = None
) -> Response[bytes]:
    """A page of the sessions in which a problem showed, the last seen first."""
    try:
        page = store.problem_sessions(problem_id, limit=limit, cursor=cursor or None)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return Response(encode(page), media_type=JSON)


@get(
    "/api/problems/{problem_id:str}/common",
    sync_to_thread=True,
    responses={200: ResponseSpec(Commonalities, description="What stands out")},
)
def read_commonalities(store: StoreDependency, problem_id: FromPath[str]) -> Response[bytes]:
    """What the sessions of a problem have in common that others of the product have not: state, version, machine."""
    return Response(encode(store.problem_commonalities(problem_id)), media_type=JSON)


@get(
    "/api/sessions/{session_id:str}/problems",
    sync_to_thread=True,
    responses={200: ResponseSpec(SessionProblems, description="The problems")},
)
def list_session_problems(store: StoreDependency, session_id: FromPath[str]) -> Response[bytes]:
    """The problems of a session, the newest first."""
    return Response(encode(SessionProblems(store.session_problems(session_id))), media_type=JSON)


@post(
    "/api/problems/{problem_id:str}/resolve",
    status_code=200,
    sync_to_thread=True,
    opt=declares(Resolution, required=False, example={}),
    responses={200: ResponseSpec(Marked, description="The problem, as it is now")},
)
def resolve_problem(store: StoreDependency, problem_id: FromPath[str], body: RawBody) -> Response[bytes]:
    """Mark a problem as resolved. It comes back as `regressed` when it is seen in a later version."""
    store.resolve_problem(problem_id, _decode(body).version)
    return Response(encode(Marked(problem=store.problem(problem_id))), media_type=JSON)


@post(
    "/api/problems/{problem_id:str}/reopen",
    status_code=200,
    sync_to_thread=True,
    responses={200: ResponseSpec(Marked, description="The problem, as it is now")},
)
def reopen_problem(store: StoreDependency, problem_id: FromPath[str]) -> Response[bytes]:
    """Mark a problem as open: what was resolved is not, what was ignored counts again."""
    store.reopen_problem(problem_id)
    return Response(encode(Marked(problem=store.problem(problem_id))), media_type=JSON)


@post(
    "/api/problems/{problem_id:str}/ignore",
    status_code=200,
    sync_to_thread=True,
    responses={200: ResponseSpec(Marked, description="The problem, as it is now")},
)
def ignore_problem(store: StoreDependency, problem_id: FromPath[str]) -> Response[bytes]:
    """Mark a problem as one that nobody wants to hear of; it is counted all the same."""
    store.ignore_problem(problem_id)
    return Response(encode(Marked(problem=store.problem(problem_id))), media_type=JSON)


def _one_of(name: str, words: Any, word: str | None) -> Any:
    if not word:
        return None
    try:
        return words(word)
    except ValueError:
        raise ValueError(f"{name}: expected one of {', '.join(words)}") from None


def _decode(body: bytes) -> Resolution:
    try:
        resolution: Resolution = decode_line(body or b"{}", _resolution)
    except BodyTooLarge:
        raise
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return resolution


def _on_unknown_problem(request: Request[Any, Any, Any], error: UnknownProblem) -> Response[Any]:
    return error_response(404, f"there is no problem {error.args[0]!r}; they are at /api/problems")


router = Router(
    "/",
    route_handlers=[
        list_problems,
        read_problem,
        list_problem_sessions,
        read_commonalities,
        list_session_problems,
        resolve_problem,
        reopen_problem,
        ignore_problem,
    ],
    exception_handlers={UnknownProblem: _on_unknown_problem},
)
