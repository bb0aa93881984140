"""Tables and texts in Markdown."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or "" where there are no rows. A cell is one line; what would end it or the row is escaped."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines])


def fields(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of names, each followed by what it is, and a text about it last: such columns need no names."""
    written = table(head, rows)
    return f'<div class="fields" markdown>\n\n{written}\n\n</div>' if written else ""


def fenced(text: str, language: str = "text") -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def paragraphs(parts: Iterable[str]) -> str:
    """What there is of the parts, with an empty line between each two."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
