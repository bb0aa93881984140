"""The configuration: every value in force and where it is from, and the ones that will not do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from datacat_server.config import DEFAULT_FILE, Config, ConfigError, convert_setting, file_content
from datacat_server.doctor.findings import Finding, bad, ok
from datacat_server.environment import unknown_variables

ABOUT = "settings"
_SECRET = {"api_key"}
_DEFAULT = "default"


def look_at_settings(
    file: Path | None, flags: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[list[Finding], Config]:
    """What there is to say, and the configuration to go on with: what will not do is left at its default."""
    findings: list[Finding] = []
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def take(name: str, value: Any, where: str, *, strict: bool, of_file: bool) -> None:
        try:
            values[name] = convert_setting(f"{where}: {name}" if of_file else where, name, value, strict=strict)
            origins[name] = where
        except ConfigError as error:
            findings.append(_bad(error))

    path = file or DEFAULT_FILE
    try:
        content = file_content(file)
    except ConfigError as error:
        content = {}
        findings.append(_bad(error))
    for name, value in content.items():
        take(name, value, str(path), strict=True, of_file=True)
    for name in Config.__struct_fields__:
        if value := environment.get(f"DATACAT_{name.upper()}"):
            take(name, value, f"$DATACAT_{name.upper()}", strict=False, of_file=False)
    for variable, meant in unknown_variables(environment, Config.__struct_fields__).items():
        if meant:
            findings.append(_bad(ConfigError(f"${variable}: unknown variable; did you mean {meant}?")))
    for name, value in flags.items():
        if value is not None:
            values[name], origins[name] = value, f"--{name.replace('_', '-')}"
    config = _checked(values, origins, findings)
    there = f"{path.absolute()} is read" if content else f"no {path} in {Path.cwd()}"
    in_force = [ok(ABOUT, there)]
    for name in Config.__struct_fields__:
        shown = "set, not shown" if name in _SECRET and getattr(config, name) else _text(getattr(config, name))
        if name == "webhooks":
            shown = ", ".join(webhook.shown for webhook in config.webhooks) or "none"
        in_force.append(ok(ABOUT, f"{name}: {shown} ({origins.get(name, _DEFAULT)})"))
    return findings + in_force, config


def is_default(finding: Finding) -> bool:
    """Whether it tells of a setting that nobody has set."""
    return finding.about == ABOUT and finding.text.endswith(f"({_DEFAULT})")


def _checked(values: dict[str, Any], origins: dict[str, str], findings: list[Finding]) -> Config:
    """The configuration, without the values that are impossible."""
    while True:
        try:
            return Config(**values).checked()
        except ConfigError as error:
            name = str(error).partition(":")[0]
            # What is missing is named, too: then the one that asks for it will not do.
            culprits = [name] if name in values else [known for known in values if known.startswith("tls_")]
            findings.append(_bad(error, origins.get(name)))
            for culprit in culprits or list(values):
                values.pop(culprit)
                origins.pop(culprit, None)


def _bad(error: ConfigError, where: str | None = None) -> Finding:
    text = f"{where}: {error}" if where else str(error)
    return bad(ABOUT, text, "correct it: the server does not start with it")


def _text(value: object) -> str:
    match value:
        case None:
            return "none"
        case float():
            return f"{value:g}"
        case _:
            return msgspec.json.encode(value).decode().strip('"')
