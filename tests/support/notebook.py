"""Runs the Python blocks of a page, one after another, in one namespace, as the cells of a notebook; run as a program.

A request is a line of JSON on standard input, {"code", "file", "line"}; the answer a line of JSON on the descriptor
that the first argument names: {"raised": name of the exception or null}. What a block prints goes to standard output
and standard error. The interpreter ends as any does when there are no more requests.
"""

import json
import os
import sys
import traceback


def main() -> None:
    answers = os.fdopen(int(sys.argv[1]), "w")
    requests = os.fdopen(os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv[:] = [""]
    sys.path[0] = ""
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    namespace = sys.modules["__main__"].__dict__
    for line in requests:
        raised = run(json.loads(line), namespace)
        sys.stdout.flush()
        sys.stderr.flush()
        print(json.dumps({"raised": raised}), file=answers, flush=True)


def run(request: dict, namespace: dict) -> str | None:
    """Execute a block; returns the name of the exception that it ended in."""
    code = "\n" * (request["line"] - 1) + request["code"] + "\n"  # so that tracebacks name the page's own lines
    try:
        exec(compile(code, request["file"], "exec"), namespace)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return type(error).__name__
    return None


if __name__ == "__main__":
    main()
