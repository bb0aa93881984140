"""The body of a request as it was before compression, within limits that hold while it is unpacked."""

import zlib

import zstandard

LARGEST_UNPACKED = 64 * 1024 * 1024
MOST_MEMBERS = 100  # of a gzip body, or frames of zstd: each costs a copy of all that is behind it
ENCODINGS = "gzip, zstd"

# A block of zstd is at least 3 bytes long and unpacks to 128 KB at most: so little at a time stays within bounds.
_ZSTD_STEP = 256
_ZSTD_WINDOW = 8 * 1024 * 1024  # what RFC 8878, 3.1.1.1.2 asks of everybody; a frame that wants more is refused


_TOO_LARGE = f"the body unpacks to more than {LARGEST_UNPACKED // 2**20} MB; send smaller batches"


class UnreadableBody(ValueError):
    """The body as a whole cannot be read; nothing of it was applied."""


class BodyTooLarge(ValueError):
    """The body is larger than the server takes; send it in parts."""


def unpack(body: bytes, encoding: str | None) -> bytes:
    """The body as it was before compression. Raises UnreadableBody or BodyTooLarge."""
    match (encoding or "identity").strip().lower():
        case "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body)
        case "zstd":
            return _unzstd(body)
        case other:
            raise UnreadableBody(f"Content-Encoding: {other!r} is not known here; send {ENCODINGS} or none")


def _gunzip(body: bytes) -> bytes:
    unpacked = bytearray()
    members = 0
    try:
        while body:
            members += 1
            if members > MOST_MEMBERS:
                raise UnreadableBody(f"the gzip body has more than {MOST_MEMBERS} members; send it as one")
            inflater = zlib.decompressobj(wbits=31)
            unpacked += inflater.decompress(body, LARGEST_UNPACKED + 1 - len(unpacked))
            if len(unpacked) > LARGEST_UNPACKED:
                raise BodyTooLarge(_TOO_LARGE)
            if not inflater.eof:
                raise UnreadableBody("the gzip body is cut short; send it again, whole")
            body = inflater.unused_data
    except zlib.error:
        raise UnreadableBody("the body is not the gzip that Content-Encoding says it is") from None
    return bytes(unpacked)


def _unzstd(body: bytes) -> bytes:
    unpacked = bytearray()
    frames = 0
    try:
        while body:
            frames += 1
            if frames > MOST_MEMBERS:
                raise UnreadableBody(f"the zstd body has more than {MOST_MEMBERS} frames; send it as one")
            inflater = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
            position = 0
            while position < len(body) and not inflater.eof:
                unpacked += inflater.decompress(body[position : position + _ZSTD_STEP])
                position += _ZSTD_STEP
                if len(unpacked) > LARGEST_UNPACKED:
                    raise BodyTooLarge(_TOO_LARGE)
            if not inflater.eof:
                raise UnreadableBody("the zstd body is cut short; send it again, whole")
            body = inflater.unused_data + body[position:]
    except zstandard.ZstdError:
        raise UnreadableBody("the body is not the zstd that Content-Encoding says it is") from None
    return bytes(unpacked)
