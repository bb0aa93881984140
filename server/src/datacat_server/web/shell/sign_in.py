"""Signing in with an API key: a browser gives it once, and then holds a signed cookie, which is not the key."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from datacat_server.access.admission import Admission, NoKey, Refused, TooManyAttempts, WrongScope, check_scope
from datacat_server.access.keyring import CONFIGURED
from datacat_server.access.scopes import PUBLIC, Scope
from datacat_server.access.signing import SIGN_IN_SECONDS, Signer
from datacat_server.web.shell.forms import LARGEST_FORM, Form, Forms, one, private_cookie
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rights import admitted_with
from datacat_server.web.shell.security import local_path

_OPEN = {PUBLIC: True}
_READING = frozenset({"GET", "HEAD"})


class SignIn:
    """Lets browsers in, one by one. `port`: of the web UI; browsers share cookies between the ports of a machine."""

    def __init__(self, admission: Admission, signer: Signer, forms: Forms, port: int) -> None:
        self._admission = admission
        self._signer = signer
        self._forms = forms
        self._cookie = f"datacat_key_{port}"

    async def admit(self, request: Request[Any, Any, Any]) -> Response[bytes] | None:
        """Nothing for a request that may go on, by its cookie or as `Authorization: Bearer`; else the answer to it."""
        if request.route_handler.opt.get(PUBLIC):
            return None
        needed = Scope.READ if request.method in _READING else Scope.ADMIN
        try:
            if authorization := request.headers.get("authorization"):
                if key := await self._admission.check(authorization, _address(request), needed):
                    admitted_with(key.scopes)
                return None
            signed_in = await self._signer.signed_in(request.cookies.get(self._cookie, ""), self._admission)
            if signed_in is None:
                raise NoKey("the API key is missing; send it as Authorization: Bearer <key>")
            admitted_with(signed_in[0].scopes)
            check_scope(signed_in[0], needed)
        except Refused as error:
            return self._refuse(request, error)
        return None

    def routes(self) -> list[HTTPRouteHandler]:
        """The pages to sign in and to sign out, and where their forms go."""

        @get("/sign-in", include_in_schema=False, opt=_OPEN)
        async def ask(request: Request[Any, Any, Any], next: FromQuery[str] = "/sessions") -> Response[bytes]:
            return self._ask(request, local_path(next))

        @post("/sign-in", include_in_schema=False, opt=_OPEN, request_max_body_size=LARGEST_FORM)
        async def take(request: Request[Any, Any, Any], data: Form) -> Response[Any]:
            target = local_path(one(data, "next"))
            if not self._forms.is_ours(request, data):
                return self._ask(request, target, "This form was open for too long. Please try again.", 400)
            try:
                key = await self._admission.key(one(data, "key").strip(), _address(request))
                check_scope(key, Scope.READ)
            except Refused as error:
                return self._ask_again(request, target, error)
            return Redirect(target, status_code=303, cookies=[self._signed_in(request, self._signer.sign_in(key))])

        @get("/sign-out", include_in_schema=False, opt=_OPEN)
        async def offer(request: Request[Any, Any, Any]) -> Response[Any]:
            signed_in = await self._signer.signed_in(request.cookies.get(self._cookie, ""), self._admission)
            if signed_in is None:
                return Redirect("/sign-in", status_code=303)
            key, end = signed_in
            return self._forms.page(
                request,
                "shell/sign_out.html",
                key=key,
                configured=key.id == CONFIGURED,
                end=datetime.fromtimestamp(end, UTC),
            )

        @post("/sign-out", include_in_schema=False, opt=_OPEN, request_max_body_size=LARGEST_FORM)
        async def leave(request: Request[Any, Any, Any], data: Form) -> Response[Any]:
            self._forms.check(request, data)
            return Redirect("/sign-in", status_code=303, cookies=[self._signed_in(request, "", 0)])

        return [ask, take, offer, leave]

    def _refuse(self, request: Request[Any, Any, Any], error: Refused) -> Response[bytes]:
        if wants_json(request) or request.url.path == "/live":
            status, kind = _status(error)
            response = json_response({"error": kind, "details": str(error)}, status)
            return _later(response, error)
        query = f"?{request.url.query}" if request.url.query else ""
        target = local_path(request.url.path + query) if request.method in _READING else "/sessions"
        return self._ask(request, target) if isinstance(error, NoKey) else self._ask_again(request, target, error)

    def _ask_again(self, request: Request[Any, Any, Any], target: str, error: Refused) -> Response[bytes]:
        match error:
            case WrongScope(needed=Scope.ADMIN):
                wrong = (
                    "The key of this browser may read, but not change anything: that needs one with the scope admin."
                )
            case WrongScope():
                wrong = "This key is right, but not for reading: the pages need one with the scope read."
            case TooManyAttempts(seconds=seconds):
                wrong = f"Too many wrong keys came from this address. Try again in {seconds} s."
            case _:
                wrong = "That is not a key of this server, or it was revoked."
        return _later(self._ask(request, target, wrong, _status(error)[0]), error)

    def _ask(
        self, request: Request[Any, Any, Any], target: str, wrong: str | None = None, status: int = 401
    ) -> Response[bytes]:
        status = 200 if request.url.path == "/sign-in" and wrong is None else status
        return self._forms.page(request, "shell/sign_in.html", status, next=target, wrong=wrong)

    def _signed_in(self, request: Request[Any, Any, Any], note: str, seconds: int = SIGN_IN_SECONDS) -> Cookie:
        return private_cookie(request, self._cookie, note, seconds)


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""


def _status(error: Refused) -> tuple[int, str]:
    match error:
        case WrongScope():
            return 403, "forbidden"
        case TooManyAttempts():
            return 429, "too_many_requests"
        case _:
            return 401, "unauthorized"


def _later(response: Response[bytes], error: Refused) -> Response[bytes]:
    """The answer with the time after which to try again, if the refusal has one."""
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.seconds)
    return response
