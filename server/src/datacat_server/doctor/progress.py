"""How far the doctor is, told by what takes long."""

from typing import Protocol


class Progress(Protocol):
    """To be told what is being looked at, and how many sessions are done, and of how many; of none: nobody knows."""

    def __call__(self, what: str, done: int = 0, total: int = 0) -> object: ...


def untold(what: str, done: int = 0, total: int = 0) -> None:
    """For nobody who looks on."""
