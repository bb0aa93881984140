"""Runs a command that Typer reads: its help as wide as the terminal and in colours where these are wanted, and misuse
said like everything else that is wrong.
"""

import difflib
import inspect
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from datacat_server.cli.leaving import INTERRUPTED, MISUSED, fail
from datacat_server.terminal.colours import wants_colours

EXIT_CODES = (
    "Exit codes: 0 done, 1 not done, with the reason on standard error, 2 misused, 130 ended by Ctrl-C;"
    " a server that is stopped by it is done."
)

_UNSAID = ("install_completion", "show_completion")  # `datacat completion` has scripts of our own


class _Helpful:
    """What `--help` shows of a command, or of a group of them."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options and arguments; types are not shown of those that have no value, or are named by what they are."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False) or param.param_type_name == "argument":
                param.display_type_rich = _no_type
            if param.name in _UNSAID:
                param.hidden = True
        return params

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from typer import rich_utils

        rich_utils.FORCE_TERMINAL = sys.stdout.isatty() or wants_colours(sys.stdout)
        rich_utils.COLOR_SYSTEM = "auto" if wants_colours(sys.stdout) else None
        self.help: str | None
        if self.help:  # a paragraph is as wide as there is room, not as its source is
            paragraphs = inspect.cleandoc(self.help).split("\n\n")
            self.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        super().format_help(ctx, formatter)  # type: ignore[misc]


def _no_type(ctx: Any) -> None:
    return None


class Command(_Helpful, TyperCommand):
    """A command."""


class Group(_Helpful, TyperGroup):
    """A command with commands of its own."""


def run_typer(app: typer.Typer, name: str) -> NoReturn:
    """Run it with the arguments of the process, and leave. Raises KeyboardInterrupt after Ctrl-C."""
    try:
        code = typer.main.get_command(app).main(prog_name=name, standalone_mode=False)
    except typer.TyperException as error:
        _misused(error)
    except typer.Abort:  # the end of the input, where something was asked
        fail("nothing was answered")
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    raise SystemExit(code if isinstance(code, int) else 0)


def _misused(error: Any) -> NoReturn:
    """Say what was wrong with the arguments, what was meant perhaps, and how it is to be used."""
    message = error.format_message().strip()
    if not message:  # without arguments the help was shown
        raise SystemExit(MISUSED)
    said = getattr(error, "option_name", None)
    if said and hasattr(error, "possibilities"):
        message = error.message + _meant_option(said, error.ctx)
    message = message[:1].lower() + message[1:]
    ctx = getattr(error, "ctx", None)
    if ctx is not None:
        usage = " ".join(ctx.get_usage().removeprefix("Usage: ").split())
        message = f"{message}\nusage: {usage}\n`{ctx.command_path} --help` says more"
    fail(message, MISUSED)


def _meant_option(said: str, ctx: Any) -> str:
    """What was meant perhaps by an option that a command has not: another of its own, or one of its commands'."""
    options = _options_of(ctx.command, ctx)
    endings = [name for name in options if name.endswith(f"-{said.lstrip('-')}")]
    if near := endings[:3] or difflib.get_close_matches(said, options, 2):
        return f". Did you mean {' or '.join(near)}?"
    commands = getattr(ctx.command, "commands", {})
    having = [name for name, command in commands.items() if said in _options_of(command, ctx)]
    return f". Put it behind the command: {ctx.command_path} {having[0]} {said} ..." if having else ""


def _options_of(command: Any, ctx: Any) -> list[str]:
    params = command.get_params(ctx)
    return [name for param in params if param.param_type_name == "option" for name in param.opts]
