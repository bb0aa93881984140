"""What programs print when they fail is read: by every Python, by Go, and by whoever has but a last line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from datacat_server.problems.fingerprint import Cause, of_crash, of_exception, of_hang, steady, title
from datacat_server.problems.frames import Frame, own_frames, roots_of
from datacat_server.problems.tracebacks import read_stack

FAILING = Path(__file__).with_name("failing.py")


def failures(interpreter: str, file: Path) -> dict[str, tuple[str, list[str]]]:
    done = subprocess.run([interpreter, file], capture_output=True, text=True, check=True, timeout=60)
    answers: dict[str, tuple[str, list[str]]] = json.loads(done.stdout)
    return answers


def causes(interpreter: str, file: Path) -> dict[str, Cause]:
    return {case: of_exception(kind, lines, None, None) for case, (kind, lines) in failures(interpreter, file).items()}


def innermost(cause: Cause) -> tuple[str, str]:
    return cause.frames[0]


def test_every_python_s_tracebacks_lead_to_the_application_s_own_code(interpreter: str) -> None:
    found = causes(interpreter, FAILING)
    assert innermost(found["load"]) == ("failing.py", "load")
    assert innermost(found["library"]) == ("failing.py", "library"), "the standard library is nobody's own code"
    assert [frame.function for frame in found["during"].frames] == ["load", "during", "said"]
    assert [frame.function for frame in found["deep"].frames] == ["deep"]
    assert ("level.py", "<module>") in found["syntax"].frames
    assert len({cause.key for cause in found.values()}) == len(found), "different failures are different problems"


def test_the_same_code_at_other_lines_in_another_folder_under_another_python_is_the_same_problem(
    tmp_path: Path, interpreter: str
) -> None:
    elsewhere = tmp_path / "other place" / "v2" / "failing.py"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text("# moved down\n" * 40 + FAILING.read_text())
    here, there = causes(sys.executable, FAILING), causes(interpreter, elsewhere)
    for case in here.keys() & there.keys() - {"library"}:  # whose type has a new name since 2.7
        if case == "deep" and here[case].type != there[case].type:
            continue  # a RuntimeError once
        assert here[case] == there[case], case


def test_of_a_chain_the_exception_that_was_raised_last_counts() -> None:
    lines = [
        "Traceback (most recent call last):",
        '  File "/srv/game/db.py", line 3, in read',
        "    raise OSError",
        "OSError",
        "",
        "The above exception was the direct cause of the following exception:",
        "",
        "Traceback (most recent call last):",
        '  File "/srv/game/main.py", line 9, in start',
        '    raise StartFailed("x") from error',
        "StartFailed: x",
        "of two lines",
        '  File "/srv/game/no.py", line 1, in message',
    ]
    raised = read_stack(lines)
    assert raised is not None
    assert (raised.type, raised.message) == ("StartFailed", "x")
    assert raised.stack == [Frame("/srv/game/main.py", "start")]
    assert read_stack(["\n".join(lines)]) == raised, "lines may come as one text"


def test_an_exception_group_is_told_by_its_parts_too() -> None:
    kind, lines = failures(sys.executable, FAILING)["group"]
    raised = read_stack(lines)
    assert raised is not None
    assert (raised.type, [part.type for part in raised.parts]) == (
        "ExceptionGroup",
        ["KeyError", "json.decoder.JSONDecodeError"],
    )
    assert raised.stack[0].function == "group"
    assert [part.stack[0].function for part in raised.parts] == ["load", "raw_decode"]
    cause = of_exception(kind, lines, None, None)
    other = of_exception(kind, [line.replace("KeyError", "IndexError") for line in lines], None, None)
    assert cause.key != other.key


PANIC = """2026/11/21 22:00:00 loading
panic: runtime error: index out of range [5] with length 3

