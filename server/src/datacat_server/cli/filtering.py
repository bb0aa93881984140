"""The shared filter as options of a command: what `--help` shows, and what they make."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

from datacat_server.cli.completing import complete_machine, complete_product, complete_status, complete_version
from datacat_server.cli.leaving import fail
from datacat_server.filters import Filter, parse_filter

FILTER = "Which sessions"
"""Above these options in `--help`."""

_PAIR = "PATH:VALUE"


def _option(name: str, text: str, metavar: str, complete: Callable[..., Any] | None = None) -> Any:
    return typer.Option(name, help=text, metavar=metavar, autocompletion=complete, rich_help_panel=FILTER)


_One, _Many = str | None, list[str] | None

_OPTIONS: dict[str, Any] = {
    "product": Annotated[_One, _option("--product", "Of this product.", "NAME", complete_product)],
    "version": Annotated[_One, _option("--version", "Of this version.", "VERSION", complete_version)],
    "machine": Annotated[_One, _option("--machine", "Of this machine, by id or name.", "NAME", complete_machine)],
    "status": Annotated[
        _One, _option("--status", "crashed, hung, suspended, ended, active, ever_hung ...", "STATUS", complete_status)
    ],
    "from": Annotated[_One, _option("--from", "Created then or later, UTC; -7d: ago.", "TIME")],
    "to": Annotated[_One, _option("--to", "Created before, UTC; -1d: ago.", "TIME")],
    "q": Annotated[_One, _option("--q", "With this text in id, machine, reason ...", "TEXT")],
    "state": Annotated[_Many, _option("--state", "The state is so now.", _PAIR)],
    "state_ever": Annotated[_Many, _option("--state-ever", "It was ever so.", _PAIR)],
    "contains": Annotated[_Many, _option("--contains", "An array there has it.", _PAIR)],
    "ever_contains": Annotated[_Many, _option("--ever-contains", "An array there ever had it.", _PAIR)],
}
"""An option for each parameter of the filter in an address."""


def takes_filter(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of the filter: its parameter `wanted` is what they make of it.

    Options that will not do end the command.
    """

    def function(**said: Any) -> None:
        chosen = {name: said.pop(_parameter(name)) for name in _OPTIONS}
        command(wanted=_filter_of(chosen), **said)

    # Typer reads a command's options from its signature, and their types from its annotations.
    hints = get_type_hints(command, include_extras=True)
    own = [one for one in inspect.signature(command).parameters.values() if one.name != "wanted"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    of_filter = [
        inspect.Parameter(_parameter(name), keyword, default=None, annotation=hint) for name, hint in _OPTIONS.items()
    ]
    parameters = [one.replace(kind=keyword, annotation=hints[one.name]) for one in own] + of_filter
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {one.name: one.annotation for one in parameters}
    function.__name__, function.__doc__ = command.__name__, command.__doc__
    return function


def _parameter(name: str) -> str:
    """The name of a parameter of a function, where `from` is none."""
    return "start" if name == "from" else name


def _filter_of(chosen: dict[str, Any]) -> Filter:
    pairs = []
    for name, value in chosen.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, text) for text in values if text is not None]
    try:
        return parse_filter(pairs)
    except ValueError as error:
        name, _, advice = str(error).partition(":")
        fail(f"--{name.replace('_', '-')}:{advice}")
