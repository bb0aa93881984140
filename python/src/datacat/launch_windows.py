"""Starts the daemon on Windows: with no window, with none of our handles but one, out of reach of our Ctrl-C.

That one handle is of the process that it is to watch: it tells how the process ended even if that was before the daemon
was up. Where this Python cannot hand on a single handle (before 3.7), none is handed on.
"""

import os
import subprocess
import sys

from datacat._compat import windows

_NEW_PROCESS_GROUP = 0x00000200
_BREAKAWAY_FROM_JOB = 0x01000000
_NO_WINDOW = 0x08000000

HANDS_ON = sys.version_info >= (3, 7)

# The launcher of python.org's installer; it takes the newest.
_LAUNCHER = ("py", "-3")
_ENDINGS = (".exe", ".com", ".bat", ".cmd")


def handle_of(pid):
    """A handle of the process that a child may inherit; None where there is none to be had."""
    if windows is None or not HANDS_ON:
        return None
    return windows.open_process(pid, inherit=True)


def words_of(command):
    """The words of $DATACAT_DAEMON: a path as it is, or words with quotes around those that hold spaces."""
    if os.path.isfile(command.strip()):
        return [command.strip()]
    words, word, quoted = [], "", False
    for character in command + " ":
        if character == '"':
            quoted = not quoted
        elif character.isspace() and not quoted:
            words += [word] if word else []
            word = ""
        else:
            word += character
    if quoted:
        raise ValueError("a quote is not closed")
    return words


def find(name):
    """The path of a program by its name or path, None where there is none."""
    folders = [""] if os.path.dirname(name) else os.environ.get("PATH", "").split(os.pathsep)
    for folder in folders:
        for ending in ("",) + _ENDINGS:
            path = os.path.join(folder, name + ending)
            if path.lower().endswith(_ENDINGS) and os.path.isfile(path):
                return os.path.abspath(path)
    return None


def other_python():
    """The words that start another Python, the newest that is there; None where none is found."""
    launcher = find(_LAUNCHER[0])
    if launcher is not None:
        return [launcher] + list(_LAUNCHER[1:])
    python = find("python3") or find("python")
    return None if python is None else [python]


def run_detached(words, folder, handle):
    """Start it, and do not wait. Raises OSError.

    Args:
        words: its command line.
        folder: the process folder; the daemon must not stand in it, nor in ours, or these could not be deleted.
        handle: what it inherits, or None.
    """
    options = {"cwd": os.path.splitdrive(os.path.abspath(folder))[0] + os.sep, "close_fds": True}
    if HANDS_ON:
        options.update(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        startup = subprocess.STARTUPINFO()
        if handle is not None:
            startup.lpAttributeList = {"handle_list": [handle]}
        options["startupinfo"] = startup
    flags = _NEW_PROCESS_GROUP | _NO_WINDOW
    try:
        process = subprocess.Popen(words, creationflags=flags | _BREAKAWAY_FROM_JOB, **options)
    except OSError:  # the job that we are in lets nobody go: it would end the daemon with us
        process = subprocess.Popen(words, creationflags=flags, **options)
    process.returncode = 0  # nobody waits for it, and Popen need not warn of that
