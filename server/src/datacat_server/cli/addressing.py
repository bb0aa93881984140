"""Which server a command means, with which key, and what is said where it does not answer as wanted."""

import os
from typing import Any

import msgspec
from datacat.address import server_address
from datacat_daemon.shipping.endpoint import certificate_trouble

from datacat_server.cli.leaving import CommandError, fail
from datacat_server.cli.where import DEFAULT_URL


class ServerError(CommandError):
    """The server could not be asked, or would not; the message says what to do. `status`: of its answer, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def address_of(url: str | None) -> str:
    """The address of the server that is meant; what can be none ends the command."""
    said = url or os.environ.get("DATACAT_URL") or DEFAULT_URL
    address: str | None = server_address(said)
    if address is None:
        fail(f"--url: expected an address such as {DEFAULT_URL}, not {said}")
    return address


def key_of(api_key: str | None) -> str | None:
    """The key to ask with, None for none."""
    return api_key or os.environ.get("DATACAT_API_KEY")


def refused(status: int, reason: str, content: bytes) -> ServerError:
    """What the server says, in its own words where it is one of ours, and what to do about a key."""
    try:
        details: Any = msgspec.json.decode(content)["details"]
    except (msgspec.MsgspecError, LookupError, TypeError):
        details = f"{status} {reason}"
    advice = "; say one with --api-key or $DATACAT_API_KEY" if status == 401 else ""
    return ServerError(f"{details}{advice}", status)


def not_answering(url: str, error: BaseException) -> ServerError:
    """What to do where no connection can be made."""
    if (trouble := _of_certificate(error)) is not None:
        return ServerError(f"{url}: {trouble}")
    return ServerError(
        f"no server answers at {url} ({error}); start one with `datacat up`, or name another with --url or $DATACAT_URL"
    )


def broken_off(url: str, error: BaseException) -> ServerError:
    """What is said where a connection ended in the midst of an answer."""
    return ServerError(f"the connection to {url} broke off: {error or type(error).__name__}")


def no_such_answer(url: str) -> ServerError:
    """What is said of an answer that no server of ours gives."""
    return ServerError(f"{url} does not answer like a DataCat server")


def _of_certificate(error: BaseException | None) -> str | None:
    """What is wrong with the server's certificate, where that is why a connection failed."""
    while error is not None:
        if (trouble := certificate_trouble(error)) is not None:
            return trouble
        error = error.__cause__ or error.__context__
    return None
