"""The secret that sign-ins of browsers are signed with: a file beside the data, readable by its owner only."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from datacat_server.store.errors import StoreError

FILE_NAME = "web_secret"
_BYTES = 32


def load_secret(folder: Path) -> bytes:
    """The secret of a data folder, made if there is none: 32 random bytes. Raises StoreError.

    One that others could read is replaced, and so is one that was cut short: who had signed in does so again.
    """
    path = folder / FILE_NAME
    try:
        for _ in range(2):
            with suppress(FileNotFoundError):
                secret = path.read_bytes()
                if len(secret) == _BYTES and not path.stat().st_mode & 0o077:
                    return secret
                path.unlink(missing_ok=True)
            _make(path)
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror}; the sign-ins of browsers need it") from None


def _make(path: Path) -> None:
    """A new secret, there whole or not at all; where another process was first, that one's stays."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{FILE_NAME}-") as file:
        file.write(secrets.token_bytes(_BYTES))
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
