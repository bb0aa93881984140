"""The same code is the same problem, wherever it runs and wherever in its file it stands; other code is another one."""

from pathlib import Path

import datacat
from datacat_server.problems.client import MODULES
from datacat_server.problems.fingerprint import Cause, of_exception, of_hang, problem_id
from hypothesis import assume, given
from hypothesis import strategies as st

names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
folders = st.lists(
    st.from_regex(r"[A-Za-z0-9 ._-]{1,8}", fullmatch=True).filter(lambda name: "." not in name), max_size=4
)
places = st.tuples(st.lists(names, max_size=2), names, names)  # folders inside the application, file, function
stacks = st.lists(places, min_size=1, max_size=8)
lines = st.lists(st.integers(1, 9_999), min_size=8, max_size=8)


def file_of(root: list[str], inside: list[str], file: str) -> str:
    return "/" + "/".join(["srv", *root, *inside, f"{file}.py"])


def traceback(stack: list[tuple[list[str], str, str]], root: list[str], at: list[int], address: int) -> list[str]:
    said = ["Traceback (most recent call last):"]
    for (inside, file, function), line in zip(stack, at, strict=False):
        said += [f'  File "{file_of(root, inside, file)}", line {line}, in {function}', "    work()", "    ~~~~^^"]
    return [*said, f"game.Failed: <object at 0x{address:x}>"]


def cause(
    stack: list[tuple[list[str], str, str]], root: list[str], at: list[int], address: int, kind: str = "E"
) -> Cause:
    return of_exception(kind, traceback(stack, root, at, address), None, None)


@given(stacks, folders, folders, lines, lines, st.integers(0, 2**63), st.integers(0, 2**63))
def test_other_lines_folders_and_addresses_are_the_same_problem(
    stack: list[tuple[list[str], str, str]],
    root: list[str],
    other_root: list[str],
    at: list[int],
    other_at: list[int],
    address: int,
    other_address: int,
) -> None:
    here, there = cause(stack, root, at, address), cause(stack, other_root, other_at, other_address)
    assert here == there
    assert here.key == there.key


@given(stacks, folders, lines, names)
def test_another_type_is_another_problem(
    stack: list[tuple[list[str], str, str]], root: list[str], at: list[int], kind: str
) -> None:
    assert cause(stack, root, at, 1, "E").key != cause(stack, root, at, 1, kind).key


@given(stacks, folders, lines, names, st.data())
def test_another_function_is_another_problem(
    stack: list[tuple[list[str], str, str]], root: list[str], at: list[int], function: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(stack) - 1))
    inside, file, _ = stack[place]
    assume(function not in {name for _, _, name in stack} and len({name for _, _, name in stack}) == len(stack))
    changed = [*stack[:place], (inside, file, function), *stack[place + 1 :]]
    assert cause(stack, root, at, 1).key != cause(changed, root, at, 1).key


@given(stacks, folders, folders, lines)
def test_a_hang_in_the_same_code_is_the_same_problem(
    stack: list[tuple[list[str], str, str]], root: list[str], other_root: list[str], at: list[int]
) -> None:
    def hang(root: list[str], shift: int) -> Cause:
        frames = [
            {"file": file_of(root, inside, file), "line": line + shift, "function": function}
            for (inside, file, function), line in zip(stack, at, strict=False)
        ]
        return of_hang({"stacks": [{"thread": "0x1", "current": True, "frames": frames}]})

    assert hang(root, 0).key == hang(other_root, 7).key


def test_the_clients_modules_are_not_the_applications_wherever_they_lie() -> None:
    client = [
        {"file": f"/home/me/checkout/python/src/datacat/{module}.py", "line": 7, "function": "append_body"}
        for module in ("segment", "lanes", "session")
    ]
    loop = {"file": "/srv/game/loop.py", "line": 9, "function": "run"}
    hang = of_hang({"stacks": [{"thread": "0x1", "current": True, "frames": [*client, loop]}]})
    assert hang.culprit == "run (loop.py)"
    assert hang.key == of_hang({"stacks": [{"thread": "0x1", "current": True, "frames": [loop]}]}).key
    assert {file.stem for file in Path(datacat.__file__).parent.glob("*.py")} <= set(MODULES.split())


def test_an_id_is_the_same_for_good() -> None:
    """Ids stand in exports, in links and in what webhooks said: they must never change."""
    kept = of_exception(
        "KeyError", traceback([(["engine"], "gpu", "draw"), ([], "main", "run")], ["a"], [1] * 8, 1), None, None
    )
    assert kept.key == "1ba6f28a2665ee5c"
    assert problem_id("Game", "crash", kept.key) == "74e169a4521f5c2a"
    assert problem_id("Other", "crash", kept.key) != problem_id("Game", "crash", kept.key)
    assert problem_id("Game", "exception", kept.key) != problem_id("Game", "crash", kept.key)
