"""The daemon's settings: a JSON file, and `DATACAT_*` variables over it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

FILE_NAME = "daemon_config.json"


class BadConfig(ValueError):
    """A setting that cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class Config:
    """The settings, each by its name in the file; in the environment it is `DATACAT_` and the name in capitals.

    Attributes:
        daemon_port: where to listen for clients in other languages; 0 takes a free port.
        server_url: the server that sessions are shipped to ($DATACAT_URL, too).
        api_key: for that server.
        batch_interval_seconds: how often records are shipped.
        max_batch_size: how many records are shipped at once.
        heartbeat_timeout_seconds: silence after which a session of another language's client hangs.
        enable_compression: ship compressed.
        tls_verify: check the server's certificate.
        tls_insecure_skip_verify: do not; the same as `tls_verify: false`.
        vitals_interval_seconds: how often CPU, memory and the like are sampled; 0 never.
        spool_max_mb: megabytes that the whole spool may take.
        process_spool_max_mb: megabytes that the records of one process may take.
    """

    daemon_port: int = 8079
    server_url: str = "http://localhost:9090"
    api_key: str | None = None
    batch_interval_seconds: float = 1.0
    max_batch_size: int = 5_000
    heartbeat_timeout_seconds: float = 60.0
    enable_compression: bool = True
    tls_verify: bool = True
    tls_insecure_skip_verify: bool = False
    vitals_interval_seconds: float = 5.0
    spool_max_mb: int = 2_048
    process_spool_max_mb: int = 512

    @property
    def verifies_tls(self) -> bool:
        """The server's certificate is checked."""
        return self.tls_verify and not self.tls_insecure_skip_verify


_RANGES: dict[str, tuple[float, float]] = {
    "daemon_port": (0, 65_535),
    "batch_interval_seconds": (0.05, 3_600),
    "max_batch_size": (1, 50_000),
    "heartbeat_timeout_seconds": (0.1, 86_400),
    "vitals_interval_seconds": (0, 3_600),
    "spool_max_mb": (1, 1 << 20),
    "process_spool_max_mb": (1, 1 << 20),
}
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def load_config(
    path: Path | None = None, environment: Mapping[str, str] = os.environ, folder: Path | None = None
) -> Config:
    """The settings of a file, if there is one, with the environment's over them.

    Args:
        path: the file; by default the one that `$DATACAT_CONFIG` names.
        environment: the variables.
        folder: for want of both, `daemon_config.json` in this folder is taken if it is there.

    Raises BadConfig for a file that cannot be read, an unknown name or a value that cannot be.
    """
    if path is None and environment.get("DATACAT_CONFIG"):
        path = Path(environment["DATACAT_CONFIG"])
    if path is None and folder is not None and (folder / FILE_NAME).exists():
        path = folder / FILE_NAME
    settings = {} if path is None else _read(path)
    config = replace(Config(), **{name: _checked(name, value, f"{path}: {name}") for name, value in settings.items()})
    return replace(config, **_from_environment(environment))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfig(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadConfig(f"{path}: is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise BadConfig(f'{path}: expected an object, such as {{"server_url": "http://localhost:9090"}}')
    known = [field.name for field in fields(Config)]
    for name in content:
        if name not in known:
            raise BadConfig(f"{path}: {name}: there is no such setting; there are {', '.join(known)}")
    return content


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for field in fields(Config):
        variable = f"DATACAT_{field.name.upper()}"
        if field.name == "server_url" and not environment.get(variable):
            variable = "DATACAT_URL"
        if environment.get(variable):
            found[field.name] = _checked(field.name, environment[variable], f"${variable}")
    return found


def _checked(name: str, value: Any, where: str) -> Any:
    default = getattr(Config, name)
    if isinstance(default, bool):
        if isinstance(value, str):
            value = _WORDS.get(value.strip().lower(), value)
        if not isinstance(value, bool):
            raise BadConfig(f"{where}: expected true or false, not {value!r}")
    elif isinstance(default, (int, float)):
        value = _number(type(default), value, where)
        low, high = _RANGES[name]
        if not low <= value <= high:
            raise BadConfig(f"{where}: expected {low:g} to {high:g}, not {value!r}")
    elif not (isinstance(value, str) or (value is None and default is None)):
        raise BadConfig(f"{where}: expected a text, not {value!r}")
    elif name == "server_url" and not str(value).startswith(("http://", "https://")):
        raise BadConfig(f"{where}: expected an address such as http://localhost:9090, not {value!r}")
    return value


def _number(kind: type, value: Any, where: str) -> Any:
    try:
        if isinstance(value, bool) or (kind is int and float(value) != int(float(value))):
            raise ValueError
        return kind(float(value)) if isinstance(value, str) else kind(value)
    except (TypeError, ValueError, OverflowError):
        expected = "a whole number" if kind is int else "a number"
        raise BadConfig(f"{where}: expected {expected}, not {value!r}") from None
