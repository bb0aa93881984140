"""What a document shows of a Go program, made into a whole one that compiles."""

import re

CLIENT = "github.com/OriginalDaemon/datacat/go"
_PACKAGES = {
    "context": "context",
    "datacat": CLIENT,
    "errors": "errors",
    "fmt": "fmt",
    "http": "net/http",
    "log": "log",
    "os": "os",
    "slog": "log/slog",
    "time": "time",
}
_IMPORTS = re.compile(r'^import (?:\((?P<many>.*?)^\)|(?P<one>[^\n]*"))$', re.MULTILINE | re.DOTALL)
_GIVEN = {
    "ctx": "context.Background()",
    "client": "(*datacat.Client)(nil)",
    "session": "(*datacat.Session)(nil)",
    "err": "error(nil)",
}


def as_program(text: str) -> str:
    """A program with the statements or declarations of a fragment in it.

    It has what such fragments take for granted: `ctx`, `client`, `session`, `err`, and the packages that they name.
    """
    imports = {line for found in _IMPORTS.finditer(text) for line in (found["many"] or found["one"]).split("\n")}
    body = _IMPORTS.sub("", text)
    if not re.search(r"^(func|type) ", body, re.MULTILINE):
        names = {name for found in re.findall(r"^([\w, ]+?) :?= ", body, re.MULTILINE) for name in found.split(", ")}
        uses = "\n".join(f"_ = {name}" for name in sorted(names - {"_"}))
        body = f"func main() {{\n{body}\n{uses}\n}}"
    elif not re.search(r"^func main\(\)", body, re.MULTILINE):
        body += "\nfunc main() {}"
    given = "\n".join(f"var {name} = {value}" for name, value in _GIVEN.items())
    named = {f'"{path}"' for name, path in _PACKAGES.items() if re.search(rf"\b{name}\.", given + body)}
    known = {line.strip().split(" ")[-1] for line in imports}
    lines = [line.strip() for line in imports] + sorted(named - known)
    return "package main\n\nimport (\n" + "\n".join(lines) + f"\n)\n\n{given}\n\n{body}\n"
