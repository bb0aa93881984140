"""Starts the daemon beside this process, and does not wait for it.

It becomes nobody's child: a shell starts it in a session of its own and is gone at once, so that Ctrl-C does not reach
it and the application never finds a process that it did not start among its children.
"""

import os
import shlex
import subprocess
import sys

OLDEST_PYTHON = (3, 9)

HOW_TO_GET_ONE = (
    "no Python 3.9 or newer was found to run datacat-daemon; records stay in %s until one is there. "
    "Install datacat-client for a newer Python, or name the daemon in $DATACAT_DAEMON."
)

# Runs the daemon that lies beside this very package, whatever else the interpreter that runs it has installed.
_BOOT = """
import importlib.util, os, sys, types
home = sys.argv.pop(1)
client = sys.modules["datacat"] = types.ModuleType("datacat")  # its formats are needed, not the client itself
client.__path__ = [os.path.join(home, "datacat")]
place = os.path.join(home, "datacat_daemon")
spec = importlib.util.spec_from_file_location(
    "datacat_daemon", os.path.join(place, "__init__.py"), submodule_search_locations=[place])
daemon = sys.modules["datacat_daemon"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(daemon)
sys.argv[0] = "datacat-daemon"
from datacat_daemon.cli import main
sys.exit(main())
"""

_IN_BACKGROUND = '"$@" </dev/null >/dev/null 2>&1 &'

_PYTHONS = ("python3",) + tuple("python3.%d" % minor for minor in range(14, 8, -1))

_TRY_EACH_PYTHON = """
boot=$1; home=$2
shift 2
(
if command -v datacat-daemon >/dev/null 2>&1; then exec datacat-daemon "$@"; fi
for python in %s; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
    exec "$python" -I -c "$boot" "$home" "$@"
  fi
done
) </dev/null >/dev/null 2>&1 &
""" % " ".join(_PYTHONS)


def start_daemon(folder, pid=None, port=None):
    """Start a daemon for a process folder of the spool; None, or a sentence that says why there is none.

    Args:
        folder: the process folder.
        pid: its process, if that is another one than this.
        port: where it is to listen for clients in other languages, or None.
    """
    pidfd = None
    try:
        pidfd = _pidfd_of(pid or os.getpid())
        options = ["--process-dir", folder] + ([] if pidfd is None else ["--pidfd", str(pidfd)])
        options += [] if port is None else ["--port", str(port)]
        command = _command(options)
        if command is None:
            return HOW_TO_GET_ONE % folder
        if os.name == "posix":
            _run_detached(command, pidfd)
        else:
            subprocess.Popen(command, close_fds=True, creationflags=0x00000008)  # DETACHED_PROCESS
    except Exception as error:
        return "the daemon could not be started (%s); records stay in %s." % (error, folder)
    finally:
        if pidfd is not None:
            os.close(pidfd)
    return None


def _pidfd_of(pid):
    """A pidfd of the process for its daemon, which so learns of an end that comes before it is up; None without."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _command(options):
    """The shell's words, or on Windows the program's, that start the daemon."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    chosen = os.environ.get("DATACAT_DAEMON")
    if chosen:
        return _background(shlex.split(chosen) + options)
    if sys.version_info >= OLDEST_PYTHON and _is_interpreter(sys.executable):
        return _background([sys.executable, "-I", "-c", _BOOT, home] + options)
    if os.name == "posix" and any(_is_on_path(name) for name in ("datacat-daemon",) + _PYTHONS):
        return [_TRY_EACH_PYTHON, "sh", _BOOT, home] + options
    return None


def _is_on_path(name):
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in folders)


def _background(words):
    return [_IN_BACKGROUND, "sh"] + words if os.name == "posix" else words


def _is_interpreter(path):
    """Whether this is a Python: a frozen game's `sys.executable` is the game, and starting that would be a disaster."""
    if not path or getattr(sys, "frozen", False):
        return False
    name = os.path.basename(path).lower()
    return name.startswith(("python", "pypy")) and os.path.exists(path)


def _run_detached(words, pidfd):
    options = {"start_new_session": True} if sys.version_info >= (3, 2) else {"preexec_fn": os.setsid}
    if pidfd is not None:
        options["pass_fds"] = [pidfd]
    null = os.open(os.devnull, os.O_RDWR)
    try:
        shell = subprocess.Popen(
            ["/bin/sh", "-c"] + words, stdin=null, stdout=null, stderr=null, cwd="/", close_fds=True, **options
        )
    finally:
        os.close(null)
    shell.wait()