goroutine 7 [running]:
example.com/game/engine.(*Level).tile(0xc000012345, 0x5)
\t/home/anna/game/engine/level.go:42 +0x1d
main.main()
\t/home/anna/game/main.go:10 +0x20
runtime.main()
\t/usr/local/go/src/runtime/proc.go:250 +0x207
exit status 2""".splitlines()


def test_a_go_panic_is_told_by_its_first_goroutine() -> None:
    cause = of_crash({"kind": "exit", "exit_code": 2}, None, PANIC)
    assert cause.type == "panic: runtime error: index out of range […] with length …"
    assert cause.frames == (Frame("engine/level.go", "engine.(*Level).tile"), Frame("main.go", "main.main"))
    elsewhere = [line.replace("/home/anna/", "/build/x/").replace(":42", ":77").replace("[5]", "[9]") for line in PANIC]
    assert of_crash({"kind": "exit", "exit_code": 2}, None, elsewhere) == cause


def test_a_program_that_only_says_a_line_is_told_by_it() -> None:
    def crash(*output: str, code: int = 3) -> Cause:
        return of_crash({"kind": "exit", "exit_code": code}, None, list(output))

    assert crash("loading", "error: cannot open /home/anna/maps/harbour.map (id 4711)", "bye").type == (
        "exit code 3: error: cannot open … (id …)"
    )
    assert crash("error: at 0x7f001234 of 17").key == crash("error: at 0x7f00aaaa of 18").key
    assert crash("error: no map").key != crash("error: no sound").key
    assert crash("loading").type == "exit code 3"
    traceback = [
        "Traceback (most recent call last):",
        '  File "run.py", line 3, in f',
        "    1/0",
        "ZeroDivisionError: x",
    ]
    assert crash(*traceback) == Cause("ZeroDivisionError", (Frame("run.py", "f"),))


def test_a_hang_is_told_by_what_the_current_thread_does_and_a_stopped_one_by_its_signal() -> None:
    frames = [{"file": "/usr/lib/python3.11/threading.py", "line": 3, "function": "wait"},
              {"file": "/srv/game/world.py", "line": 8, "function": "load"}]  # fmt: skip
    other = {"thread": "0x1", "current": False, "frames": [{"file": "/srv/game/net.py", "line": 1, "function": "poll"}]}
    stacks = [other, {"thread": "0x2", "current": True, "frames": frames}]
    assert of_hang({"stacks": stacks}) == Cause("hang", (Frame("world.py", "load"),))
    assert of_hang({"stacks": [stacks[1] | {"current": False}, other]}).culprit == "poll (net.py)"
    assert of_hang({"stopped_by": "SIGSTOP", "stacks": stacks}) == Cause("stopped by SIGSTOP")
    assert of_hang({"stacks": []}) == Cause("hang")


@pytest.mark.parametrize(
    ("data", "type_"),
    [
        ({"kind": "signal", "signal": "SIGSEGV"}, "SIGSEGV"),
        ({"kind": "out_of_memory", "signal": "SIGKILL"}, "out of memory"),
        ({"kind": "reboot"}, "the machine was restarted"),
        ({"kind": "exception", "exception_type": "ValueError"}, "ValueError"),
        ({"kind": "unknown"}, "nobody saw how it ended"),
        ({}, "lost after … s"),
    ],
)
def test_what_has_no_stack_is_told_by_its_kind(data: dict[str, Any], type_: str) -> None:
    assert of_crash(data, "lost after 17.5 s") == Cause(type_)


@pytest.mark.parametrize(
    "hostile",
    [
        {"stacks": 3}, {"stacks": [3, {"frames": [None, {"file": 3}]}]}, {"kind": ["x"]},
        {"kind": "signal", "signal": 3},
        {"kind": "exit", "exit_code": "x"}, {"stopped_by": {}}, {"stacks": [{"current": 1, "frames": {"a": 1}}]},
    ],
)  # fmt: skip
def test_whatever_an_application_sends_has_a_cause(hostile: dict[str, Any]) -> None:
    for cause in (of_crash(hostile, None, ["", "\x00"]), of_hang(hostile)):
        assert cause.type
        assert len(cause.key) == 16


def test_long_lines_made_to_be_slow_are_read_in_no_time() -> None:
    """What would take minutes by a careless expression; nothing is measured, it just has to come to an end."""
    for line in ("at " + "a(" * 500_000, "  + " + "-" * 1_000_000 + "x", '  File "' + '", line ' * 100_000,
                 "(" * 1_000_000, "/a" * 500_000 + "\x00", "panic: " + "[recovered] " * 90_000):  # fmt: skip
        of_exception(
            "E", ["goroutine 1 [running]:", "  + Exception Group Traceback (most recent call last):", line], None, None
        )
        steady(line)


def test_what_only_starts_an_installed_program_is_not_its_own_code() -> None:
    stack = [
        Frame("/opt/venv/lib/python3.11/site-packages/tool/core.py", "work"),
        Frame("/opt/venv/lib/python3.11/site-packages/tool/cli.py", "main"),
        Frame("/opt/venv/bin/tool", "<module>"),
        Frame("<frozen runpy>", "_run_code"),
    ]
    assert own_frames(stack) == (Frame("core.py", "work"), Frame("cli.py", "main"))
    assert own_frames([*stack[:2], Frame("/srv/game/main.py", "<module>")]) == (Frame("main.py", "<module>"),)
    windows = [Frame(r"C:\Python311\Lib\json\decoder.py", "decode"), Frame(r"D:\game\engine\io.py", "read")]
    assert own_frames(windows) == (Frame("io.py", "read"),)
    assert own_frames(windows[:1]) == (Frame("decoder.py", "decode"),), "where none is its own, all count"


def test_where_an_application_lies_is_told_by_its_session() -> None:
    """By the folder of its script, else by where it was started; a file there is named as from there."""
    assert roots_of({"cwd": "/srv/game", "argv": ["tools/run.py"]}) == ("/srv/game/tools", "/srv/game")
    assert roots_of({"cwd": "/", "argv": ["/srv/game/__main__.py"]}) == ("/srv",)
    assert roots_of({"cwd": "/srv/shop", "argv": ["/opt/venv/bin/gunicorn"]}) == ("/srv/shop",)
    assert roots_of({"cwd": "C:\\game", "argv": ["game.py"]}) == ("C:/game",)
    assert roots_of({"cwd": 3, "argv": "x"}) == roots_of({"argv": ["-c"]}) == ()
    views = [Frame("/srv/shop/blog/views.py", "get")]
    assert own_frames(views, ["/srv/shop"]) == (Frame("blog/views.py", "get"),)
    assert own_frames([Frame("main.py", "f"), *views], ["/srv/shop"]) == own_frames(
        [Frame("/home/anna/shop/main.py", "f"), Frame("/home/anna/shop/blog/views.py", "get")], ["/home/anna/shop"]
    )
    assert own_frames([Frame(r"C:\game\io.py", "f"), *views]) == (
        Frame("game/io.py", "f"),
        Frame("blog/views.py", "get"),
    )


def test_a_title_says_what_and_where() -> None:
    assert title("exception", "KeyError", "load (game/world.py)") == "KeyError in load"
    assert title("crash", "SIGSEGV", "draw (gpu.py)") == "SIGSEGV in draw"
    assert title("crash", "out of memory", "") == "Out of memory"
    assert title("hang", "hang", "load (world.py)") == "Hang in load"
    assert title("hang", "stopped by SIGSTOP", "") == "Hang: stopped by SIGSTOP"
