"""Forms that change something: each carries a token that belongs to a cookie of the browser that it was made for.

A page of another site can make a browser send a form, but neither read that cookie nor have it sent along.
"""

import secrets
from typing import Annotated, Any

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body

from datacat_server.access.signing import FORM_SECONDS, Signer
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.rendering import Renderer

LARGEST_FORM = 64 * 1024

Form = Annotated[dict[str, str | list[str]], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""What a form sends: `data: Form` of a handler; what stands in it more than once is a list."""


class Forms:
    """Makes pages with forms, and knows their forms again.

    `port`: that of the pages; browsers share cookies between the ports of a machine.
    """

    def __init__(self, signer: Signer, renderer: Renderer, port: int) -> None:
        self._signer = signer
        self._renderer = renderer
        self._cookie = f"datacat_form_{port}"

    def page(
        self, request: Request[Any, Any, Any], template: str, status: int = 200, **context: Any
    ) -> Response[bytes]:
        """A page whose forms send `token` back. A browser keeps the cookie that it has, for its other tabs."""
        browser = request.cookies.get(self._cookie) or secrets.token_urlsafe(16)
        response = self._renderer.page(template, status, token=self._signer.form_token(browser), **context)
        response.set_cookie(private_cookie(request, self._cookie, browser, FORM_SECONDS))
        return response

    def is_ours(self, request: Request[Any, Any, Any], data: Form) -> bool:
        """Whether a form is one of ours, made for this browser not too long ago."""
        return self._signer.is_form_token(one(data, "token"), request.cookies.get(self._cookie, ""))

    def check(self, request: Request[Any, Any, Any], data: Form) -> None:
        """Raises PageError for a form that is not."""
        if not self.is_ours(request, data):
            raise PageError(400, "This form was open for too long.", "Go back to the page before it and try again.")


def one(data: Form, name: str) -> str:
    """The value of a field, the first of several; empty where there is none."""
    return next(iter(several(data, name)), "")


def several(data: Form, name: str) -> list[str]:
    """All values of a field."""
    value = data.get(name, [])
    return [value] if isinstance(value, str) else value


def private_cookie(request: Request[Any, Any, Any], name: str, value: str, seconds: int) -> Cookie:
    """A cookie that no script can read, and that does not come along from other sites."""
    # Where a proxy speaks TLS, it says so; who lies about it keeps only the own cookie from being sent.
    secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", "").lower())
    return Cookie(key=name, value=value, max_age=seconds, httponly=True, samesite="lax", secure=secure)
