"""Sizes and counts in words, for the terminal."""


def size_text(size: float) -> str:
    """A size in bytes for people: `532 bytes`, `12.3 MB`; 1 MB is a million bytes."""
    if size < 1000:
        return f"{size:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5 or unit == "GB":
            break
    return f"{size:.1f} {unit}"


def count_text(count: int, what: str) -> str:
    """`1 session`, `12,345 sessions`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
