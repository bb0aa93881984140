"""The search line: what is typed is what the address says, and the other way round; what may stand there is offered."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from datacat_server.filters import parse_filter, to_query
from datacat_server.quoting import plain_words
from datacat_server.search_line import mistaken, read_line, split_condition, write_line
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.sessions.completion import complete
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient
from support.recordings import Recording

TEXTS = st.one_of(
    st.text(alphabet='ab7"\\ :=.[]{},-\té', min_size=1, max_size=12),
    st.sampled_from(["7", "true", '"7"', "[1, 2]", '["a b"]', "crashed", "state.x=1", "product:y", "ever:"]),
)
FIELDS = st.tuples(st.sampled_from(["product", "version", "machine"]), TEXTS)
PATHS = st.text(alphabet='ab "=.', min_size=1, max_size=6)
CONDITIONS = st.tuples(
    st.sampled_from(["state", "state_ever", "contains", "ever_contains"]),
    st.tuples(PATHS, TEXTS).map(":".join),
)


@pytest.mark.parametrize(
    ("line", "parameters"),
    [
        ("product:MyGame version:1.4", [("product", "MyGame"), ("version", "1.4")]),
        ('machine:"my box" from:-7d', [("machine", "my box"), ("from", "-7d")]),
        ("crashed state.level=7", [("status", "crashed"), ("state", "level:7")]),
        ('state.level="7"', [("state", 'level:"7"')]),
        ('ever:window_state.open="space probe"', [("state_ever", "window_state.open:space probe")]),
        ("contains:a.b=x ever_contains:a.b=true", [("contains", "a.b:x"), ("ever_contains", "a.b:true")]),
        ("KeyError in  load", [("q", "KeyError in load")]),
        ('"moonlit  shield" KeyError', [("q", '"moonlit  shield" KeyError')]),
        ('"crashed" product:', [("q", "crashed")]),
        ("status:hung crashed", [("status", "hung"), ("q", "crashed")]),
        ('product:"half', [("product", "half")]),
        ("", []),
    ],
)
def test_a_line_stands_for_the_plain_parameters(line: str, parameters: list[tuple[str, str]]) -> None:
    assert read_line(line) == parameters


@given(st.lists(st.one_of(FIELDS, CONDITIONS), max_size=4), st.one_of(st.none(), TEXTS))
def test_a_line_written_from_an_address_is_read_as_the_same(parameters: list[tuple[str, str]], q: str | None) -> None:
    said = [*parameters, *([("q", q)] if q else [])]
    assert meaning(read_line(write_line(said))) == meaning(said)


def meaning(parameters: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Parameters with the values of conditions as what they are, in any order."""
    found = []
    for name, value in parameters:
        if name == "q":
            found += [(name, word, "") for word in plain_words(value)]
            continue
        if name in ("product", "version", "machine", "status"):
            found.append((name, value, ""))
            continue
        path, _, wanted = split_condition(value)
        try:
            found.append((name, path, repr(msgspec.json.decode(wanted))))
        except msgspec.DecodeError:
            found.append((name, path, repr(wanted)))
    return sorted(found)


def test_a_condition_without_a_value_says_what_is_missing() -> None:
    for line in ("ever:level", "state.level=", "contains:=x"):
        with pytest.raises(ValueError, match="expected path=value"):
            read_line(line)


def test_what_is_typed_finds_what_the_parameters_find() -> None:
    line = 'product:A status:ever_hung state.a.b=[1,"x y"] from:2026-01-31 lost'
    wanted = parse_filter(read_line(line))
    assert parse_filter(read_line(write_line(to_query(wanted)))) == wanted


@pytest.mark.parametrize("word", ["today", "yesterday"])
def test_days_have_names(word: str) -> None:
    start = parse_filter(read_line(f"from:{word}")).start
    assert start is not None
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert midnight - start in (timedelta(days=word == "yesterday"), timedelta(days=1 + (word == "yesterday")))


def test_an_instant_that_is_none_is_answered_with_one_that_is() -> None:
    with pytest.raises(ValueError, match=r"such as today, yesterday, 2026-01-31 .*not 'last week'"):
        parse_filter(read_line('from:"last week"'))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("error:KeyError", [("error:KeyError", "")]),
        ("prodct:Game", [("prodct:Game", "product")]),
        ("Version:1.4 x", [("Version:1.4", "version")]),
        ("https://a.b std::terminate C:/x a: 12:30 KeyError", []),
        ("product:Game", []),
    ],
)
def test_a_word_that_looks_like_a_field_but_is_none_is_text_and_is_told(line: str, said: list[tuple[str, str]]) -> None:
    assert mistaken(read_line(line)) == said


@pytest.fixture
def filled(store: SqliteStore) -> SqliteStore:
    for number in range(12):
        recording = Recording(f"s-{number}", product=f"Game {number % 3}", version=f"1.{number}", hostname="bluebird")
        recording.state(1, level=number, window_state={"open": ["map", "space probe"]}).send(store)
    Recording("s-x", product="Other", hostname="Redbird").state(1, level="one", far={"away": True}).send(store)
    return store


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("prod", ["product:"]),
        ("product:ga", ['product:"Game 0"', 'product:"Game 1"', 'product:"Game 2"']),
        ("product:OTH", ["product:Other"]),
        ('product:"Game 1" version:', ["version:1.1", "version:1.10", "version:1.4", "version:1.7"]),
        ("machine:bird", ["machine:Redbird", "machine:bluebird"]),
        ("status:hung", ["status:hung", "status:hung_recovered", "status:hung_ended", "status:hung_crashed"]),
        ("state.lev", ["state.level="]),
        ("state.win", ["contains:window_state.open="]),
        ("ever_contains:win", ["ever_contains:window_state.open="]),
        ("contains:window_state.open=", ["contains:window_state.open=map", 'contains:window_state.open="space probe"']),
        ("state.level=1", ["state.level=1", "state.level=10", "state.level=11"]),
        ("state.level=o", ["state.level=one"]),
        ("ever:far.away=", ["ever:far.away=true"]),
        ("from:-7", ["from:-7d"]),
        ("to:y", ["to:yesterday"]),
        ("red", ["machine:Redbird"]),
        ("q:anything", []),
    ],
)
def test_fields_and_values_are_completed(filled: SqliteStore, line: str, offered: list[str]) -> None:
    found = complete(filled, line, len(line))
    assert sorted(option.text for option in found.options) == sorted(offered)
    assert found.end == len(line)


def test_only_the_word_that_the_caret_is_in_is_replaced(filled: SqliteStore) -> None:
    line = "state.level=1 product:Gamble crashed"
    found = complete(filled, line, len("state.level=1 product:Gam"))
    assert line[found.begin : found.end] == "product:Gamble"
    assert 'product:"Game 0"' in [option.text for option in found.options]


def test_what_is_offered_can_be_found(filled: SqliteStore) -> None:
    for beginning in (
        "product:",
        "version:",
        "machine:",
        "state.level=",
        "contains:window_state.open=",
        "ever:product=",
    ):
        options = complete(filled, beginning, len(beginning)).options
        assert options, beginning
        for option in options:
            assert filled.sessions(parse_filter(read_line(option.text))).sessions, option.text


def test_the_completion_is_asked_for_over_http(pages: TestClient, filled: SqliteStore) -> None:
    answer = pages.get("/complete", params={"line": "product:O", "caret": 9})
    assert json.loads(answer.text)["options"][0]["text"] == "product:Other"
    assert pages.get("/complete", params={"line": "x" * 10_000, "caret": -5}).status_code == 200
    assert pages.get("/complete", params={"line": "x", "caret": "y"}).status_code == 400
