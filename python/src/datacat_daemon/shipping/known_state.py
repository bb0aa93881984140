"""What the server is known to have of a session's state, so that what does not change it need not be sent.

Only values that this daemon has shipped, and the server has taken, are known; of all others nothing is assumed. The
server counts the changes of a state: what was left out holds only while its count is the one known here, and it takes
nothing otherwise (docs/design/records.md). On any doubt everything is forgotten, which costs bytes and nothing else.
"""

from __future__ import annotations

import json
from typing import Any, Union

_MOST_BYTES = 256 << 10
_VALUE_COST = 100  # of remembering one, beside its text
_DEEPEST = 50

_text_of = json.JSONEncoder(separators=(",", ":"), sort_keys=True, allow_nan=False).encode

# A value's JSON text, None for a key that is known to be absent, or an object of which some keys are known.
_Known = Union[str, None, "dict[str, _Known]"]
_Object = dict[str, _Known]


class KnownState:
    """What is known of one session's state.

    Attributes:
        changes: how often the server says the state has changed; None while nothing is known.
    """

    def __init__(self) -> None:
        self.changes: int | None = None
        self._root: _Object = {}
        self._bytes = 0

    def forget(self) -> None:
        """Nothing is known any more."""
        self.changes = None
        self._root = {}
        self._bytes = 0

    def news_in(self, patch: dict[str, Any]) -> dict[str, Any] | None:
        """What of a patch may change the state, None where nothing does. That is not known any more from now on.

        Raises ValueError for a patch that cannot be judged; nothing is known then.
        """
        try:
            return self._news(self._root, patch, _DEEPEST) or None
        except ValueError:
            self.forget()
            raise

    def learn(self, patches: list[dict[str, Any]], changes: int) -> None:
        """The server has taken these patches, in this order, and counts so many changes now."""
        self.changes = changes
        for patch in patches:
            self._merge(self._root, patch)
        if self._bytes > _MOST_BYTES:
            self.forget()

    def _news(self, known: _Object, patch: dict[str, Any], depth: int) -> dict[str, Any]:
        if not depth:
            raise ValueError("nested too deep")
        news: dict[str, Any] = {}
        for key, value in patch.items():
            if key not in known:
                news[key] = value
                continue
            old = known[key]
            if isinstance(value, dict):
                if isinstance(old, dict):
                    inner = self._news(old, value, depth - 1)
                    if inner:
                        news[key] = inner
                else:
                    news[key] = value
                    self._drop(known, key)
            elif isinstance(old, dict) or old != (None if value is None else _text_of(value)):
                news[key] = value
                self._drop(known, key)
        return news

    def _merge(self, known: _Object, patch: dict[str, Any]) -> None:
        for key, value in patch.items():
            old = known.get(key)
            if isinstance(value, dict):
                if not isinstance(old, dict):
                    self._drop(known, key)
                    old = known[key] = {}
                    self._bytes += _VALUE_COST + len(key)
                self._merge(old, value)
            else:
                self._drop(known, key)
                text = known[key] = None if value is None else _text_of(value)
                self._bytes += _VALUE_COST + len(key) + len(text or "")

    def _drop(self, known: _Object, key: str) -> None:
        if key in known:
            self._bytes -= _VALUE_COST + len(key) + _size(known.pop(key))


def _size(known: _Known) -> int:
    if isinstance(known, dict):
        return sum(_VALUE_COST + len(key) + _size(value) for key, value in known.items())
    return len(known or "")
