"""What is known of this machine and this process, for a session's manifest."""

import hashlib
import os
import platform
import socket
import subprocess
import sys
import uuid

from datacat._compat import windows


def machine_id():
    """A stable name of this machine: its own id, hashed, so that it tells nothing else (32 hex digits)."""
    return hashlib.sha256(b"datacat machine " + _own_id().encode("utf-8", "replace")).hexdigest()[:32]


def boot_id():
    """Another value after every start of the machine; None where the system has none to read cheaply."""
    return windows.boot_id() if windows else _read("/proc/sys/kernel/random/boot_id")


def process_start(pid):
    """When a process started, in the kernel's ticks, as text, or None: with the pid it names a process for good."""
    if windows:
        return windows.process_start(pid)
    stat = _read("/proc/%d/stat" % pid)
    # the command, in parentheses, may hold anything; field 22 is the 20th after it
    return stat.rpartition(")")[2].split()[19] if stat else None


def pid_namespace():
    """The PID namespace (the container) that this process's pid belongs to, or None where there are none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except (OSError, AttributeError):
        return None


def facts():
    """Facts of the process, for people: interpreter, platform, command line."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": _platform(),
        "executable": sys.executable or None,
        "argv": list(getattr(sys, "argv", []))[:50],
        "cwd": _current_folder(),
    }


def hostname():
    """The machine's name; never raises."""
    try:
        return socket.gethostname()
    except Exception:
        return None


def main_script():
    """The name of the program's main script, without its ending; for want of one (-c, stdin), "python"."""
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None) or (sys.argv[0] if getattr(sys, "argv", None) else "")
    name = os.path.basename(path or "")
    if name == "__main__.py":
        name = os.path.basename(os.path.dirname(os.path.abspath(path)))
    if name in ("-c", "-m", "-", "<stdin>"):
        return "python"
    return os.path.splitext(name)[0] or "python"


def _platform():
    # platform.platform() reads the interpreter's whole binary to name its C library
    if hasattr(os, "uname"):
        system = os.uname()
        return "%s-%s-%s" % (system[0], system[2], system[4])
    if hasattr(sys, "getwindowsversion"):
        # platform.platform() asks the management service (WMI) there, which takes its time
        version = sys.getwindowsversion()
        return "Windows-%d.%d.%d-%s" % (version[:3] + (os.environ.get("PROCESSOR_ARCHITECTURE", "unknown"),))
    return platform.platform()


def _own_id():
    if windows and windows.machine_guid():
        return windows.machine_guid()
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        found = _read(path)
        if found:
            return found
    if sys.platform == "darwin":
        try:
            return subprocess.check_output(["/usr/sbin/sysctl", "-n", "kern.uuid"]).decode("ascii").strip()
        except Exception:
            pass
    return "%012x" % uuid.getnode()


def _read(path):
    try:
        with open(path) as file:
            return file.read().strip() or None
    except (OSError, IOError, ValueError):
        return None


def _current_folder():
    try:
        return os.getcwd()
    except OSError:
        return None
