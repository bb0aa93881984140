"""The body of a request as it was before compression, within limits that hold while it is unpacked.

Large bodies are taken one after the other: many at once would need more memory than the server may have.
"""

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_END, BytesIO
from typing import IO

import zstandard

LARGEST_UNPACKED = 64 * 1024 * 1024
MOST_MEMBERS = 100  # of a gzip body, or frames of zstd: each costs a copy of all that is behind it
ENCODINGS = "gzip, zstd"

_LARGE = 4 * 1024 * 1024
_GZIP_STEP = 64 * 1024
_GZIP_GROWTH = 1024 * 1024
# A block of zstd is at least 3 bytes long and unpacks to 128 KB at most: so little at a time stays within bounds.
_ZSTD_STEP = 256
_ZSTD_WINDOW = 8 * 1024 * 1024  # what RFC 8878, 3.1.1.1.2 asks of everybody; a frame that wants more is refused


_TOO_LARGE = f"the body unpacks to more than {LARGEST_UNPACKED // 2**20} MB; send smaller batches"
_LARGE_WINDOW = f"the zstd body asks for a window of more than {_ZSTD_WINDOW // 2**20} MB; send it with a smaller one"


class UnreadableBody(ValueError):
    """The body is cut short or damaged; nothing of it was applied, and it may be sent again."""


class UnsupportedBody(ValueError):
    """The body is packed in a way that is not taken, however often it is sent; nothing of it was applied."""


class BodyTooLarge(ValueError):
    """The body is larger than the server takes; send it in parts."""


@contextmanager
def unpacked(body: bytes | IO[bytes], encoding: str | None) -> Iterator[bytes]:
    """The body as it was before compression, for as long as it is needed; of large ones there is one at a time.

    Raises UnreadableBody, UnsupportedBody or BodyTooLarge.
    """
    turn = _Turn()
    try:
        if not isinstance(body, bytes):
            turn.take(body.seek(0, SEEK_END))
            body.seek(0)
            body = body.read()
        yield _unpack(body, encoding, turn)
    finally:
        turn.end()


def unpack(body: bytes, encoding: str | None) -> bytes:
    """The body as it was before compression. Raises UnreadableBody, UnsupportedBody or BodyTooLarge."""
    with unpacked(body, encoding) as content:
        return content


class _Turn:
    """A place among the large bodies, waited for when the first of its bytes too many comes."""

    _one_at_a_time = threading.Lock()

    def __init__(self) -> None:
        self._held = False

    def take(self, size: int) -> None:
        """Raises BodyTooLarge."""
        if size > LARGEST_UNPACKED:
            raise BodyTooLarge(_TOO_LARGE)
        if size > _LARGE and not self._held:
            self._one_at_a_time.acquire()
            self._held = True

    def end(self) -> None:
        if self._held:
            self._one_at_a_time.release()


def _unpack(body: bytes, encoding: str | None, turn: _Turn) -> bytes:
    match (encoding or "identity").strip().lower():
        case "identity":
            turn.take(len(body))
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, turn)
        case "zstd":
            return _unzstd(body, turn)
        case other:
            raise UnsupportedBody(f"Content-Encoding: {other!r} is not known here; send {ENCODINGS} or none")


def _gunzip(body: bytes, turn: _Turn) -> bytes:
    content = BytesIO()  # gives its bytes away without another copy of them
    members = 0
    try:
        while body:
            members += 1
            if members > MOST_MEMBERS:
                raise UnsupportedBody(f"the gzip body has more than {MOST_MEMBERS} members; send it as one")
            inflater = zlib.decompressobj(wbits=31)
            position = 0
            rest = b""
            while (rest or position < len(body)) and not inflater.eof:
                if not rest:
                    rest = body[position : position + _GZIP_STEP]
                    position += _GZIP_STEP
                content.write(inflater.decompress(rest, _GZIP_GROWTH))
                turn.take(content.tell())
                rest = inflater.unconsumed_tail
            if not inflater.eof:
                raise UnreadableBody("the gzip body is cut short; send it again, whole")
            body = inflater.unused_data + body[position:]
    except zlib.error:
        raise UnreadableBody("the body is not the gzip that Content-Encoding says it is") from None
    return content.getvalue()


def _unzstd(body: bytes, turn: _Turn) -> bytes:
    content = BytesIO()
    frames = 0
    try:
        while body:
            frames += 1
            if frames > MOST_MEMBERS:
                raise UnsupportedBody(f"the zstd body has more than {MOST_MEMBERS} frames; send it as one")
            if zstandard.get_frame_parameters(body).window_size > _ZSTD_WINDOW:
                raise UnsupportedBody(_LARGE_WINDOW)
            inflater = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
            position = 0
            while position < len(body) and not inflater.eof:
                content.write(inflater.decompress(body[position : position + _ZSTD_STEP]))
                position += _ZSTD_STEP
                turn.take(content.tell())
            if not inflater.eof:
                raise UnreadableBody("the zstd body is cut short; send it again, whole")
            body = inflater.unused_data + body[position:]
    except zstandard.ZstdError:
        raise UnreadableBody("the body is not the zstd that Content-Encoding says it is") from None
    return content.getvalue()
