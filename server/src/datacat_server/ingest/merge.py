"""The deep merge of a state, and its patches."""

from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="sorted").encode


def merge(state: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The state after a patch, sharing with the old one whatever the patch does not touch.

    Objects merge key by key at every depth; null deletes its key; anything else, arrays too, replaces (RFC 7396).
    The old state stays as it was, so a refused or rolled back change needs no undoing.
    """
    merged = dict(state)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            old = merged.get(key)
            merged[key] = merge(old if isinstance(old, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def changes(state: dict[str, Any], patch: dict[str, Any]) -> bool:
    """Whether the patch makes a difference. True and 1 are different values, as they are in JSON."""
    for key, value in patch.items():
        if value is None:
            if key in state:
                return True
        elif isinstance(value, dict):
            old = state.get(key)
            if not isinstance(old, dict) or changes(old, value):
                return True
        elif key not in state or _encode(state[key]) != _encode(value):
            return True
    return False
