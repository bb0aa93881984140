"""Templates of pages are compiled once in a process: that takes most of a second, and most tests of a page ask for it.

Renderers check what is kept by the text of each template, so that it is never that of another one.
"""

import tempfile
from functools import partial
from pathlib import Path

from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.app import create_web
from datacat_server.web.shell import rendering
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class _Kept(BytecodeCache):
    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], object] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


def keep() -> None:
    """From now on renderers of this process, and of those forked from it, share what they have compiled."""
    if not isinstance(rendering.Environment, partial):
        rendering.Environment = partial(rendering.Environment, bytecode_cache=_Kept())


def compile_all() -> None:
    """Compile them now."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder))
        try:
            create_web(store, Config())
        finally:
            store.close()
