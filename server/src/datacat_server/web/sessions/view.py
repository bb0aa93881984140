"""What of the list is shown, as its address says it: the filter, the order, the columns, the place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from urllib.parse import parse_qsl, urlencode

from datacat_server.filters import NAMES
from datacat_server.search_line import CONDITIONS, Parameters, split_condition

NEWEST_FIRST = "-created"


@dataclass(frozen=True)
class Column:
    """A column of the table; `sort`: what it sorts by, empty where it does not."""

    name: str
    title: str
    sort: str = ""
    shown: bool = True


COLUMNS = (
    Column("why", "what happened"),
    Column("machine", "machine"),
    Column("activity", "activity"),
    Column("started", "started", "created"),
    Column("heard", "last heard", "updated", shown=False),
    Column("lived", "lived", "duration"),
    Column("events", "events", "event_count"),
    Column("exceptions", "exceptions", "exception_count"),
    Column("metrics", "metrics", shown=False),
    Column("pid", "pid", shown=False),
    Column("id", "id", shown=False),
)
"""Those that can be chosen. The status and the session itself are always there."""

USUAL = tuple(column.name for column in COLUMNS if column.shown)


_OWN = ("sort", "cursor", "columns", "column", "search", "deleted", "ids")
"""What addresses of the list, and of what is done with it, say beside the filter."""


def check_names(names: Iterable[str]) -> None:
    """Raises ValueError, `name: what to do`, for a name that no address of the list has.

    A filter that is misspelt would be none, and every session be taken for what was asked for.
    """
    for name in names:
        if name not in NAMES and name not in _OWN:
            near = get_close_matches(name, NAMES, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; the filters are {', '.join(NAMES)}"
            raise ValueError(f"{name}: is no filter{hint}")


def chosen_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names that are columns, in the order of the table."""
    return tuple(column.name for column in COLUMNS if column.name in names)


def asked_columns(text: str) -> tuple[str, ...] | None:
    """Those that an address names, None where it names none. Raises ValueError, `columns: what to do`."""
    if not text:
        return None
    names = text.split(",")
    if unknown := set(names) - {column.name for column in COLUMNS}:
        raise ValueError(
            f"columns: there is no {min(unknown)!r}; expected some of {','.join(column.name for column in COLUMNS)}"
        )
    return chosen_columns(names)


@dataclass(frozen=True)
class Chip:
    """A part of the filter, in words, and the address of the list without it."""

    words: str
    value: str
    address: str


@dataclass(frozen=True)
class View:
    """`parameters`: the filter as it stands in the address. `columns`: those that the address names, None for none."""

    parameters: tuple[tuple[str, str], ...] = ()
    sort: str = NEWEST_FIRST
    columns: tuple[str, ...] | None = None
    cursor: str | None = None

    @property
    def text(self) -> str | None:
        return dict(self.parameters).get("q")

    @property
    def status(self) -> str | None:
        return dict(self.parameters).get("status")

    def address(self, path: str = "/sessions") -> str:
        """The address of this view."""
        query: Parameters = list(self.parameters)
        if self.sort != NEWEST_FIRST:
            query.append(("sort", self.sort))
        if self.columns is not None:
            query.append(("columns", ",".join(self.columns)))
        if self.cursor is not None:
            query.append(("cursor", self.cursor))
        return f"{path}?{urlencode(query)}" if query else path

    def with_status(self, status: str | None) -> "View":
        """The sessions of this view that are so, from the first page on."""
        others = tuple((name, value) for name, value in self.parameters if name != "status")
        first = (("status", status),) if status else ()
        return replace(self, parameters=first + others, cursor=None)

    def with_product(self, product: str) -> "View":
        others = tuple((name, value) for name, value in self.parameters if name != "product")
        return replace(self, parameters=(("product", product), *others), cursor=None)

    def sorted_by(self, sort: str) -> "View":
        """The largest first; the smallest where that is so already."""
        return replace(self, sort=sort if self.sort == f"-{sort}" else f"-{sort}", cursor=None)

    def at(self, cursor: str | None) -> "View":
        return replace(self, cursor=cursor)

    def filter_address(self, path: str) -> str:
        """Another address for the same filter."""
        return View(self.parameters).address(path)

    def chips(self) -> list[Chip]:
        """The parts of the filter, the status aside."""
        return [
            Chip(*_words(name, value), self._without(place).address())
            for place, (name, value) in enumerate(self.parameters)
            if name != "status"
        ]

    def _without(self, place: int) -> "View":
        return replace(self, parameters=self.parameters[:place] + self.parameters[place + 1 :], cursor=None)


def parameters_of(query: str) -> tuple[tuple[str, str], ...]:
    """The parameters of an address that belong to the filter and say something, in their order."""
    return tuple((name, value) for name, value in parse_qsl(query) if name in NAMES)


_RELATIONS = {"state": "=", "state_ever": "was", "contains": "contains", "ever_contains": "contained"}
_WORDS = {"from": "since", "to": "before", "q": "text"}


def _words(name: str, value: str) -> tuple[str, str]:
    if name in CONDITIONS.values():
        path, _, wanted = split_condition(value)
        return f"{path} {_RELATIONS[name]}", wanted
    return f"{_WORDS.get(name, name)}:", value
