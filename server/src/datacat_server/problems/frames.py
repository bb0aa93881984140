"""The frames of a stack that tell one problem from another: those of the application's own code.

Neither line numbers nor addresses count, and of a file only its place inside the application: the same code has the
same frames on another machine, and after a few lines were added above it. Where the application lies a session says in
its facts (`roots_of`); of files elsewhere the folder that they share counts for it.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from datacat_server.problems.client import CLIENT

MOST_FRAMES = 20
"""How many frames, the innermost ones, make a problem."""

_LONGEST_TEXT = 200
_LONGEST_CYCLE = 8
_MOST_LOOKED_AT = 1_000
_RARELY = 10

_INTERPRETER = re.compile(
    r"^<|[\\/]lib(64)?[\\/]python[\d.]+[\\/](?!(site|dist)-packages[\\/])|[\\/]python\d+[\\/]lib[\\/](?!site-packages[\\/])"
    r"|[\\/]python\d+\.zip[\\/]|[\\/]go(-[\d.]+)?[\\/]src[\\/](?![\w-]+\.[\w.-]+[\\/])|^(node|ext|bun):"
    # Java, C#, Rust and native code: their standard libraries, what starts and what ends a program.
    r"|^java:/(java|javax|jdk|sun|com/sun|kotlin|kotlinx|scala|groovy)/|^dotnet:/(System|Microsoft)(/|$)"
    r"|[\\/]rustc[\\/][0-9a-f]+[\\/]|^rust:/(std|core|alloc|rust_\w+|__rust\w*|main|_start|__libc\w+)$"
    r"|[\\/](ld-linux|lib(c|m|pthread|dl|stdc\+\+|gcc_s|asan))[\w.-]*\.so|libsystem_\w+\.dylib|^dyld$"
    r"|^(\.|\.\.)/(sysdeps|nptl|stdlib|assert|csu|signal|debug)/|/libsanitizer/",
    re.IGNORECASE,
)
_INSTALLED = re.compile(
    r"[\\/](site|dist)-packages[\\/]|[\\/]pkg[\\/]mod[\\/]|[\\/]vendor[\\/]|[\\/]node_modules[\\/]"
    r"|[\\/]\.cargo[\\/]|^java:/(org/(springframework|apache|hibernate|eclipse|junit)|io/netty)/|^/usr/(local/)?lib",
    re.IGNORECASE,
)
# The script that starts an installed program: `sys.exit(main())`, the same in every one of its problems.
_STARTER = re.compile(r"[\\/](bin|Scripts)[\\/][^\\/]+$", re.IGNORECASE)
_NO_ROOTS = {"", "/"}
_LONGEST_ROOT = 1_000
_GO_RUNTIME = re.compile(r"(runtime\.|panic$)")
_LIBC = re.compile(r"__(GI|libc|pthread|assert)_|_start$")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


class Frame(NamedTuple):
    """One call on a stack."""

    file: str
    function: str


def roots_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Where an application lies, by the facts of a session: its script's folder, its working directory."""
    cwd, argv = facts.get("cwd"), facts.get("argv")
    cwd = _slashes(cwd) if isinstance(cwd, str) and len(cwd) <= _LONGEST_ROOT else ""
    script = argv[0] if isinstance(argv, list) and argv and isinstance(argv[0], str) else ""
    folder = ""
    if len(script) <= _LONGEST_ROOT and not script.startswith("-") and script and not _STARTER.search("/" + script):
        path = posixpath.normpath(posixpath.join(cwd, _slashes(script)))
        folder = posixpath.dirname(path)
        if posixpath.basename(path) == "__main__.py":
            folder = posixpath.dirname(folder)  # of `python -m game`
    return tuple(sorted({root.rstrip("/") for root in (folder, cwd) if _is_absolute(root)} - _NO_ROOTS, key=len))[::-1]


def own_frames(stack: Sequence[Frame], roots: Sequence[str] = (), endless: bool = False) -> tuple[Frame, ...]:
    """Of a stack, innermost frame first, what makes a problem: at most MOST_FRAMES, with files as short as they tell.

    Those of the application's own code; where there are none, those of installed packages; where there are none of
    these either, all. In "own code" there is no interpreter, no standard library and no script that only starts it.
    `roots`: where the application lies, the longest first. `endless`: it is of a recursion without an end, which is
    told by what calls itself, wherever the limit struck and whoever began it.
    """
    whole = [Frame(_slashes(file), function) for file, function in stack[:_MOST_LOOKED_AT]]
    frames = _that_recur(whole) if endless else _without_cycles(whole)
    outside = [frame for frame in frames if not _is_interpreter(frame)]
    own = [frame for frame in outside if not _is_installed(frame) and not _is_starter(frame)]
    installed = [frame for frame in outside if not _is_starter(frame)]
    return _shortened(_without_cycles(own or installed or outside or frames)[:MOST_FRAMES], roots)


def _is_interpreter(frame: Frame) -> bool:
    in_go = frame.file.endswith(".go") and _GO_RUNTIME.match(frame.function) is not None
    return in_go or _LIBC.match(frame.function) is not None or _INTERPRETER.search(frame.file) is not None


def _is_installed(frame: Frame) -> bool:
    return _INSTALLED.search(frame.file) is not None or CLIENT.search(frame.file) is not None


def _is_starter(frame: Frame) -> bool:
    return frame.function == "<module>" and _STARTER.search(frame.file) is not None


def _that_recur(frames: Sequence[Frame]) -> list[Frame]:
    """The own calls that come again and again, in an order of their own: a cycle has no innermost one.

    What comes once or hardly ever, compared with the others, is what the limit happened to strike in, or what began.
    """
    counts = Counter(frame for frame in frames if not (_is_interpreter(frame) or _is_installed(frame)))
    often = max(counts.values(), default=0) / _RARELY
    recurring = sorted(frame for frame, count in counts.items() if count > 1 and count >= often)
    return recurring or _without_cycles(frames)


def _without_cycles(frames: Sequence[Frame]) -> list[Frame]:
    """A recursion once, however deep it was when it broke off."""
    kept: list[Frame] = []
    for frame in frames:
        kept.append(frame)
        for length in range(1, min(_LONGEST_CYCLE, len(kept) // 2) + 1):
            if kept[-length:] == kept[-2 * length : -length]:
                del kept[-length:]
                break
    return kept


def _shortened(frames: list[Frame], roots: Sequence[str]) -> tuple[Frame, ...]:
    """Files relative to where the application lies, of which the last two parts count."""
    paths = [_inside(frame.file, roots) for frame in frames]
    folders = [path.split("/")[:-1] for path in paths if _is_absolute(path)]
    shared = "/".join(posixpath.commonprefix(folders))
    return tuple(
        Frame(
            "/".join(path.removeprefix(shared if _is_absolute(path) else "").strip("/").split("/")[-2:])[
                :_LONGEST_TEXT
            ],
            _ADDRESS.sub("0x", frame.function)[:_LONGEST_TEXT],
        )
        for path, frame in zip(paths, frames, strict=True)
    )


def _inside(file: str, roots: Sequence[str]) -> str:
    """A file relative to the first root that it lies in; as it is where that is none."""
    file = file.removesuffix("c") if file.endswith(".pyc") else file.removeprefix("./")
    return next((file[len(root) + 1 :] for root in roots if file.startswith(root + "/")), file)


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or path[1:3] == ":/"
