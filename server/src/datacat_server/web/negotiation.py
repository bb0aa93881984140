"""Which of a page's two forms was asked for: HTML, or the same as JSON."""

from typing import Any

from litestar import Request, Response

from datacat_server.model import encode


def wants_json(request: Request[Any, Any, Any]) -> bool:
    """Whether the address ends in `.json`, or the caller takes JSON and not HTML."""
    accept = request.headers.get("accept", "")
    return request.url.path.endswith(".json") or ("application/json" in accept and "text/html" not in accept)


def json_response(value: Any, status_code: int = 200) -> Response[bytes]:
    """A value of the model as JSON."""
    return Response(encode(value), media_type="application/json", status_code=status_code)
