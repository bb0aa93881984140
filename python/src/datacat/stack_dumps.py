"""Python's own dumps of all stacks, by faulthandler: when a fatal signal strikes, and when the daemon asks for them."""

import os
import signal

try:
    import faulthandler
except ImportError:
    faulthandler = None

_folder = None
_signal = None
_files = []


def install(folder):
    """Let `faulthandler` write fatal signals to fatal.txt and, on a signal of their own, all stacks to stacks.txt.

    Returns the number of that signal, or None where there is none to be had. The application's own use of
    faulthandler stays as it is; a forked child with a folder of its own gets files of its own.
    """
    global _folder, _signal
    if faulthandler is None or _folder == folder:
        return _signal
    try:
        if _folder is not None or not faulthandler.is_enabled():
            faulthandler.enable(_open(folder, "fatal.txt"), all_threads=True)
        chosen = _signal or _free_signal()
        if chosen is not None:
            faulthandler.register(chosen, _open(folder, "stacks.txt"), all_threads=True, chain=False)
        _folder, _signal = folder, chosen
    except Exception:
        pass
    return _signal


def _open(folder, name):
    file = open(os.path.join(folder, name), "a")
    _files.append(file)  # faulthandler keeps the descriptor only
    return file


def _free_signal():
    """A signal that nobody uses: a real-time one where the system has them, else SIGUSR2."""
    if hasattr(signal, "SIGRTMIN"):
        candidates = range(int(signal.SIGRTMIN) + 12, int(signal.SIGRTMAX) - 1)
    else:
        candidates = [getattr(signal, "SIGUSR2", None)]
    for number in candidates:
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            return int(number)
    return None
