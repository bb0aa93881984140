"""Sessions: create, list, read, delete, and all of them at once."""

from typing import Annotated

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody, SkipValidation
from litestar.response import Stream
from msgspec.structs import asdict

from datacat_server.api.answers import CreatedSession, Done
from datacat_server.api.auth import INGESTS
from datacat_server.api.bodies import NewSession, session_batch
from datacat_server.api.choices import sort_by
from datacat_server.api.declared import JSON, ResponseSpec, declares
from datacat_server.api.errors import BadRequest
from datacat_server.api.filtering import FilterDependency
from datacat_server.api.streams import array_of
from datacat_server.model import PARTS, Session, SessionPage, encode
from datacat_server.pieces import json_of
from datacat_server.store.protocol import SORTS, Store, UnknownSession

StoreDependency = NamedDependency[SkipValidation[Store]]
_INCLUDE = f"The parts to answer, separated by commas, of {', '.join(sorted(PARTS))}. Default: all."
_PARTS = {"pattern": rf"^\s*({'|'.join(sorted(PARTS))})?\s*(,\s*({'|'.join(sorted(PARTS))})?\s*)*$"}


@post(
    "/api/sessions",
    status_code=200,
    sync_to_thread=True,
    opt=INGESTS | declares(NewSession, example={"product": "Game", "version": "1.4.2"}),
    responses={200: ResponseSpec(CreatedSession, description="The session, as it is now")},
)
def create_session(store: StoreDependency, body: RawBody) -> Response[bytes]:
    """The new session, without its records. Sent again with the same id it is brought up to date.

    It has its id as `id` and `session_id`. `status` is that of the call; the flags say what the session is.
    """
    batch = session_batch(body)
    store.ingest([batch])
    try:
        session = asdict(store.session(batch.id, ()))
    except UnknownSession:
        raise BadRequest("id: the session with this id was deleted; take another one") from None
    created = CreatedSession(**session | {"status": "ok"}, session_id=batch.id)
    return Response(encode(created), media_type=JSON)


@get("/api/sessions", sync_to_thread=True, responses={200: ResponseSpec(SessionPage, description="A page")})
def list_sessions(
    store: StoreDependency,
    filter: FilterDependency,
    sort: Annotated[str, sort_by(SORTS)] = "-created",
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    cursor: FromQuery[str | None] = None,
) -> Response[bytes]:
    """A page of summaries; `cursor` of the answer asks for the next one, with the same filter and sort."""
    try:
        page = store.sessions(filter, sort=sort, limit=limit, cursor=cursor or None)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return Response(encode(page), media_type=JSON)


@get(
    "/api/sessions/{session_id:str}",
    sync_to_thread=True,
    responses={200: ResponseSpec(Session, description="The session; parts that were not asked for are absent")},
)
def read_session(
    store: StoreDependency,
    session_id: FromPath[str],
    include: Annotated[str | None, QueryParameter(description=_INCLUDE, schema_extra=_PARTS)] = None,
) -> Response[bytes] | Stream:
    """The whole session, or with `include` the parts that it names, separated by commas.

    A large one is sent while it is read: what has come in since the answer began is not in its events and states. If
    the session is removed meanwhile, the answer breaks off.
    """
    parts = PARTS if include is None else frozenset(part.strip() for part in include.split(",") if part.strip())
    if unknown := parts - PARTS:
        raise BadRequest(f"include: {sorted(unknown)[0]!r} is none of {', '.join(sorted(PARTS))}")
    return json_of(store.session_json(session_id, parts))


@delete("/api/sessions/{session_id:str}", status_code=200, sync_to_thread=True)
def delete_session(store: StoreDependency, session_id: FromPath[str]) -> Done:
    """Gone, with all that belongs to it."""
    store.delete(session_id)
    return Done()


@get("/api/data/sessions", responses={200: ResponseSpec(list[Session], description="All of them")}, tags=["sessions"])
async def every_session(store: StoreDependency, filter: FilterDependency) -> Stream:
    """The sessions that the filter picks, whole, newest first, as one array that is sent while it is read."""
    return await array_of(store.every_session(filter))


router = Router("/", route_handlers=[create_session, list_sessions, read_session, delete_session, every_session])
