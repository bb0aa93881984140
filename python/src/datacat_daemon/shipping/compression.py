"""How bodies are compressed: gzip, which every server takes, or zstd where both ends have it."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable

_WORTH_COMPRESSING = 512
_LEVEL = 1
_SMALL = 1 << 14
_LEVEL_OF_SMALL = 6  # costs less than a tenth of a millisecond for so little
_GZIP = 31  # of zlib's window bits: the largest window, in a gzip wrapping
_MEMORY = 8


class Compression:
    """Packs the bodies for one server.

    zstd is taken once the server has said that it unpacks that, and never again after it has refused one. What
    compresses it is imported only then: it costs memory.

    Args:
        enabled: whether to compress at all.
    """

    def __init__(self, enabled: bool = True) -> None:
        self._enabled = enabled
        self._asked = False
        self._zstd: Callable[[bytes], bytes] | None = None

    def pack(self, body: bytes) -> tuple[bytes, str | None]:
        """The body as it is to be sent, and its `Content-Encoding`."""
        if not self._enabled or len(body) < _WORTH_COMPRESSING:
            return body, None
        if self._zstd is not None:
            return self._zstd(body), "zstd"
        level = _LEVEL_OF_SMALL if len(body) < _SMALL else _LEVEL
        packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP, _MEMORY)
        return packer.compress(body) + packer.flush(), "gzip"

    def heed(self, accepted: str | None) -> None:
        """Act on the `Accept-Encoding` of an answer (RFC 9110, 12.5.3): what the server unpacks."""
        if not self._asked and accepted and "zstd" in accepted:
            self._asked = True
            self._zstd = _zstd_packer()

    def refused(self, encoding: str | None) -> bool:
        """The server does not take this encoding; True if there is another one to try."""
        self._asked = True
        self._zstd = None
        return encoding == "zstd"


def _zstd_packer() -> Callable[[bytes], bytes] | None:
    """What packs as zstd: the standard library (3.14) or the package `zstandard`; None where there is neither."""
    try:
        compress = importlib.import_module("compression.zstd").compress
        return lambda body: bytes(compress(body, _LEVEL))
    except ImportError:
        pass
    try:
        packer = importlib.import_module("zstandard").ZstdCompressor(level=_LEVEL)
        return lambda body: bytes(packer.compress(body))
    except Exception:  # a package that is there and broken is as good as none
        return None
