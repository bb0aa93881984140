"""The stacks of other languages, as their runtimes print them, lead to the application's own code, without numbers."""

import re

import pytest
from datacat_server.problems.fingerprint import Cause, of_crash, of_exception
from datacat_server.problems.tracebacks import read_stack

NODE = """TypeError: Cannot read properties of undefined (reading 'tiles')
    at World.tileAt (/srv/game/src/world.js:42:17)
    at new Level (/srv/game/src/level.js:7:11)
    at Array.map (<anonymous>)
    at Object.load [as open] (/srv/game/src/level.js:19:24)
    at async Promise.all (index 0)
    at async /srv/game/src/main.js:3:1
    at /srv/game/node_modules/express/lib/router.js:95:5
    at Module._compile (node:internal/modules/cjs/loader:1105:14)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""
CHROME = """Uncaught TypeError: Cannot read properties of undefined (reading 'tiles')
    at World.tileAt (https://game.example/assets/world-3f9a77c1.js?v=17:42:17)
    at eval (eval at run (https://game.example/assets/main.js:5:3), <anonymous>:1:9)
    at HTMLButtonElement.onclick (https://game.example/assets/main.js:3:1)"""
FIREFOX = """tileAt@https://game.example/assets/world-3f9a77c1.js?v=17:42:17
load/<@https://game.example/assets/level.js:19:24
async*start@https://game.example/assets/main.js:3:1
@https://game.example/assets/main.js:9:1"""
JAVA = """java.lang.IllegalStateException: cannot load level 17
\tat com.example.game.Level.load(Level.java:42)
\tat com.example.game.Level$Loader.lambda$run$0(Level.java:77)
\tat com.example.game.Game$$Lambda$14/0x0000000800c03000.run(Unknown Source)
\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1511)
\tat jdk.internal.reflect.GeneratedMethodAccessor12.invoke(Unknown Source)
\tat java.base/java.lang.reflect.Method.invoke(Native Method)
\tat app//com.example.game.Main.main(Main.java:10)
Caused by: java.io.FileNotFoundException: /srv/maps/17.map
\tat java.base/java.io.FileInputStream.open0(Native Method)
\tat com.example.game.Maps.open(Maps.java:23)
\tat com.example.game.Level.load(Level.java:40)
\t... 6 more"""
CSHARP = r"""System.InvalidOperationException: cannot load level 17
 ---> System.IO.FileNotFoundException: Could not find file 'C:\maps\17.map'.
   at System.IO.FileStream.ValidateHandle(SafeFileHandle handle)
   at Game.Maps.Open(String path) in C:\build\Game\Maps.cs:line 23
   --- End of inner exception stack trace ---
   at Game.Level.Load(Int32 number) in C:\build\Game\Level.cs:line 42
   at Game.Program.<RunAsync>d__3.MoveNext() in C:\build\Game\Program.cs:line 10
--- End of stack trace from previous location ---
   at System.Runtime.CompilerServices.TaskAwaiter.ThrowForNonSuccess(Task task)
   at Game.Program.<>c__DisplayClass1_0.<Main>b__0(String name) in C:\build\Game\Program.cs:line 5"""
CSHARP_WITHOUT_FILES = """System.NullReferenceException: Object reference not set to an instance of an object.
   at Game.Engine.World.TileAt(Int32 x, Int32 y)
   at System.Linq.Enumerable.ToList[TSource](IEnumerable`1 source)
   at Game.Program.Main(String[] args)"""
GO = """panic: assignment to entry in nil map

goroutine 1 [running]:
example.com/game/engine.(*World).Set(0xc000012345, {0x4b1c20, 0x3}, 0x5)
\t/home/anna/game/engine/world.go:42 +0x1d
main.main.func1()
\t/home/anna/game/main.go:10 +0x20
created by main.main in goroutine 1
\t/home/anna/game/main.go:9 +0x1f"""
RUST = """thread 'main' panicked at src/world.rs:42:17:
index out of bounds: the len is 3 but the index is 5
stack backtrace:
   0: rust_begin_unwind
             at /rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/std/src/panicking.rs:665:5
   1: core::panicking::panic_fmt
             at /rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/core/src/panicking.rs:74:14
   2: core::panicking::panic_bounds_check
   3: game::world::World::tile_at
             at ./src/world.rs:42:17
   4: <game::level::Level as game::Load>::load::h0123456789abcdef
             at ./src/level.rs:7:9
   5: serde::de::from_reader
             at /home/anna/.cargo/registry/src/index.crates.io-6f17d22bba15001f/serde-1.0.1/src/de.rs:3:3
   6: game::main
             at ./src/main.rs:3:5
   7: core::ops::function::FnOnce::call_once
             at /rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/core/src/ops/function.rs:250:5
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace."""
GDB = """Program received signal SIGSEGV, Segmentation fault.
#0  __GI_raise (sig=sig@entry=6) at ../sysdeps/unix/sysv/linux/raise.c:50
#1  0x00007ffff7df2859 in __GI_abort () at abort.c:79
#2  0x00007ffff7e5d26e in ?? () from /lib/x86_64-linux-gnu/libc.so.6
#3  0x00005555555551a9 in tile_at (world=0x7ffe1234, x=5, y=7) at src/world.c:42
#4  0x0000555555555210 in level_load (name=0x55555555a2a0 "harbour") at src/level.c:19
#5  main (argc=1, argv=0x7fffffffe0a8) at src/main.c:10"""
LLDB = """* thread #1, queue = 'com.apple.main-thread', stop reason = EXC_BAD_ACCESS (code=1, address=0x0)
  * frame #0: 0x00007ff80a1b2c3d libsystem_kernel.dylib`__pthread_kill + 10
    frame #1: 0x0000000100003f60 game`tile_at(world=0x000000016fdff1a8, x=5, y=7) at world.c:42:12
    frame #2: 0x0000000100003f80 game`level_load + 32 at level.c:19:3
    frame #3: 0x0000000100003fa0 game`main(argc=1) at main.c:10:3
    frame #4: 0x00000001800a50e0 dyld`start + 2360"""
ASAN = """==4711==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000014 at pc 0x0000004f1a bp 0x7ffd
    #0 0x4f1a3d in tile_at /home/anna/game/world.c:42:12
    #1 0x4f1b20 in level_load(char const*) /home/anna/game/level.c:19:3
    #2 0x7f1c2a in __libc_start_main (/lib/x86_64-linux-gnu/libc.so.6+0x29d90)
0x602000000014 is located 0 bytes to the right of 4-byte region
    #0 0x4a1a3d in malloc (/home/anna/game/game+0x4a1a3d)"""

PRINTED = {
    "node": (NODE, ["World.tileAt", "Level", "Object.load", "?"], "world.js"),
    "chrome": (CHROME, ["World.tileAt", "HTMLButtonElement.onclick"], "world.js"),
    "firefox": (FIREFOX, ["tileAt", "load", "start", "?"], "world.js"),
    "java": (JAVA, ["Level.load", "Level$Loader.lambda$run", "Game$$Lambda.run", "Main.main"], "game/Level.java"),
    "c#": (
        CSHARP, ["Game.Level.Load", "Game.Program.RunAsync", "Game.Program.<>c__DisplayClass.<Main>b__"], "Level.cs"
    ),
    "c# without files": (CSHARP_WITHOUT_FILES, ["Game.Engine.World.TileAt", "Game.Program.Main"], "Engine/World"),
    "go": (GO, ["engine.(*World).Set", "main.main.func1", "main.main"], "engine/world.go"),
    "rust": (
        RUST, ["game::world::World::tile_at", "<game::level::Level as game::Load>::load", "game::main"], "src/world.rs"
    ),
    "gdb": (GDB, ["tile_at", "level_load", "main"], "src/world.c"),
    "lldb": (LLDB, ["tile_at", "level_load", "main"], "world.c"),
    "asan": (ASAN, ["tile_at", "level_load"], "world.c"),
}  # fmt: skip


def cause_of(text: str) -> Cause:
    return of_exception("E", text.splitlines(), None, None)


@pytest.mark.parametrize(("text", "functions", "file"), PRINTED.values(), ids=PRINTED.keys())
def test_a_stack_leads_to_the_application_s_own_calls(text: str, functions: list[str], file: str) -> None:
    frames = cause_of(text).frames
    assert [frame.function for frame in frames] == functions
    assert frames[0].file == file


@pytest.mark.parametrize("text", [text for text, _, _ in PRINTED.values()], ids=PRINTED.keys())
def test_numbers_of_lines_addresses_and_builds_make_no_other_problem(text: str) -> None:
    def moved(found: re.Match[str]) -> str:
        return str(int(found[0]) + 31)

    other = re.sub(r"(?<=:)\d+(?=[:)\s]|$)|(?<=:line )\d+", moved, text)
    other = re.sub(r"0x[0-9a-f]{4,}", "0x7f00deadbeef", other)
    other = other.replace("3f9a77c1", "00c0ffee").replace("?v=17", "?v=18").replace("h0123456789abcdef", "h" + "9" * 16)
    other = other.replace("Lambda$14", "Lambda$99").replace("Accessor12", "Accessor3").replace("d__3.", "d__8.")
    assert other != text or text is CSHARP_WITHOUT_FILES
    assert cause_of(other) == cause_of(text)


@pytest.mark.parametrize("text", [text for text, _, _ in PRINTED.values()], ids=PRINTED.keys())
def test_another_function_is_another_problem(text: str) -> None:
    other = re.sub(
        r"(?i)tile_?at|Level\.load|\.Set\(", lambda found: found[0].replace("t", "p").replace("oad", "o"), text
    )
    other = other.replace(".Set(", ".Put(")
    assert cause_of(other).key != cause_of(text).key


@pytest.mark.parametrize("text", [JAVA, CSHARP], ids=["java", "c#"])
def test_what_caused_an_exception_tells_it_from_others_of_the_same_place(text: str) -> None:
    """A place that wraps whatever goes wrong below it is not one problem."""
    assert cause_of(text).parts
    other = re.sub(r"Maps.Open\b|Maps.open\b", "Maps.unpack", text)
    assert cause_of(other).frames == cause_of(text).frames
    assert cause_of(other).key != cause_of(text).key


@pytest.mark.parametrize(
    ("output", "type_", "culprit"),
    [
        (NODE + "\n\nNode.js v18.19.0", "TypeError", "World.tileAt (world.js)"),
        ('Exception in thread "main" ' + JAVA, "java.lang.IllegalStateException", "Level.load (game/Level.java)"),
        ("Unhandled exception. " + CSHARP, "System.InvalidOperationException", "Game.Level.Load (Level.cs)"),
        (GO + "\nexit status 2", "panic: assignment to entry in nil map", "engine.(*World).Set (engine/world.go)"),
        (RUST, "panic: index out of bounds: the len is … but the index is …",
         "game::world::World::tile_at (src/world.rs)"),
        ("thread 'main' panicked at 'no map 17', src/main.rs:3:5\nnote: run with `RUST_BACKTRACE=1`",
         "panic: no map …", ""),
    ],
    ids=["node", "java", "c#", "go", "rust", "rust without a stack"],
)  # fmt: skip
def test_a_program_that_ends_by_an_exception_is_told_by_what_it_printed(output: str, type_: str, culprit: str) -> None:
    cause = of_crash({"kind": "exit", "exit_code": 1}, None, ["loading", *output.splitlines()])
    assert (cause.type, cause.culprit) == (type_, culprit)


@pytest.mark.parametrize("line", ["meet me at the harbour", "#1 in the list", "mail@example.com:25", "look at x (y) z"])
def test_a_line_that_only_looks_like_a_call_is_none(line: str) -> None:
    assert read_stack(["something failed", line]) is None


def test_hostile_lines_are_read_in_no_time() -> None:
    """What would take minutes by a careless expression; nothing is measured, it just has to come to an end."""
    for line in (
        "at " + "a(" * 500, "at " + "(" * 990, "#0 " + "a (" * 330, "#0 " + " at " * 240, "a@x:" + ":1" * 490,
        "frame #0: 0x1 " + "`a(" * 300, "   0: " + "<" * 900, "at a.b(" + "(" * 900, "at " + "/$" * 490 + ")",
        "thread '" + "' panicked at '" * 66,
    ):  # fmt: skip
        of_exception("E", ["stack backtrace:", *[line] * 500], None, None)
        of_exception("E", [line] * 500, None, None)


@pytest.mark.parametrize("printed", [NODE, FIREFOX, RUST, GDB], ids=["node", "firefox", "rust", "gdb"])
def test_so_many_lines_are_read_and_no_more(printed: str) -> None:
    before = ["loading"] * 490
    assert read_stack([*before, *printed.splitlines()]) is not None
    assert read_stack([*before, *["loading"] * 10, *printed.splitlines()]) is None
