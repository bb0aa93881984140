"""Which lines of DataCat a child process of the tests executes, written down when it ends.

Coverage itself takes 0.2 seconds of a CPU to start in a process, and the tests start thousands. This takes a
millisecond: it imports nothing, and asks the interpreter (3.12 or newer) for the lines of DataCat's own code only.
It is no module to import: `child_lines.pth`, which `scripts/set_up.py` puts into the environment of the tests, has
it run in every process that finds CHILD_LINES_FOLDER set. `support.child_coverage` reads what it writes.
"""

import atexit
import os
import sys

FOLDER = os.environ["CHILD_LINES_FOLDER"]
SOURCES = tuple(os.environ["CHILD_LINES_SOURCES"].split(os.pathsep))

events = sys.monitoring.events
executed: dict[str, set[int]] = {}


def on_start(code, offset):
    """A function, or a module, begins for the first time: if it is ours, its lines are wanted."""
    if code.co_filename.startswith(SOURCES):
        executed.setdefault(code.co_filename, set())
        sys.monitoring.set_local_events(sys.monitoring.COVERAGE_ID, code, events.LINE)
    return sys.monitoring.DISABLE


def on_line(code, line):
    executed[code.co_filename].add(line)
    return sys.monitoring.DISABLE


def write():
    """One line of text for each file: its path, a tab, the numbers of its lines."""
    # Dictionary and sets may grow meanwhile: threads that nobody waits for still run.
    text = "".join(f"{file}\t{' '.join(map(str, set(lines)))}\n" for file, lines in dict(executed).items() if lines)
    place = os.path.join(FOLDER, f"{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with open(f"{place}.part", "w") as out:
            out.write(text)
        os.replace(f"{place}.part", f"{place}.lines")
    except OSError:
        pass  # a child that may not write anywhere has its lines uncounted, and is not disturbed


if sys.monitoring.get_tool(sys.monitoring.COVERAGE_ID) is None:
    sys.monitoring.use_tool_id(sys.monitoring.COVERAGE_ID, "child_lines")
    sys.monitoring.register_callback(sys.monitoring.COVERAGE_ID, events.PY_START, on_start)
    sys.monitoring.register_callback(sys.monitoring.COVERAGE_ID, events.LINE, on_line)
    sys.monitoring.set_events(sys.monitoring.COVERAGE_ID, events.PY_START)
    atexit.register(write)
