"""The cells of tables: each names its column, which a phone shows beside it, and a path may go on in the next line."""

import re

_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_HEAD = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_CELL = re.compile(r"<td\b")
_EMPTY = re.compile(r"(<td\b[^>]*>)\s+(?=</td>)")
_CODE = re.compile(r"<code>[^<]*</code>")
_TAG = re.compile(r"<[^>]+>")


def with_columns(html: str) -> str:
    """The page, with the name of its column in every cell (`data-column`)."""
    return _TABLE.sub(lambda table: _named(table[0]), html)


def _named(table: str) -> str:
    heads = [_TAG.sub("", head).strip() for head in _HEAD.findall(table)]

    def row(found: re.Match[str]) -> str:
        columns = iter(heads)
        return _CELL.sub(lambda _: f'<td data-column="{next(columns, "").replace(chr(34), "&quot;")}"', found[0])

    return _CODE.sub(_with_breaks, _EMPTY.sub(r"\1", _ROW.sub(row, table)))


def _with_breaks(code: re.Match[str]) -> str:
    """A path may go on in the next line after each of its folders."""
    text = code[0].removeprefix("<code>").removesuffix("</code>")
    return "<code>" + re.sub(r"(?<=\w)/(?=\w)", "/<wbr>", text) + "</code>"
