"""Reads the stacks of runtimes that print a line or two for each call: `at` lines, Firefox, Rust, debuggers.

`at` lines (V8, Java, C#): `at function (place)`, `at place`, `at function(parameters) in place`.
What an exception was caused by stands behind it (Java: `Caused by:`), or before it (C#: `--- End of inner ...`).
Firefox and Safari: `function@place`. Rust: `   0: function`, then `at place`, behind `stack backtrace:`. gdb, lldb and
sanitizers: `#0  0x... in function (arguments) at place`, `frame #0: 0x... image`function(arguments) at place`.
Everywhere the innermost call comes first; a place is a file with numbers of line and column, or a library.
"""

import re
from collections.abc import Sequence

from datacat_server.problems.frames import Frame
from datacat_server.problems.raised import Raised

_MOST_LINES = 500

_NUMBERS = re.compile(r"(?::\d+){1,2}$|:line \d+$")
_QUERY = re.compile(r"[?#].*$")
_BUILD = re.compile(r"[.-][0-9a-f]{8,}(?=\.)")  # in the name of a bundle: another one with every build
_OF_APPLICATION = frozenset({"file", "webpack", "webpack-internal", "app"})

_AT = re.compile(r"^\s*at (.+)$")
_HEAD = re.compile(
    r'^(?:Uncaught |Exception in thread "[^"]*" |Unhandled exception\. )?'
    r"([A-Za-z_$][\w.$]*(?:Error|Exception|Throwable|Fault))(?:: (.*))?$"
)
_CALLED = re.compile(r"^(?:async )?(?:new )?([^(]*?) ?\((.*)\)$")
_ALIAS = re.compile(r" \[as [^\]]*\]")
_CSHARP = re.compile(r"^([^\s()]+)\(([^()]*)\)(?: in (.+))?$")
_CSHARP_GENERATED = re.compile(r"<(\w+)>d__\d+\.MoveNext|(?<=__)\d+(?:_\d+)?|(?<=DisplayClass)\d+(?:_\d+)?")
_CAUSED_BY = re.compile(r"^\s*(?:Caused by|Suppressed|\[cause\]): *([\w.$]*)")
_INNER_ENDS = re.compile(r"^\s*--- End of inner exception")
_JAVA_FILE = re.compile(r"^[\w$]+\.(?:java|kt|scala|groovy)$|^Native Method$|^Unknown Source$")
_JAVA_MODULE = re.compile(r"^[\w.@-]*/(?:[\w.@-]*/)?(?=[\w$]+\.)")
_JAVA_GENERATED = re.compile(r"(?<=\$\$Lambda)[/$\w]*|(?<=\$Proxy)\d+|(?<=Accessor)\d+|(?<=\w)\$\d+$")

_FIREFOX = re.compile(r"^\s*([^@\s]*)@((?:[a-z-]+:)[^@]+?:\d+(?::\d+)?)$")
_CLOSURE = re.compile(r"^(?:async\*|promise callback\*)|[/<]+$")

