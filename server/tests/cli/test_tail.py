"""`datacat tail`: events as they come in, each once, whatever becomes of the server meanwhile."""

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from support.said import crash, ended, event

Post = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
Open = Callable[..., Any]
Start = Callable[..., Any]

HOUR = 3_600_000_000
START = 1_795_298_400_000_000


def test_events_of_all_sessions_come_in_one_by_one_until_ctrl_c(post: Post, terminal: Open) -> None:
    post("9f02c1aa-0001", "1-0", 0, [event("early", level="debug")], product="MyGame")
    tail = terminal("tail", columns=100)
    tail.until("early")
    post("1b00c1aa-0002", "1-0", 0, [event("door", level="error", message="夜" * 99, data={"n": 1})], product="Tool")
    tail.until("door")
    post("9f02c1aa-0001", "1-0", 1, [event("late", time=START - HOUR)], product="MyGame")
    tail.until("late")
    tail.interrupt()
    assert tail.finish() == 130
    early, door, late = ([line for line in tail.lines if f" {name}" in line] for name in ("early", "door", "late"))
    assert [len(early), len(door), len(late)] == [1, 1, 1]
    assert "22:00:00.000  debug     9f02c1aa MyGame " in early[0]
    assert "  error     1b00c1aa Tool " in door[0]
    assert all(cell_len(line) <= 100 for line in tail.lines), tail.text
    assert "\x1b[31merror" in tail.raw
    assert "2026-11-21 UTC" in tail.lines
    assert "Traceback" not in tail.text


def test_sessions_that_start_and_end_are_told_of(post: Post, terminal: Open) -> None:
    post("old-one", "1-0", 0, [event("a")])
    tail = terminal("tail", columns=120)
    tail.until("  a")
    post("new-one", "1-0", 0, [event("b")], version="1.4", time=START + 1)
    tail.until("started 1.4")
    tail.until("  b")
    post("new-one", "1-0", 1, [ended("the program finished")], version="1.4", time=START + 1)
    tail.until("the program finished")
    tail.interrupt()
    assert tail.finish() == 130
    places = [tail.text.index(text) for text in ("▶ active  new-one", "  b", "✓ ended   new-one")]
    assert places[2] == max(places)
    assert "▶ active  old-one" not in tail.text


def test_that_of_one_session_ends_with_what_became_of_it(post: Post, terminal: Open) -> None:
    post("s1", "1-0", 0, [event("mine")])
    post("s2", "1-0", 0, [event("another's")])
    tail = terminal("tail", "s1", columns=100)
    tail.until("mine")
    post("s1", "1-0", 1, [event("last_word"), crash()])
    assert tail.finish() == 0
    assert tail.lines[-1].startswith("✗ crashed  Killed by SIGSEGV (segmentation fault), ")
    assert tail.lines[-1].endswith(" after last_word.")
    assert "last_word" in tail.text
    assert "another's" not in tail.text


def test_filters_pick_events(post: Post, datacat: Run) -> None:
    records = [
        event("a", level="warning", category="io", labels=["slow"]),
        event("b", message="Hello", group="net", level="error"),
        event("c", level="debug"),
        event("d", exception_type="E", exception_msg="no"),
    ]
    post("s1", "1-0", 0, records, product="Game")
    post("s2", "2-0", 0, [event("e", level="critical", time=START + HOUR)], product="Tool")
    for words, names in (
        ([], "abcde"),
        (["--level", "warning"], "abde"),
        (["-l", "critical"], "e"),
        (["--category", "io"], "a"),
        (["--group", "net"], "b"),
        (["--label", "slow"], "a"),
        (["--name", "c"], "c"),
        (["--q", "HELLO"], "b"),
        (["--product", "Tool"], "e"),
        (["--exceptions"], "d"),
        (["-n", "2"], "de"),
        (["-n", "0"], ""),
        (["--since", "2026-11-21T22:30:00Z"], "e"),
        (["s1", "-l", "error"], "bd"),
    ):
        code, out, err = datacat("tail", "--no-follow", "--json", *words)
        assert (code, err) == (0, ""), words
        assert "".join(json.loads(line)["name"] for line in out.splitlines()) == names, words


def test_json_is_a_line_for_each_event_with_its_session(post: Post, start: Start, address: str) -> None:
    post("s1", "1-0", 0, [event("a", data={"x": 1})], product="Game")
    tail = start("datacat", "tail", "--json", DATACAT_URL=address)
    first = json.loads(tail.line())
    assert (first["name"], first["session_id"], first["product"], first["data"]) == ("a", "s1", "Game", {"x": 1})
    post("s2", "2-0", 0, [event("b")])
    assert json.loads(tail.line())["session_id"] == "s2"
    code, out, err = tail.finish(signal.SIGINT)
    assert (code, out, err) == (130, "", "")


def test_it_waits_for_a_server_that_is_started_anew_and_misses_nothing(
    post: Post, start: Start, server: Any, terminal: Open
) -> None:
    post("s1", "1-0", 0, [event("before")])
    tail = terminal("tail", "--json", columns=250)
    tail.until('"before"')
    server.finish(signal.SIGKILL)
    tail.until("waiting for it")
    port = server.address.rpartition(":")[2]
    assert start("datacat-server", "--port", port).addresses() == [server.address]
    post("s1", "1-0", 1, [event("after")])
    tail.until('"after"')
    tail.until("is back after")
    post("s1", "1-0", 2, [event("later")])
    tail.until('"later"')
    tail.interrupt()
    assert tail.finish() == 130
    for name in ("before", "after", "later"):
        assert tail.text.count(f'"name":"{name}"') == 1
    assert tail.text.count("waiting for it") == 1


def test_a_traceback_is_printed_where_all_is_wanted(post: Post, datacat: Run) -> None:
    trace = ["Traceback (most recent call last):", '  File "a.py", line 3, in f', "E: no"]
    post("s1", "1-0", 0, [event("x", exception_type="E", exception_msg="no", stacktrace=trace)])
    assert 'File "a.py", line 3, in f' not in datacat("tail", "--no-follow")[1]
    assert '      File "a.py", line 3, in f\n    E: no' in datacat("tail", "--no-follow", "--full")[1]


@pytest.mark.parametrize("words", [["--level", "loud"], ["--since", "never"], ["nobody"]])
def test_what_cannot_be_followed_is_said_at_once(address: str, datacat: Run, words: list[str]) -> None:
    code, out, err = datacat("tail", *words)
    assert code in (1, 2)
    assert out == ""
    assert "Traceback" not in err
    assert words[-1] in err or "from: expected" in err
