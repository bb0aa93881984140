"""What a list of sessions shows and offers beside the summaries: how busy each was, and the words to filter by."""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct


class Activity(Struct, frozen=True):
    """How many events a session had in each part of its life, all parts of equal length; `errors`: error and worse."""

    events: list[int]
    errors: list[int]


class ListStore(Protocol):
    """What a store knows of many sessions at once."""

    def activity(self, session_ids: Sequence[str], parts: int) -> dict[str, Activity]:
        """The activity of sessions, from the beginning of each to its end or what was heard last; none of unknown ones.

        What the store has folded into stretches that lie in two parts is counted in the earlier one.
        """
        ...

    def products(self, like: str = "", *, limit: int = 20) -> list[str]:
        """Names of products that hold a text, whatever its case, in order; those that begin with it first."""
        ...

    def versions(self, like: str = "", *, product: str | None = None, limit: int = 20) -> list[str]:
        """Versions (of a product) that hold a text, likewise."""
        ...

    def machines(self, like: str = "", *, limit: int = 20) -> list[str]:
        """Names of machines that hold a text, likewise; of very many, those that begin with it."""
        ...

    def state_paths(self, like: str = "", *, elements: bool = False, limit: int = 20) -> list[str]:
        """Paths at which states had a value, or an array with elements, likewise; keys are joined by dots."""
        ...

    def state_values(self, path: str, like: str = "", *, elements: bool = False, limit: int = 20) -> list[Any]:
        """Values that states had at a path, or elements that arrays had there, likewise; no arrays and no objects."""
        ...
