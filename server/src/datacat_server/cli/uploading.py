"""Sends an export to a server in parts of whole sessions; each part is acknowledged when it is on disk."""

import tempfile
from typing import IO

import msgspec

from datacat_server.cli.addressing import ServerError
from datacat_server.cli.rest import Server
from datacat_server.exchange.records import EndLine
from datacat_server.export.intake import Intaken

_PART = 4 * 1024 * 1024
_IN_MEMORY = 8 * 1024 * 1024


class _Kind(msgspec.Struct):
    kind: str


_kind = msgspec.json.Decoder(_Kind)


class Upload:
    """Takes the lines of an export that was checked.

    A part is an export by itself: it begins with the first line of all of it, and has an end of its own, so that the
    server tells one that was cut on its way.
    """

    def __init__(self, server: Server, *, replace: bool) -> None:
        self.done = Intaken()
        self._server = server
        self._params = [("replace", "true")] if replace else []
        self._head = b""
        self._part: IO[bytes] | None = None
        self._counts = EndLine(sessions=0, records=0, problems=0)

    def feed(self, line: bytes) -> None:
        """The next line. Raises ServerError."""
        kind = _kind.decode(line).kind
        if kind == "export":
            self._head = line
            return
        if kind == "end":
            self.done.complete = True
            return
        if self._part is None:
            self._part = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
            self._part.write(self._head + b"\n")
        self._part.write(line + b"\n")
        self._count(kind)
        if kind == "session_end" and self._part.tell() >= _PART:
            self._send(self._part)

    def finish(self) -> None:
        """Send what is left."""
        if self._part is not None:
            self._send(self._part)

    def _count(self, kind: str) -> None:
        match kind:
            case "session_end":
                self._counts.sessions += 1
            case "problem":
                self._counts.problems += 1
            case "session":
                pass
            case _:
                self._counts.records += 1

    def _send(self, part: IO[bytes]) -> None:
        part.write(msgspec.json.encode(self._counts) + b"\n")
        self._counts = EndLine(sessions=0, records=0, problems=0)
        part.seek(0)
        answer = self._server.post_lines("/api/import", part, self._params)
        part.close()
        self._part = None
        try:
            done = msgspec.convert(answer, Intaken)
        except msgspec.ValidationError:
            raise ServerError(f"{self._server.url} does not answer like a DataCat server") from None
        if not done.complete:
            raise ServerError(f"{self._server.url} did not get all that was sent; import the file again")
        self.done.imported += done.imported
        self.done.replaced += done.replaced
        self.done.skipped += done.skipped
        self.done.records += done.records
