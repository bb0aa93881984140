"""`datacat show`: one session as a report, its verdict first, and by whatever name it is meant."""

import html
import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from support.said import crash, ended, event, state

Post = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
Open = Callable[..., Any]

SECOND = 1_000_000
START = 1_795_298_400_000_000  # as `make_body` has it: 2026-11-21T22:00:00Z

TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/opt/game/vault.py", line 9, in <module>',
    "    main()",
    '  File "/opt/game/vault.py", line 8, in main',
    '    treasure = {"gold": 7}["jewels"]',
    "KeyError: 'jewels'",
]
SENTENCE = "Uncaught exception KeyError: 'jewels' in main (game/vault.py:8), 7 s after door_opened."
THREADS = [
    {"thread": "0x1", "name": "loader", "current": False, "frames": [{"file": "io.py", "line": 3, "function": "read"}]},
    {"thread": "0x2", "name": "main", "current": True, "frames": [{"file": "gpu.py", "line": 88, "function": "wait"}]},
]


@pytest.fixture
def game(post: Post) -> str:
    """A session that crashed by an exception: its id."""
    records = [
        state({"level": 7, "player": {"health": 80}}, time=START + SECOND),
        event("door_opened", level="warning", data={"door": "vault"}, time=START + 2 * SECOND),
        state({"player": {"health": 20}, "boss": True}, time=START + 3 * SECOND),
        state({"level": 8}, time=START + 8 * SECOND),
        event(
            "exception",
            level="error",
            exception_type="KeyError",
            exception_msg="'jewels'",
            stacktrace=TRACEBACK,
            time=START + 9 * SECOND,
        ),
        crash("uncaught exception KeyError: 'jewels'", kind="exception", exception_type="KeyError")
        | {"time": START + 10 * SECOND},
    ]
    facts = {"argv": ["/opt/game/vault.py", "--fast"], "python": "3.11.7", "implementation": "CPython"}
    session = "9f02c1aa-77d1-4f70-9d38-000000000001"
    post(session, "1-0", 0, records, product="MyGame", version="1.4.2", hostname="bluebird", pid=4711, facts=facts)
    return session


def test_a_report_says_first_and_in_a_sentence_what_became_of_it(game: str, datacat: Run) -> None:
    code, out, err = datacat("show", game)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"✗ crashed  MyGame 1.4.2  on bluebird  {game}"
    assert lines[2] == SENTENCE
    for told in (
        "started   2026-11-21 22:00:00.000 UTC",
        "lasted    10 s",
        "process   4711, vault.py --fast, CPython 3.11.7",
        "records   3 events, 1 exception",
        '  game/vault.py:8  main      treasure = {"gold": 7}["jewels"]',
        "  0:02.000  warning   door_opened  door=vault",
        "  level  8",
        "    health  20",
    ):
        assert told in out, told


def test_the_sentence_is_that_of_the_page(post: Post, game: str, datacat: Run, start: Any) -> None:
    post("crash-1", "1-0", 0, [event("a"), crash("it was so", stacks=THREADS)])
    post("ended-1", "1-0", 0, [event("a"), ended()])
    [web] = start("datacat-web", "--port", "0").addresses()
    for session in (game, "crash-1", "ended-1"):
        with urllib.request.urlopen(f"{web}/sessions/{session}", timeout=30) as answer:
            page = answer.read().decode()
        said = re.search(r'<p class="sentence">(.*?)</p>', page, re.DOTALL)
        assert said is not None
        plain = html.unescape(re.sub(r"<[^>]*>", "", said[1]))
        assert json.loads(datacat("show", session, "--json")[1])["sentence"] == plain


def test_the_state_at_a_time_is_shown_with_what_changed_then(game: str, datacat: Run) -> None:
    for time in ("0:03.5", "+3s", "2026-11-21T22:00:04Z"):
        _, out, _ = datacat("show", game, "--state-at", time)
        state_part = out.partition("The state at 0:0")[2]
        for line in ("  level  7", "~   health  20 ← 80", "+ boss  true", "  so since 0:03.000"):
            assert line in state_part.splitlines() or line in state_part, (time, line)
        assert "door_opened" in out
        assert "session_crashed_detected" not in out.partition("The events before")[2]
    for time in ("noon", "3", "3.5"):
        code, _, err = datacat("show", game, "--state-at", time)
        assert code == 1
        assert err.startswith("error: --state-at: expected a time since its start, such as 13:24.118")
    _, out, _ = datacat("show", game, "--state-at", "2026-11-21T21:00:00Z")
    assert out.rstrip().endswith("none yet")


