"""What calls answer that change something."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from datacat_server.model import Session

_True = Annotated[bool, Meta(extra_json_schema={"const": True})]


class Done(Struct, kw_only=True):
    """It worked.

    Attributes:
        status: always `ok`.
        success: always true.
    """

    status: Literal["ok"] = "ok"
    success: _True = True


class Recorded(Done, kw_only=True):
    """It worked, and is kept of this session.

    Attributes:
        session_id: the session's id.
    """

    session_id: str


class CreatedSession(Session, kw_only=True, frozen=True):
    """The session, without its records.

    Attributes:
        status: of the call, always `ok`; the flags say what the session is.
        success: always true.
        session_id: the same as `id`.
    """

    status: Literal["ok"] = "ok"  # type: ignore[assignment]  # what every call that worked answers, here as well
    success: _True = True
    session_id: str
