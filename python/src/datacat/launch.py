"""Starts the daemon beside this process, and does not wait for it.

It becomes nobody's child: a shell starts it in a session of its own and is gone at once, so that Ctrl-C does not reach
it and the application never finds a process that it did not start among its children. How Windows does it stands in
`launch_windows`.
"""

import os
import shlex
import subprocess
import sys

from datacat._compat import windows

if os.name == "nt":
    from datacat import launch_windows

try:
    import ctypes
except ImportError:
    ctypes = None

OLDEST_PYTHON = (3, 9)

NO_PYTHON = (
    "no Python 3.9 or newer was found to run datacat-daemon; "
    "install datacat-client for a newer Python, or name the daemon in $DATACAT_DAEMON"
)
NO_SUCH_DAEMON = "$DATACAT_DAEMON names no program that is there: %s"
_RECORDS_STAY = "%s. Records stay in %s until a daemon finds them."

# The same number on every architecture.
_SYS_PIDFD_OPEN = 434

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

# The pidfd comes as the shell's stdin: Python 2.7 cannot hand on any other descriptor. What runs in the background has
# no stdin of the shell's, so it is put elsewhere before.
_PIDFD = 3
_TAKE_PIDFD = "exec %d<&0 </dev/null\n" % _PIDFD

_IN_BACKGROUND = '"$@" </dev/null >/dev/null 2>&1 &'

_PYTHONS = ("python3",) + tuple("python3.%d" % minor for minor in range(14, 8, -1))

# The first datacat-daemon on the PATH is often the one that was installed with this Python, and too old like it.
_TRY_EACH_PYTHON = """
boot=$1; home=$2
shift 2
(
IFS=:
for folder in $PATH; do
  if "$folder/datacat-daemon" --version; then exec "$folder/datacat-daemon" "$@"; fi
done
for python in %s; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
    exec "$python" -I -c "$boot" "$home" "$@"
  fi
done
) </dev/null >/dev/null 2>&1 &
""" % " ".join(_PYTHONS)


class _NoDaemon(Exception):
    """There is none to start; the message says why."""


def start_daemon(folder, pid=None, port=None):
    """Start a daemon for a process folder of the spool; None, or a sentence that says why there is none.

    Args:
        folder: the process folder.
        pid: its process, if that is another one than this.
        port: where it is to listen for clients in other languages, or None.
    """
    start = _start_on_windows if os.name == "nt" else _start_by_shell
    try:
        start(folder, pid or os.getpid(), [] if port is None else ["--port", str(port)])
    except _NoDaemon as error:
        return _RECORDS_STAY % (error, folder)
    except Exception as error:
        return _RECORDS_STAY % ("the daemon could not be started (%s)" % error, folder)
    return None


def _start_by_shell(folder, pid, options):
    pidfd = None
    try:
        script, words = _command()
        pidfd = _pidfd_of(pid)
        options = ["--process-dir", folder] + ([] if pidfd is None else ["--pidfd", str(_PIDFD)]) + options
        _run_detached(script, words + options, pidfd)
    finally:
        if pidfd is not None:
            os.close(pidfd)


def _start_on_windows(folder, pid, options):
    words = _command_on_windows()
    handle = launch_windows.handle_of(pid)
    options = ["--process-dir", folder] + ([] if handle is None else ["--pidfd", str(handle)]) + options
    try:
        launch_windows.run_detached(words + options, folder, handle)
    finally:
        if handle is not None:
            windows.close(handle)


def _command_on_windows():
    """The first words of the daemon's command line. Raises _NoDaemon."""
    chosen = os.environ.get("DATACAT_DAEMON")
    if chosen and chosen.strip():
        words = launch_windows.words_of(chosen)
        program = launch_windows.find(words[0])
        if program is None:
            raise _NoDaemon(NO_SUCH_DAEMON % chosen)
        return [program] + words[1:]
    boot = ["-I", "-c", _BOOT, _home()]
    if sys.version_info >= OLDEST_PYTHON and _is_interpreter(sys.executable):
        return [sys.executable] + boot
    program = launch_windows.find("datacat-daemon")
    if program is not None:
        return [program]
    python = launch_windows.other_python()
    if python is None:
        raise _NoDaemon(NO_PYTHON)
    return python + boot


def _pidfd_of(pid):
    """A pidfd of the process for its daemon, which so learns of an end that comes before it is up; None without."""
    if not hasattr(os, "pidfd_open"):
        return _pidfd_before_39(pid)
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _pidfd_before_39(pid):
    """The same from a Python that does not know of it."""
    if ctypes is None or not sys.platform.startswith("linux"):
        return None
    try:
        call = ctypes.CDLL(None).syscall
        call.restype = ctypes.c_long
        descriptor = call(ctypes.c_long(_SYS_PIDFD_OPEN), ctypes.c_long(pid), ctypes.c_long(0))
    except (AttributeError, OSError):
        return None
    return descriptor if descriptor >= 0 else None


def _command():
    """A shell script that starts the daemon, and the first of its words. Raises _NoDaemon."""
    chosen = os.environ.get("DATACAT_DAEMON")
    if chosen and chosen.strip():
        return _IN_BACKGROUND, _words_of(chosen)
    if sys.version_info >= OLDEST_PYTHON and _is_interpreter(sys.executable):
        return _IN_BACKGROUND, [sys.executable, "-I", "-c", _BOOT, _home()]
    if any(_is_on_path(name) for name in ("datacat-daemon",) + _PYTHONS):
        return _TRY_EACH_PYTHON, [_BOOT, _home()]
    raise _NoDaemon(NO_PYTHON)


def _home():
    """The folder that this package and the daemon's lie in."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _words_of(command):
    """The words of $DATACAT_DAEMON. Raises _NoDaemon where the first one is no program."""
    try:
        words = shlex.split(command)
    except ValueError:
        raise _NoDaemon(NO_SUCH_DAEMON % command)
    if os.sep in words[0]:
        words[0] = os.path.abspath(words[0])  # the shell runs in another folder
        is_there = os.access(words[0], os.X_OK) and not os.path.isdir(words[0])
    else:
        is_there = _is_on_path(words[0])
    if not is_there:
        raise _NoDaemon(NO_SUCH_DAEMON % command)
    return words


def _is_on_path(name):
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in folders)


def _is_interpreter(path):
    """Whether this is a Python: a frozen game's `sys.executable` is the game, and starting that would be a disaster."""
    if not path or getattr(sys, "frozen", False):
        return False
    name = os.path.basename(path).lower()
    return name.startswith(("python", "pypy")) and os.path.exists(path)


def _run_detached(script, words, pidfd):
    options = {"start_new_session": True} if sys.version_info >= (3, 2) else {"preexec_fn": os.setsid}
    null = os.open(os.devnull, os.O_RDWR)
    try:
        shell = subprocess.Popen(
            ["/bin/sh", "-c", (_TAKE_PIDFD if pidfd is not None else "") + script, "sh"] + words,
            stdin=null if pidfd is None else pidfd,
            stdout=null,
            stderr=null,
            cwd="/",
            close_fds=True,
            **options
        )
    finally:
        os.close(null)
    shell.wait()
