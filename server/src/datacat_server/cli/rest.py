"""The REST API as commands use it that move much: one connection, errors in words for whoever typed the command."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import httpx
import msgspec

from datacat_server.cli.addressing import address_of, broken_off, key_of, no_such_answer, not_answering, refused

LINES = "application/x-ndjson"
_CHUNK = 256 * 1024
# An answer may take as long as a large session takes to be stored.
_TIMEOUT = httpx.Timeout(30.0, read=900.0)


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
        """The answer to a GET, lines of JSON, in pieces. Raises ServerError, also inside, where it breaks off."""
        with self._explained(), self._client.stream("GET", path, params=list(params)) as answer:
            if answer.is_error:
                answer.read()
                raise refused(self.url, answer.status_code, answer.content)
            if not answer.headers.get("Content-Type", "").startswith(LINES):
                raise no_such_answer(self.url)
            yield answer.iter_bytes(_CHUNK)

    def post_lines(self, path: str, lines: IO[bytes], params: Sequence[tuple[str, str]] = ()) -> Any:
        """The answer to a POST of a file of newline-delimited JSON. Raises ServerError."""
        with self._explained():
            headers = {"Content-Type": LINES}
            return self._decoded(self._client.post(path, params=list(params), content=_pieces(lines), headers=headers))

    def close(self) -> None:
        self._client.close()

    def _decoded(self, answer: httpx.Response) -> Any:
        if answer.is_error:
            raise refused(self.url, answer.status_code, answer.content)
        try:
            return msgspec.json.decode(answer.content)
        except msgspec.MsgspecError:
            raise no_such_answer(self.url) from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise not_answering(self.url, error) from error
        except httpx.HTTPError as error:
            raise broken_off(self.url, error) from error


def server_of(url: str | None, api_key: str | None) -> Server:
    """The server that a command means; what can be no address ends it."""
    return Server(address_of(url), key_of(api_key))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
