"""The REST API as commands use it: one connection, errors in words for whoever typed the command."""

import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Annotated, Any

import httpx
import msgspec
import typer
from datacat.address import server_address
from datacat_daemon.shipping.endpoint import certificate_trouble

from datacat_server.cli.settings import fail

DEFAULT_URL = "http://localhost:9090"
_CHUNK = 256 * 1024
# An answer may take as long as a large session takes to be stored.
_TIMEOUT = httpx.Timeout(30.0, read=900.0)

UrlOption = Annotated[
    str | None,
    typer.Option("--url", "--server-url", help=f"The server. Default: $DATACAT_URL or {DEFAULT_URL}.", metavar="URL"),
]
KeyOption = Annotated[
    str | None, typer.Option("--api-key", help="Key of the API; safer in $DATACAT_API_KEY.", metavar="KEY")
]


class ServerError(Exception):
    """The server could not be asked, or would not; the message says what to do. `status`: of its answer, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Server:
    """A server at an address, asked with a key if there is one."""

    def __init__(self, url: str, api_key: str | None) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        # Like a daemon, it goes straight to the server, by the certificates of the system.
        self._client = httpx.Client(
            base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=False, verify=ssl.create_default_context()
        )

    @contextmanager
    def stream(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Iterator[Iterator[bytes]]:
        """The answer to a GET in pieces. Raises ServerError, also inside, where it breaks off."""
        with self._explained(), self._client.stream("GET", path, params=list(params)) as answer:
            if answer.is_error:
                answer.read()
                raise _refused(answer)
            yield answer.iter_bytes(_CHUNK)

    def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        """The answer to a GET, decoded. Raises ServerError."""
        with self._explained():
            return _decoded(self._client.get(path, params=list(params)))

    def post_lines(self, path: str, lines: IO[bytes], params: Sequence[tuple[str, str]] = ()) -> Any:
        """The answer to a POST of a file of newline-delimited JSON. Raises ServerError."""
        with self._explained():
            headers = {"Content-Type": "application/x-ndjson"}
            return _decoded(self._client.post(path, params=list(params), content=_pieces(lines), headers=headers))

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            if (trouble := _of_certificate(error)) is not None:
                raise ServerError(f"{self.url}: {trouble}") from error
            raise ServerError(
                f"no server answers at {self.url} ({error}); start one with `datacat up`, or name another with --url"
            ) from error
        except httpx.HTTPError as error:
            raise ServerError(f"the connection to {self.url} broke off: {error or type(error).__name__}") from error


def server_of(url: str | None, api_key: str | None) -> Server:
    """The server that a command means; what can be no address ends it."""
    said = url or os.environ.get("DATACAT_URL") or DEFAULT_URL
    address = server_address(said)
    if address is None:
        fail(f"--url: expected an address such as {DEFAULT_URL}, not {said}")
    return Server(address, api_key or os.environ.get("DATACAT_API_KEY"))


def _of_certificate(error: BaseException | None) -> str | None:
    """What is wrong with the server's certificate, where that is why a connection failed."""
    while error is not None:
        if (trouble := certificate_trouble(error)) is not None:
            return trouble
        error = error.__cause__ or error.__context__
    return None


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _decoded(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise _refused(answer)
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.MsgspecError:
        raise ServerError(f"{answer.url} does not answer like a DataCat server") from None


def _refused(answer: httpx.Response) -> ServerError:
    """What the server says, in its own words where it is one of ours."""
    try:
        details = msgspec.json.decode(answer.content)["details"]
    except (msgspec.MsgspecError, LookupError, TypeError):
        details = f"{answer.status_code} {answer.reason_phrase}"
    advice = "; say one with --api-key or $DATACAT_API_KEY" if answer.status_code == 401 else ""
    return ServerError(f"{details}{advice}", answer.status_code)
