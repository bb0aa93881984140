"""Sends an export to a server in parts of whole sessions; each part is acknowledged when it is on disk."""

import tempfile
from typing import IO

import msgspec

from datacat_server.cli.rest import Server, ServerError
from datacat_server.export.intake import Intaken

_PART = 4 * 1024 * 1024
_IN_MEMORY = 8 * 1024 * 1024
_HEAD = b'{"kind":"export",'
_TAIL = b'{"kind":"session_end",'
_END = b'{"kind":"end",'


class Upload:
    """Takes the lines of an export that was checked. A part begins with the export's own first line, like all of it."""

    def __init__(self, server: Server, *, replace: bool) -> None:
        self.done = Intaken()
        self._server = server
        self._params = [("replace", "true")] if replace else []
        self._head = b""
        self._part: IO[bytes] | None = None

    def feed(self, line: bytes) -> None:
        """The next line. Raises ServerError."""
        if line.startswith(_HEAD):
            self._head = line
            return
        if line.startswith(_END):
            return
        if self._part is None:
            self._part = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
            self._part.write(self._head + b"\n")
        self._part.write(line + b"\n")
        if line.startswith(_TAIL) and self._part.tell() >= _PART:
            self._send(self._part)

    def finish(self) -> None:
        """Send what is left."""
        if self._part is not None:
            self._send(self._part)

    def _send(self, part: IO[bytes]) -> None:
        part.seek(0)
        answer = self._server.post_lines("/api/import", part, self._params)
        part.close()
        self._part = None
        try:
            done = msgspec.convert(answer, Intaken)
        except msgspec.ValidationError:
            raise ServerError(f"{self._server.url} does not answer like a DataCat server") from None
        self.done.imported += done.imported
        self.done.replaced += done.replaced
        self.done.skipped += done.skipped
        self.done.records += done.records
