"""Where a page ends, as text that the next page is asked for with: a time in microseconds and a row's number."""

_LARGEST = 2**62


def write_cursor(time: int, number: int) -> str:
    return f"{time}-{number}"


def read_cursor(cursor: str) -> tuple[int, int]:
    """The time and number of a cursor. Raises ValueError for one that no page gave."""
    time, _, number = cursor.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) < 20 for part in (time, number)):
        raise ValueError("cursor: expected one that a page before this one gave")
    return min(int(time), _LARGEST), min(int(number), _LARGEST)
