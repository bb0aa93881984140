"""Tables as wide as there is room: the less important columns go first, then texts are cut."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from datacat_server.terminal.style import cut

GAP = 2


@dataclass(frozen=True)
class Column:
    """A column.

    Args:
        title: stands above it.
        least: so narrow its cells may be cut; None: they are shown whole.
        goes: where there is no room for all columns, that with the greatest number goes first; 0 stays.
        right: whether its cells stand at the right, as numbers do.
    """

    title: str
    least: int | None = None
    goes: int = 0
    right: bool = False


def table_lines(
    columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int | None, *, titles: bool = True
) -> list[Text]:
    """A line for the titles, unless they are not wanted, and one for each row. Columns without content are left out.

    `width` is in cells, of which CJK takes two a letter; None for as wide as it gets.
    """
    wanted = [
        max([cell_len(column.title), *(row[place].cell_len for row in rows)]) for place, column in enumerate(columns)
    ]
    kept = [place for place in range(len(columns)) if any(row[place].plain for row in rows)]
    if width is not None:
        kept = _kept(columns, wanted, kept, width)
        _narrow(columns, wanted, kept, width)
    lines = [[Text(column.title, "dim") for column in columns]] if titles else []
    return [cut(_line(row, columns, kept, wanted), width) for row in [*lines, *rows]]


def _least(column: Column, wanted: int) -> int:
    return wanted if column.least is None else min(wanted, column.least)


def _kept(columns: Sequence[Column], wanted: list[int], kept: list[int], width: int) -> list[int]:
    """The places of the columns that there is room for, each as narrow as it may be."""
    while sum(_least(columns[place], wanted[place]) + GAP for place in kept) - GAP > width:
        goes = max(kept, key=lambda place: columns[place].goes)
        if not columns[goes].goes:
            break
        kept = [place for place in kept if place != goes]
    return kept


def _narrow(columns: Sequence[Column], wanted: list[int], kept: list[int], width: int) -> None:
    """Take from the widest of those that may be cut, until all fit."""
    excess = sum(wanted[place] + GAP for place in kept) - GAP - width
    while excess > 0:
        yielding = [place for place in kept if wanted[place] > _least(columns[place], wanted[place])]
        if not yielding:
            return
        widest = max(yielding, key=lambda place: wanted[place])
        others = [wanted[place] for place in yielding if wanted[place] < wanted[widest]]
        floor = max([_least(columns[widest], wanted[widest]), *others])
        taken = max(1, min(excess, wanted[widest] - floor))
        wanted[widest] -= taken
        excess -= taken


def _line(row: Sequence[Text], columns: Sequence[Column], kept: list[int], widths: list[int]) -> Text:
    line = Text()
    for number, place in enumerate(kept):
        cell = cut(row[place].copy(), widths[place])
        blank = " " * (widths[place] - cell.cell_len)
        if columns[place].right:
            line.append(blank).append_text(cell)
        else:
            line.append_text(cell)
            if number < len(kept) - 1:
                line.append(blank)
        if number < len(kept) - 1:
            line.append(" " * GAP)
    return line
