"""Release health: how the sessions of each product and version fared."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import FromQuery, QueryParameter

from datacat_server.api.choices import sort_by
from datacat_server.api.declared import JSON, ResponseSpec, raising
from datacat_server.api.errors import BadRequest, error_response
from datacat_server.api.sessions import StoreDependency
from datacat_server.model import encode
from datacat_server.store.releases import SORTS, ReleaseCourse, ReleasePage, UnknownRelease

Days = Annotated[int, QueryParameter(ge=1, le=3660, description="At most so many of the last days.")]


@get("/api/releases", sync_to_thread=True, responses={200: ResponseSpec(ReleasePage, description="A page")})
def list_releases(
    store: StoreDependency,
    product: Annotated[str | None, QueryParameter(description="The product, exactly.")] = None,
    sort: Annotated[str, sort_by(SORTS)] = "-last_seen",
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    cursor: FromQuery[str | None] = None,
) -> Response[bytes]:
    """A page of releases; `cursor` of the answer asks for the next one, with the same product and sort."""
    try:
        page = store.releases(product or None, sort=sort, limit=limit, cursor=cursor or None)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return Response(encode(page), media_type=JSON)


@get(
    "/api/releases/days",
    sync_to_thread=True,
    responses={200: ResponseSpec(ReleaseCourse, description="The release")},
    opt=raising(404),
)
def read_release(
    store: StoreDependency,
    product: Annotated[str, QueryParameter(description="The product, exactly.")],
    version: Annotated[str, QueryParameter(description="The version, exactly.")],
    days: Days = 90,
) -> Response[bytes]:
    """One release, day by day. Its names may have any letters, such as `feature/login`."""
    return Response(encode(store.release(product, version, days=days)), media_type=JSON)


def _on_unknown_release(request: Request[Any, Any, Any], error: UnknownRelease) -> Response[Any]:
    product, version = error.args
    return error_response(404, f"there is no session of {product!r} {version!r}; releases are at /api/releases")


router = Router(
    "/",
    route_handlers=[list_releases, read_release],
    exception_handlers={UnknownRelease: _on_unknown_release},
)
