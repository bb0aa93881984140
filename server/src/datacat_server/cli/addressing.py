"""Which server a command means, with which key, and what is said where it does not answer as wanted."""

import os
import socket
import ssl
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from datacat.address import server_address
from datacat_daemon.shipping.endpoint import certificate_trouble

from datacat_server import __version__
from datacat_server.cli.leaving import CommandError, fail
from datacat_server.cli.where import DEFAULT_URL

_NAME_ANOTHER = "name another with --url or $DATACAT_URL"
_PATIENCE_SECONDS = 2.0


class _Health(msgspec.Struct):
    """What a server says of itself without a key."""

    service: Literal["datacat-server"]
    version: str


class ServerError(CommandError):
    """The server could not be asked, or would not; the message says what to do. `status`: of its answer, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def address_of(url: str | None) -> str:
    """The address of the server that is meant; what can be none ends the command."""
    said = url or os.environ.get("DATACAT_URL") or DEFAULT_URL
    address: str | None = server_address(said)
    if address is None or not _can_be_a_host(urlsplit(address).hostname or ""):
        fail(f"--url: expected an address such as {DEFAULT_URL}, not {said}")
    return address


def _can_be_a_host(name: str) -> bool:
    try:
        name.encode("idna")
    except UnicodeError:  # a part of it is empty, or longer than names may be
        return False
    return True


def key_of(api_key: str | None) -> str | None:
    """The key to ask with, None for none."""
    return api_key or os.environ.get("DATACAT_API_KEY")


def refused(url: str, status: int, content: bytes) -> ServerError:
    """What the server says, in its own words where it is one of ours, and what to do about a key."""
    try:
        details: Any = msgspec.json.decode(content)["details"]
    except (msgspec.MsgspecError, LookupError, TypeError):
        return ServerError(_no_server_of_ours(url, f" ({status})"), status)
    advice = "; say one with --api-key or $DATACAT_API_KEY" if status == 401 else ""
    return ServerError(f"{details}{advice}", status)


def not_answering(url: str, error: BaseException) -> ServerError:
    """What to do where no connection can be made."""
    if (trouble := _of_certificate(error)) is not None:
        return ServerError(f"{url}: {trouble}")
    if _is_about_tls(error):
        return ServerError(f"{url} does not speak TLS, or not as is needed ({error}); say http:// if it has none")
    return ServerError(f"no server answers at {url} ({error}); start one with `datacat up`, or {_NAME_ANOTHER}")


def broken_off(url: str, error: BaseException) -> ServerError:
    """What is said where a connection ended in the midst of an answer, or before it."""
    parts = urlsplit(url)
    if parts.scheme == "http" and _speaks_tls(parts.hostname or "", parts.port or 80):
        return ServerError(f"{url} speaks TLS; say https://{parts.netloc}")
    return ServerError(f"the connection to {url} broke off: {error or type(error).__name__}")


def no_such_answer(url: str, health: bytes | None = None) -> ServerError:
    """What is said of an answer that no server of ours of this version gives. `health`: what it says of itself."""
    try:
        found = msgspec.json.decode(health or b"", type=_Health)
    except msgspec.MsgspecError:
        return ServerError(_no_server_of_ours(url))
    return ServerError(
        f"{url} answers in another way than this command expects: it is of version {found.version}, and this is"
        f" {__version__}; use the same version of both"
    )


def _no_server_of_ours(url: str, why: str = "") -> str:
    return f"{url} does not answer like a DataCat server{why}; {_NAME_ANOTHER}, with the port of its API"


def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent, nor read
    try:
        with (
            socket.create_connection((host, port), _PATIENCE_SECONDS) as connection,
            context.wrap_socket(connection),
        ):
            return True
    except OSError:
        return False


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _of_certificate(error: BaseException | None) -> str | None:
    """What is wrong with the server's certificate, where that is why a connection failed."""
    while error is not None:
        if (trouble := certificate_trouble(error)) is not None:
            return trouble
        error = error.__cause__ or error.__context__
    return None
