"""Which of a page's two forms was asked for: HTML, or the same as JSON."""

from typing import Any

from litestar import Request, Response

from datacat_server.model import encode


def wants_json(request: Request[Any, Any, Any], *, by_suffix: bool = True) -> bool:
    """Whether the address ends in `.json`, if that counts, or the caller takes JSON and not HTML."""
    accept = request.headers.get("accept", "")
    named = by_suffix and request.url.path.endswith(".json")
    return named or ("application/json" in accept and "text/html" not in accept)


def json_response(value: Any, status_code: int = 200) -> Response[bytes]:
    """A value of the model as JSON."""
    return Response(encode(value), media_type="application/json", status_code=status_code)
