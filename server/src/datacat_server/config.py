"""The server's configuration: `config.json`, then `DATACAT_*` environment variables, then flags; the later wins."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, get_type_hints

import msgspec
from msgspec import Struct

from datacat_server.environment import unknown_variables
from datacat_server.ingest.explain import explain
from datacat_server.webhook import Webhook, read_webhooks

DEFAULT_FILE = Path("config.json")


class ConfigError(Exception):
    """A key that is not known or a value that will not do; the message names it."""


class Config(Struct, kw_only=True, frozen=True):
    """Every setting with its default; a port of 0 means any free one."""

    data_path: str = "./datacat_data"
    retention_days: float = 365
    cleanup_interval_hours: float = 24
    server_port: int = 9090
    web_port: int = 8080
    host: str = "127.0.0.1"
    heartbeat_timeout_seconds: float = 60
    api_key: str | None = None
    require_api_key: bool = False
    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    log_file: str | None = None
    web_url: str | None = None
    webhooks: tuple[Webhook, ...] = ()

    def checked(self) -> Self:
        """The configuration itself. Raises ConfigError for values that are impossible, alone or together."""
        for name in ("server_port", "web_port"):
            if not 0 <= getattr(self, name) <= 65535:
                raise ConfigError(f"{name}: expected a port from 0 to 65535, got {getattr(self, name)}")
        for name in ("retention_days", "cleanup_interval_hours", "heartbeat_timeout_seconds"):
            if not 0 < getattr(self, name) < 1e9:
                raise ConfigError(f"{name}: expected a number above 0, got {getattr(self, name)}")
        for name in ("data_path", "host"):
            if not getattr(self, name):
                raise ConfigError(f"{name}: must not be empty")
        for name in ("data_path", "host", "tls_cert_file", "tls_key_file", "log_file"):
            if "\0" in (getattr(self, name) or ""):
                raise ConfigError(f"{name}: must not have a NUL character in it")
        if self.api_key and not all("!" <= character <= "~" for character in self.api_key):
            raise ConfigError("api_key: expected letters, digits and signs of ASCII, without blanks")
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            missing = "tls_cert_file" if self.tls_cert_file is None else "tls_key_file"
            raise ConfigError(f"{missing}: is missing; TLS needs the certificate and its key")
        if self.web_url is not None and not self.web_url.startswith(("http://", "https://")):
            raise ConfigError("web_url: expected an address such as https://datacat.example.org")
        return self


def load_config(
    file: Path | None = None, flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Config:
    """The configuration that holds. `file`: must exist; None: `./config.json` if there is one. Flags of None are unset.

    Raises ConfigError, which names the key and where it stands.
    """
    settings = _from_file(file)
    settings |= _from_environment(environment or {})
    settings |= {name: value for name, value in (flags or {}).items() if value is not None}
    return Config(**settings).checked()


def file_content(file: Path | None) -> dict[str, Any]:
    """What a configuration file says, unchecked; None: `./config.json`, or nothing. Raises ConfigError."""
    path = file or DEFAULT_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        if file is None:
            return {}
        raise ConfigError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {explain(error, 'the file')}") from None


def _from_file(file: Path | None) -> dict[str, Any]:
    path = file or DEFAULT_FILE
    content = file_content(file)
    return {name: convert_setting(f"{path}: {name}", name, value, strict=True) for name, value in content.items()}


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    settings = {}
    for variable, meant in unknown_variables(environment, _TYPES).items():
        if meant:
            raise ConfigError(f"{variable}: unknown variable; did you mean {meant}?")
    for name in _TYPES:
        variable = f"DATACAT_{name.upper()}"
        # An empty variable is how a shell says that there is none.
        if value := environment.get(variable):
            settings[name] = convert_setting(variable, name, value, strict=False)
    return settings


_TYPES = get_type_hints(Config)
_LONGEST_SHOWN = 100


def convert_setting(where: str, name: str, value: Any, *, strict: bool) -> Any:
    """A setting's value in its type; `strict`: not out of text. Raises ConfigError, which begins with `where`."""
    if name not in _TYPES:
        close = difflib.get_close_matches(name, _TYPES, 1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(_TYPES)}"
        raise ConfigError(f"{where}: unknown key; {hint}")
    if name == "webhooks":
        return _webhooks(where, value)
    try:
        return msgspec.convert(value, _TYPES[name], strict=strict)
    except msgspec.ValidationError as error:
        words = explain(error, where)
        if not strict and isinstance(value, str) and words.endswith("got a string"):
            # A variable is always a text: what stands in it says more. No secret fails so: they are texts.
            words = f"{words.removesuffix('a string')}{value[:_LONGEST_SHOWN]!r}"
        raise ConfigError(words) from None


def _webhooks(where: str, value: Any) -> tuple[Webhook, ...]:
    """The webhooks of a list, or of a text that holds one as JSON."""
    try:
        return read_webhooks(msgspec.json.decode(value) if isinstance(value, str) else value)
    except msgspec.DecodeError as error:
        raise ConfigError(explain(error, where)) from None
    except ValueError as error:
        raise ConfigError(f"{where}{error}") from None
