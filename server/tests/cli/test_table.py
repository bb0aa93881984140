"""Tables of a terminal: never wider than it, whatever stands in them; what matters goes last."""

from datacat_server.terminal.table import Column, table_lines
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

COLUMNS = (
    Column("status"),
    Column("name", least=4),
    Column("count", goes=2, right=True),
    Column("reason", least=6, goes=1),
)

cells = st.text("aé夜👍 ", max_size=30)
rows = st.lists(st.tuples(cells, cells, cells, cells), max_size=5)


@given(rows, st.integers(1, 120))
def test_no_line_is_wider_than_the_terminal(content: list[tuple[str, ...]], width: int) -> None:
    lines = table_lines(COLUMNS, [[Text(cell) for cell in row] for row in content], width)
    assert len(lines) == len(content) + 1
    assert all(line.cell_len <= width for line in lines)


@given(rows)
def test_without_a_width_nothing_is_cut(content: list[tuple[str, ...]]) -> None:
    lines = table_lines(COLUMNS, [[Text(cell) for cell in row] for row in content], None, titles=False)
    for line, row in zip(lines, content, strict=True):
        assert all(cell.strip() in line.plain for cell in row)


def test_columns_go_by_their_importance_and_then_texts_are_cut() -> None:
    row = [Text("crashed"), Text("MyGame 1.4.2"), Text("12"), Text("because of that")]

    def shown(width: int) -> list[str]:
        return [line.plain.rstrip() for line in table_lines(COLUMNS, [row], width)]

    assert shown(45) == [
        "status   name          count  reason",
        "crashed  MyGame 1.4.2     12  because of that",
    ]
    assert shown(36)[1] == "crashed  MyGam…     12  because of …"
    assert shown(22)[0].split() == ["status", "name", "reason"]
    assert shown(18)[0].split() == ["status", "name"]
    assert shown(18)[1] == "crashed  MyGame 1…"
