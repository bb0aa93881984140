"""A recursion without an end is one problem, wherever the limit strikes; one that has an end is told by its end."""

import json
import subprocess
from pathlib import Path

import pytest
from datacat_server.problems.fingerprint import Cause, of_exception

PROGRAM = Path(__file__).with_name("recursing.py")


def cause_of(interpreter: str, limit: int, shape: str) -> Cause:
    done = subprocess.run(
        [interpreter, PROGRAM, str(limit), shape], capture_output=True, text=True, check=True, timeout=60
    )
    kind, lines = json.loads(done.stdout)
    return of_exception(kind, lines, None, None)


def test_where_the_limit_strikes_a_circle_of_calls_makes_no_other_problem_of_it(interpreter: str) -> None:
    found = {cause_of(interpreter, limit, "circle").key for limit in (150, 151, 152, 153, 400)}
    found.add(cause_of(interpreter, 200, "circle from elsewhere").key)
    assert len(found) == 1
    frames = cause_of(interpreter, 150, "circle").frames
    assert sorted(frame.function for frame in frames if frame.function != "check") == ["even", "odd"]


def test_a_circle_that_takes_several_ways_is_one_problem(interpreter: str) -> None:
    causes = [cause_of(interpreter, limit, "tree") for limit in (150, 151, 152, 155, 400)]
    assert len({cause.key for cause in causes}) == 1
    assert {frame.function for frame in causes[0].frames} == {"visit", "visit_a", "visit_b", "visit_c"}


def test_a_recursion_that_has_an_end_is_told_by_the_function_that_failed(interpreter: str) -> None:
    shallow, deep = (cause_of(interpreter, 400, shape) for shape in ("bounded", "bounded, deeper"))
    assert shallow.culprit == "parts (recursing.py)"
    assert shallow == deep


@pytest.mark.parametrize(
    ("kind", "head", "line"),
    [
        ("RangeError", "RangeError: Maximum call stack size exceeded", "    at {0} (/srv/game/world.js:{1}:5)"),
        ("InternalError", "InternalError: too much recursion", "{0}@https://game.example/world.js:{1}:5"),
        ("java.lang.StackOverflowError", "java.lang.StackOverflowError", "\tat com.game.World.{0}(World.java:{1})"),
    ],
)
def test_other_languages_recursions_are_one_problem_too(kind: str, head: str, line: str) -> None:
    def cause(first: int) -> Cause:
        calls = [line.format(("walk", "turn")[(first + at) % 2], 10 + at % 2) for at in range(10)]
        return of_exception(kind, [head, *calls], None, None)

    assert cause(0) == cause(1)
    assert len(cause(0).frames) == 2
