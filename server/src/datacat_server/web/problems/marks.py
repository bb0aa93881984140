"""What people make of a problem: resolved, ignored, open again; and the way back from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from datacat_server.ingest.validate import LONGEST_NAME
from datacat_server.store.problems import Problem, ProblemStatus, UnknownProblem
from datacat_server.store.protocol import Store
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.forms import LARGEST_FORM, Form, Forms, one

_BACK = (ProblemStatus.OPEN, ProblemStatus.RESOLVED, ProblemStatus.IGNORED)
"""What a mark can be taken back to; that it had come back by itself cannot be said again."""


@dataclass(frozen=True)
class Done:
    """A mark was changed. `back`: what it was before, None where there is no way back; `version`: resolved in."""

    back: ProblemStatus | None
    version: str


def problem_address(problem_id: str) -> str:
    """The page of a problem."""
    return f"/problems/{quote(problem_id, safe='')}"


def unknown_problem() -> PageError:
    return PageError(404, "There is no such problem.", "Its sessions may have been deleted. All problems: /problems.")


def done_just_now(problem: Problem, parameters: Mapping[str, str]) -> Done | None:
    """What the address says was done, where the problem is no longer as it was before that."""
    try:
        was = ProblemStatus(parameters.get("was", ""))
    except ValueError:
        return None
    if was is problem.status:
        return None
    return Done(was if was in _BACK else None, parameters.get("was_in", "")[:LONGEST_NAME])


def mark_route(store: Store, forms: Forms) -> HTTPRouteHandler:
    """Where the forms of a problem's page go; it leads back there."""

    @post(
        "/problems/{problem_id:str}/mark",
        include_in_schema=False,
        sync_to_thread=True,
        request_max_body_size=LARGEST_FORM,
    )
    def mark(request: Request[Any, Any, Any], problem_id: FromPath[str], data: Form) -> Redirect:
        forms.check(request, data)
        try:
            before = store.problem(problem_id)
            match one(data, "as"):
                case "resolved":
                    store.resolve_problem(problem_id, one(data, "version").strip()[:LONGEST_NAME] or None)
                case "open":
                    store.reopen_problem(problem_id)
                case "ignored":
                    store.ignore_problem(problem_id)
                case _:
                    raise PageError(400, "This form says nothing.", "Go back to the problem and try again.")
        except UnknownProblem:
            raise unknown_problem() from None
        was = {"was": before.status.value} | ({"was_in": before.resolved_in} if before.resolved_in else {})
        said = "" if one(data, "undo") else f"?{urlencode(was)}"
        return Redirect(f"{problem_address(problem_id)}{said}", status_code=303)

    return mark
