"""`datacat ls`: the sessions of a search, as a table that fits, as JSON, and live."""

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from support.said import crash, ended, event, state

Post = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
Open = Callable[..., Any]


def ids(out: str) -> list[str]:
    return [session["id"] for session in json.loads(out)["sessions"]]


def page_of_the_api(address: str, **params: str) -> Any:
    with urllib.request.urlopen(f"{address}/api/sessions?{urllib.parse.urlencode(params)}", timeout=30) as answer:
        return json.loads(answer.read())


def test_the_json_is_what_the_api_answers(post: Post, datacat: Run, address: str) -> None:
    for number in range(3):
        post(f"s{number}", "1-0", 0, [event("a")])
    code, out, err = datacat("ls", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == page_of_the_api(address, sort="-created")


def test_pages_follow_each_other_and_all_is_all(post: Post, datacat: Run) -> None:
    for number in range(5):
        post(f"s{number}", "1-0", 0, [])
    assert ids(datacat("ls", "--json", "-n", "2")[1]) == ["s4", "s3"]
    assert ids(datacat("ls", "--json", "-n", "2", "--page", "3")[1]) == ["s0"]
    assert ids(datacat("ls", "--json", "-n", "2", "--all", "--sort", "created")[1]) == [f"s{n}" for n in range(5)]


@pytest.fixture
def three(post: Post) -> None:
    post("calm", "1-0", 0, [state({"level": 7, "open": ["map"]}), ended()], product="My Game", hostname="bluebird")
    post("dead", "1-0", 0, [state({"level": 7}), state({"level": 8}), crash()], product="My Game", version="2.0")
    post("busy", "1-0", 0, [state({"open": ["map", "space probe"]})], product="Tool")


SEARCHES: list[tuple[list[str], list[str]]] = [
    (["crashed"], ["dead"]),
    (["product:My Game"], ["calm", "dead"]),
    (['product:"My Game" crashed'], ["dead"]),
    (["--product", "My Game", "ended"], ["calm"]),
    (["--status", "crashed", "--version", "2.0"], ["dead"]),
    (["state.level=7"], ["calm"]),
    (["ever:level=7"], ["calm", "dead"]),
    (["contains:open=space probe"], ["busy"]),
    (["--contains", "open:space probe"], ["busy"]),
    (["SEGMENTATION", "fault"], ["dead"]),
    (["machine:bluebird"], ["calm"]),
    (["from:2100-01-01"], []),
    (["--to", "2100-01-01"], ["busy", "calm", "dead"]),
]


def test_a_search_finds_what_it_finds_in_the_pages(datacat: Run, three: None) -> None:
    for words, found in SEARCHES:
        code, out, err = datacat("ls", "--json", *words)
        assert (code, err, sorted(ids(out))) == (0, "", found), words


COMPLAINTS = [
    (["state.level"], "state: expected path=value"),
    (["--status", "odd"], "--status: expected one of crashed, hung"),
    (["--product", "A", "product:B"], "product: is there twice"),
    (["from:never"], "from: expected a day or an instant"),
    (["--sort", "odd"], "sort: expected one of created"),
]


def test_what_cannot_be_searched_is_said(datacat: Run) -> None:
    for words, complaint in COMPLAINTS:
        code, out, err = datacat("ls", *words)
        assert (code, out) == (1, "")
        assert err.startswith(f"error: {complaint}"), err


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_table_fits_the_terminal(post: Post, terminal: Open, columns: int) -> None:
    post(
        "9f02c1aa-0001",
        "1-0",
        0,
        [crash("夜間バックアップが失敗しました" * 20)],
        product="夜間バックアップ" * 12,
        hostname="h" * 90,
    )
    post("9f02c1aa-0002", "1-0", 0, [event("a"), ended()], version="1.4.2", hostname="bluebird")
    shown = terminal("ls", columns=columns)
    assert shown.finish() == 0
    lines = shown.lines
    assert len(lines) == 4  # titles, two sessions, how many there are
    assert all(cell_len(line) <= columns for line in lines), lines
    assert "✗ crashed" in lines[2]
    assert "✓ ended" in lines[1]
    assert "…" in lines[2]
    assert ("bluebird" in lines[1]) == (columns == 200)
    assert ("reason" in lines[0]) == (columns > 40)


def test_where_it_is_narrow_products_are_cut_and_not_versions(post: Post, terminal: Open) -> None:
    post(
        "s1",
        "1-0",
        0,
        [crash("because of this and that" * 3)],
        product="Comet Bow and Arrow Deluxe",
        version="1.12.3-rc",
    )
    post("s2", "1-0", 0, [ended("end() was called")], product="Tool", version="2")
    shown = terminal("ls", columns=70)
    assert shown.finish() == 0
    assert "…  1.12.3-rc  " in shown.lines[2]
    assert "because" in shown.lines[2]
    assert "end()" not in shown.lines[1]


def test_a_product_of_usual_length_is_whole_in_80_columns(post: Post, terminal: Open) -> None:
    post(
        "9f02c1aa",
        "1-0",
        0,
        [crash("killed by SIGKILL (kill -9, or the system ran out of memory)")],
        product="Comet Boat",
        version="1.5.0-rc1",
    )
    shown = terminal("ls", columns=80)
    assert shown.finish() == 0
    assert "Comet Boat" in shown.lines[1]
    assert "killed by SIGKILL" in shown.lines[1]
    assert "lasted" in shown.lines[0]


def test_ids_are_shown_as_long_as_tells_them_apart(post: Post, terminal: Open) -> None:
    for session in ("9f02c1aa-0001", "9f02c1aa-0002", "1b00c1aa-0001"):
        post(session, "1-0", 0, [])
    shown = terminal("ls")
    assert shown.finish() == 0
    assert [line.split()[2] for line in shown.lines[1:4]] == ["1b00c1aa-0001", "9f02c1aa-0002", "9f02c1aa-0001"]


def test_colours_are_for_terminals_without_no_color(post: Post, terminal: Open, datacat: Run) -> None:
    post("s1", "1-0", 0, [crash()])
    coloured = terminal("ls")
    assert coloured.finish() == 0
    assert "\x1b[1;31m✗ crashed" in coloured.raw
    plain = terminal("ls", NO_COLOR="1")
    assert plain.finish() == 0
    assert ";31m" not in plain.raw
    code, out, _ = datacat("ls")
    assert code == 0
    assert "\x1b" not in out
    assert "✗ crashed" in out


def test_piped_nothing_is_cut(post: Post, datacat: Run) -> None:
    session, reason = "9f02c1aa-0001-with-a-long-end", "because " * 60
    post(session, "1-0", 0, [crash(reason.strip())], product="P" * 100)
    _, out, _ = datacat("ls")
    assert session in out
    assert reason.strip() in out
    assert "P" * 100 in out


def test_what_applications_say_moves_no_cursor(post: Post, terminal: Open, datacat: Run) -> None:
    post("s1", "1-0", 0, [crash("\x1b[2J\x1b]0;owned\x07 \u202egnp.exe\r\n next")], product="a\x1b[31mb")
    shown = terminal("ls", columns=200, NO_COLOR="1")
    assert shown.finish() == 0
    for text in (shown.raw, datacat("ls")[1]):
        for evil in ("\x1b[2J", "\x1b]0", "\x07", "\u202e", "\x1b[31m"):
            assert evil not in text
        assert "␛[31mb" in text


def test_watch_shows_what_becomes_of_sessions_until_ctrl_c(post: Post, terminal: Open) -> None:
    post("first-one", "1-0", 0, [])
    watching = terminal("ls", "--watch", columns=120)
    watching.until("▶ active  first-on")
    post("other-one", "1-0", 0, [])
    watching.until("▶ active  other-on")
    post("first-one", "1-0", 0, [crash()])
    watching.until("✗ crashed  first-on")
    watching.interrupt()
    assert watching.finish() == 130
    assert "Traceback" not in watching.text


def test_watched_in_a_pipe_it_is_a_line_for_each_session_that_is_another(post: Post, start: Any, address: str) -> None:
    post("s1", "1-0", 0, [])
    watching = start("datacat", "ls", "--watch", "--json", DATACAT_URL=address)
    assert json.loads(watching.line())["id"] == "s1"
    post("s2", "1-0", 0, [crash()])
    told = json.loads(watching.line())
    assert (told["id"], told["status"]) == ("s2", "crashed")
    watching.process.kill()


def test_nothing_found_is_said_where_somebody_reads_it(terminal: Open, datacat: Run) -> None:
    shown = terminal("ls")
    assert shown.finish() == 0
    assert shown.text.strip() == "no session yet; `datacat run -- PROGRAM` makes one"
    assert datacat("ls", "crashed") == (0, "", "no session is like that\n")
    assert datacat("ls", "crashed", "--json")[2] == ""


def test_a_filter_that_is_misspelt_is_said_where_nothing_is_found(datacat: Run, three: None) -> None:
    told = "no session is like that; there is no filter statu, did you mean status?\n"
    assert datacat("ls", "statu:crashed") == (0, "", told)
