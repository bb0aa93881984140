"""Records as a daemon sends them, for tests that need some."""

from typing import Any


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "event", "name": name} | fields


def state(patch: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"kind": "state", "state": patch} | fields


def crash(reason: str = "killed by SIGSEGV (segmentation fault)", **data: Any) -> dict[str, Any]:
    return {"kind": "status", "status": "crashed", "reason": reason, "data": {"kind": "signal"} | data}


def ended(reason: str = "the program finished") -> dict[str, Any]:
    return {"kind": "status", "status": "ended", "reason": reason, "data": {"exit_code": 0}}