def test_json_has_the_session_with_its_sentence(game: str, datacat: Run) -> None:
    told = json.loads(datacat("show", game, "--json", "-n", "2")[1])
    assert told["sentence"] == SENTENCE
    assert (told["id"], told["status"], told["event_count"]) == (game, "crashed", 3)
    assert told["state"] == {
        "product": "MyGame",
        "version": "1.4.2",
        "level": 8,
        "player": {"health": 20},
        "boss": True,
    }
    assert told["exception"]["title"] == "KeyError: 'jewels'"
    assert [one["name"] for one in told["last_events"]] == ["exception", "session_crashed_detected"]
    then = json.loads(datacat("show", game, "--json", "--state-at", "0:03.5")[1])
    assert (then["state"]["level"], then["state"]["player"], then["state_changed"]) == (
        7,
        {"health": 20},
        ["player.health", "boss"],
    )


def test_a_session_is_meant_by_a_beginning_that_only_it_has(post: Post, datacat: Run) -> None:
    post("abc-1", "1-0", 0, [], product="abc", time=START)
    post("abd-2", "1-0", 0, [crash()], product="Tool", time=START + 1)
    post("zzz", "1-0", 0, [ended()], product="abc", time=START + 2)

    def shown(*words: str) -> str:
        code, out, err = datacat("show", "--json", *words)
        assert (code, err) == (0, ""), words
        return str(json.loads(out)["id"])

    assert shown("abc") == "abc-1"
    assert shown("abd-2") == "abd-2"
    assert (shown("last"), shown()) == ("zzz", "zzz")
    assert shown("last", "crashed") == "abd-2"
    assert shown("last", "product:abc", "active") == "abc-1"
    for words, complaint in (
        (["ab"], "several sessions begin with ab; say more of the id:\n  "),
        (["x"], "there is no session x; `datacat ls` lists them"),
        ([""], "ID: is empty"),
        (["last", "suspended"], "there is no such session"),
        (["abc", "crashed"], "a search goes with `last` only"),
        (["a/../b?c"], "there is no session a/../b?c"),
    ):
        code, out, err = datacat("show", *words)
        assert (code, out) == (1, "")
        assert err.startswith(f"error: {complaint}"), err


def test_stacks_of_a_hang_are_shown_the_current_thread_first(post: Post, datacat: Run) -> None:
    hung = {"kind": "status", "status": "hung", "reason": "no heartbeat for 2.1 s (timeout 2 s)"}
    post("s1", "1-0", 0, [event("a"), hung | {"data": {"stacks": THREADS}}])
    _, out, _ = datacat("show", "s1")
    assert re.search(r"Hung for .* in wait \(gpu\.py:88\), .* after a: no heartbeat for 2\.1 s", out)
    assert out.index("  main\n") < out.index("gpu.py:88  wait") < out.index("and 1 more: loader (--full)")
    _, out, _ = datacat("show", "s1", "--full")
    assert "io.py:3  read" in out


def test_it_fits_the_terminal(post: Post, terminal: Open) -> None:
    deep = {"k" * 60: {"v" * 60: "夜間バックアップ" * 40}}
    trace = [line + " # " + "x" * 300 if "treasure" in line else line for line in TRACEBACK]
    records = [
        event("夜" * 90, message="m" * 400),
        state(deep),
        event("e", exception_type="KeyError", exception_msg="y" * 900, stacktrace=trace),
        crash("because " * 20 + "it was so", stacks=THREADS),
    ]
    post("s1", "1-0", 0, records, product="P" * 200, hostname="h" * 60)
    shown = terminal("show", "s1", columns=80)
    assert shown.finish() == 0
    assert all(cell_len(line) <= 80 for line in shown.lines), shown.text
    said = " ".join(shown.text.split())
    assert "Because because because" in said
    assert "because it was so in wait (gpu.py:88)" in said  # the sentence is whole


def test_what_an_application_says_moves_no_cursor(post: Post, terminal: Open) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\u202e\x9b31m\r"
    records = [
        event(evil, message=evil, category=evil, group=evil, data={evil: evil}),
        state({evil: evil, "deep": {evil: [evil]}}),
        event("e", exception_type=evil, exception_msg=evil, stacktrace=[evil, f'  File "{evil}", line 1, in {evil}']),
        crash(evil, stacks=[{"thread": evil, "name": evil, "frames": [{"file": evil, "line": 1, "function": evil}]}]),
    ]
    post("s1", "1-0", 0, records, product=evil, version=evil, hostname=evil, facts={"argv": [evil], "python": evil})
    for words in (["show", "s1"], ["show", "s1", "--full"], ["tail", "s1"], ["tail", "--no-follow"], ["ls"]):
        shown = terminal(*words, columns=120, NO_COLOR="1")
        assert shown.finish() == 0
        for part in ("\x1b[2J", "\x1b]0", "\x07", "\u202e", "\x9b", "\r\r"):
            assert part not in shown.raw, (words, part)
        assert "␛[2J" in shown.text
