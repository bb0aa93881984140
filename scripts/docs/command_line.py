"""The page of the commands, from the commands themselves."""

import enum
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer
from datacat_server.cli.commands import application
from datacat_server.cli.groups import COMMANDS, group_of
from datacat_server.cli.options import CONTEXT, for_typer
from datacat_server.cli.running import EXIT_CODES, Command
from datacat_server.cli.server import server
from datacat_server.cli.web import web
from tables import fenced, fields, paragraphs

INTRODUCTION = f"""\
# Command line

Made from the commands themselves: `--help` of each says the same. `datacat`, `datacat-server` and `datacat-web` come
with the server, `datacat-daemon` with the client.

{EXIT_CODES} So it is with all commands but `datacat run`, which has that of the program it runs.
"""
_VALUES = {int: "INT", float: "NUM", Path: "FILE"}


def page() -> str:
    """Markdown: `datacat` with its commands, in the order of its overview, then the other programs."""
    command: Any = typer.main.get_command(application(COMMANDS))
    context = command.context_class(command, info_name="datacat")
    parts = [INTRODUCTION]
    group = ""
    for name in COMMANDS:
        if group != group_of(name):
            group = group_of(name)
            parts.append(f"## {group}")
        parts += _command(command.get_command(context, name), f"datacat {name}", context)
    parts.append("## Other programs")
    for program in (server, web):
        app = typer.Typer(add_completion=False, context_settings=CONTEXT)
        app.command(cls=Command)(for_typer(program))
        parts += _command(typer.main.get_command(app), program.name, None)
    parts += ["### datacat-daemon", fenced(_help_of("datacat_daemon"))]
    return paragraphs(parts)


def _command(command: Any, name: str, parent: Any) -> list[str]:
    context = command.context_class(command, info_name=name.split(" ")[-1], parent=parent)
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    params = command.get_params(context)
    arguments = [param for param in params if param.param_type_name == "argument"]
    options = [param for param in params if param.param_type_name == "option" and not param.hidden]
    parts = [
        f"{'#' * (2 + name.count(' ') + (' ' not in name))} {name}",
        _paragraphs(command.help),
        fenced(usage),
        fields(("Argument", "What"), [(f"`{one.metavar or one.name.upper()}`", _plain(one.help)) for one in arguments]),
        fields(("Option", "What"), [_option(one) for one in options]),
    ]
    for child in getattr(command, "commands", {}):
        parts += _command(command.commands[child], f"{name} {child}", context)
    return parts


def _option(param: Any) -> tuple[str, str]:
    kind = param.type_descriptor.annotation
    choices = [str(one.value) for one in kind] if isinstance(kind, type) and issubclass(kind, enum.Enum) else []
    value = "" if param.is_flag else " " + (param.metavar or _VALUES.get(kind, "TEXT"))
    names = ", ".join(f"`{name}{value}`" for name in [*param.opts, *param.secondary_opts])
    said = _prose(_plain(param.help))
    if not all(choice in said for choice in choices):
        said += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
    default = getattr(param.default, "value", param.default)
    if not param.is_flag and default not in (None, "", (), []) and not callable(default) and "efault" not in said:
        said += f" Default: {default}."
    return names, said


def _plain(text: str | None) -> str:
    """Help as Markdown: without what the terminal's library takes for marks, and with angle brackets as text."""
    said = re.sub(r"\s*\n\s*\n\s*", "\n\n", (text or "").replace("\f", "").replace("\b", "").strip())
    return re.sub(r"<(?=\w)", "&lt;", said)


def _prose(text: str) -> str:
    """A sentence of a help, with the options that it names as code."""
    return re.sub(r"(?<![\w`-])--[a-z][a-z-]*", r"`\g<0>`", text)


def _paragraphs(text: str | None) -> str:
    """The help of a command as Markdown, with what is to be typed as code."""
    parts: list[str] = []
    for part in _plain(text).split("\n\n"):
        if not part.startswith("datacat"):
            parts.append(_prose(part))
        elif parts and parts[-1].startswith("```"):
            parts[-1] = fenced(parts[-1].removeprefix("```sh\n").removesuffix("\n```") + "\n" + part, "sh")
        else:
            parts.append(fenced(part, "sh"))
    return paragraphs(parts)


def _help_of(module: str) -> str:
    own = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1"}
    words = [sys.executable, "-m", module, "--help"]
    return subprocess.run(words, env=own, check=True, capture_output=True, text=True).stdout
