"""What the log leaves out."""

import logging

import pytest
from datacat_server import repeats
from datacat_server.repeats import RepeatsOnce


def record(level: int, message: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    error = ValueError("x")
    return logging.LogRecord("n", level, "p", 1, message, arguments, (ValueError, error, None) if failed else None)


def test_a_warning_is_logged_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    once = RepeatsOnce()
    full = record(logging.ERROR, "%s (at %s)", ValueError("disk full"), "/a")
    assert once.filter(full)
    assert not once.filter(full)
    assert not once.filter(record(logging.ERROR, "%s (at %s)", ValueError("disk full"), "/b"))
    assert once.filter(record(logging.ERROR, "%s (at %s)", ValueError("disk gone"), "/b"))
    monkeypatch.setattr(repeats, "_QUIET_SECONDS", 0.0)
    assert once.filter(full)


def test_news_and_tracebacks_are_never_left_out() -> None:
    once = RepeatsOnce()
    for _ in range(2):
        assert once.filter(record(logging.INFO, "removed"))
        assert once.filter(record(logging.ERROR, "failed", failed=True))


def test_no_more_is_remembered_than_is_worth_it() -> None:
    once = RepeatsOnce()
    for number in range(10_000):
        assert once.filter(record(logging.WARNING, "%s", number))
    assert len(once._said) <= 100