_PANICKED = re.compile(r"^thread '[^']*' (?:\(\d+\) )?panicked at (?:'(.*)', )?\S+:\d+:\d+:?$")
_RUST_CALL = re.compile(r"^\s*\d+: +(?:0x[0-9a-f]+ - )?(\S.*)$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_RUST_CRATE = re.compile(r"[<&*]*(?:mut |dyn )?(\w+)")

_NUMBERED = re.compile(r"^\s*#(\d+) +(?:0x[0-9a-fA-F]+ (?:in )?)?(\S.*)$")
_FRAME = re.compile(r"^\s*(?:\* )?frame #(\d+): 0x[0-9a-fA-F]+ ([^`]*)`(\S.*)$")
_LINE = re.compile(r":\d+(?::\d+)?$")
_OFFSET = re.compile(r"\+0x[0-9a-fA-F]+$| \+ \d+$")


def read_printed(lines: Sequence[str]) -> Raised | None:
    """What was thrown last, by the first stack that the lines hold; None where they hold none."""
    lines = lines[:_MOST_LINES]
    return _read_rust(lines) or _read_native(lines) or _read_at(lines) or _read_firefox(lines)


def _read_at(lines: Sequence[str]) -> Raised | None:
    found = current = Raised()
    for line in lines:
        if at := _AT.match(line):
            if (frame := _frame_of(at[1])) is not None:
                current.stack.append(frame)
        elif cause := _CAUSED_BY.match(line):
            found.parts.append(current := Raised(type=cause[1]))
        elif _INNER_ENDS.match(line) and found.stack:
            inner = Raised(stack=found.stack)
            found.stack, found.parts = [], [inner, *found.parts]
            current = found
        elif not found.stack and (head := _HEAD.match(line)):
            found.type, found.message = head[1], head[2] or ""
    found.parts = [part for part in found.parts if part.stack]
    return found if found.stack else None


def _frame_of(call: str) -> Frame | None:
    if called := _CSHARP.match(call):
        function, place = called[1], called[3]
        of_java = _JAVA_FILE.match(_NUMBERS.sub("", called[2]))
        if of_java:
            return _java_frame(function, of_java[0])
        if place or not (_NUMBERS.search(called[2]) or called[2].startswith(("<", "native"))):
            function = _CSHARP_GENERATED.sub(lambda made: made[1] or "", function)
            return Frame(_file(place) if place else _as_path("dotnet", function, "."), function)
    if call.endswith(")") and (called := _CALLED.match(call)):
        function, place = _ALIAS.sub("", called[1]), called[2]
        if place == "native" or place.startswith(("index ", "eval at ")):
            place = "<anonymous>"
        return Frame(_file(place), function or "?")
    return Frame(_file(call.removeprefix("async ")), "?") if _NUMBERS.search(call) else None


def _java_frame(function: str, file: str) -> Frame:
    """Its file is a name only: in which package it lies stands in the function's name."""
    name = _JAVA_GENERATED.sub("", _JAVA_MODULE.sub("", function))
    package, _, method = name.rpartition(".")
    package, _, class_ = package.rpartition(".")
    source = file if "." in file else class_.partition("$")[0]
    return Frame(f"java:/{package.replace('.', '/')}/{source}", f"{class_}.{method}" if class_ else method)


def _as_path(runtime: str, function: str, separator: str) -> str:
    """Where there is no file, what the function belongs to says where: `dotnet:/Game/World`."""
    return "/".join([f"{runtime}:", *function.split(separator)[:-1]])


def _read_firefox(lines: Sequence[str]) -> Raised | None:
    stack = [
        Frame(_file(call[2]), _CLOSURE.sub("", call[1]) or "?") for line in lines if (call := _FIREFOX.match(line))
    ]
    return Raised(stack=stack) if stack else None


def _read_rust(lines: Sequence[str]) -> Raised | None:
    found, inside = Raised(), False
    for at, line in enumerate(lines):
        if panicked := _PANICKED.match(line):
            found = Raised("panic", panicked[1] or (lines[at + 1] if at + 1 < len(lines) else ""))
            inside = False
        elif line.strip() == "stack backtrace:":
            inside, found.stack = True, []
        elif not inside:
            continue
        elif (place := _AT.match(line)) and found.stack:
            found.stack[-1] = found.stack[-1]._replace(file=_file(place[1]))
        elif call := _RUST_CALL.match(line):
            function = _RUST_HASH.sub("", call[1])
            crate = _RUST_CRATE.match(function)
            found.stack.append(Frame(f"rust:/{crate[1] if crate else function}", function))
        else:
            inside = False
    return found if found.type or found.stack else None


def _read_native(lines: Sequence[str]) -> Raised | None:
    """The first thread that begins with its innermost call: where something crashed, the one that did."""
    stack: list[Frame] = []
    for line in lines:
        if (call := _FRAME.match(line)) is not None:
            image, text = call[2], call[3]
        elif (call := _NUMBERED.match(line)) is not None:
            image, text = "?", call[2]
        else:
            continue
        if int(call[1]) != len(stack):
            if int(call[1]) == 0 or not stack:
                break
            continue  # the head of gdb and its list may both tell of a frame
        stack.append(_native_frame(text, image))
    return Raised(stack=stack) if stack else None


def _native_frame(text: str, image: str) -> Frame:
    head, file = text, image
    for between in (" at ", " from ", " "):
        before, _, behind = text.rpartition(between)
        if before and " " not in behind and (between != " " or _LINE.search(behind) or behind.startswith("(/")):
            head, file = before, behind.strip("()") if between == " " else behind
            break
    function = _OFFSET.sub("", head.partition(" (")[0] if " (" in head else head.partition("(")[0])
    return Frame(_OFFSET.sub("", _file(file)), function.strip() or "?")


def _file(place: str) -> str:
    """A place without the numbers of line and column, and of an address without its host and what changes."""
    file = _NUMBERS.sub("", place.strip())
    scheme, between, rest = file.partition("://")
    if not between:
        return file
    path = rest if scheme in _OF_APPLICATION else rest.partition("/")[2]
    path = _BUILD.sub("", _QUERY.sub("", path)).lstrip("/")
    return path if path[1:3] == ":/" else f"/{path}"
