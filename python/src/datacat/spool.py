"""Where records live until they are shipped: the folders of the spool, and the manifests in them.

The layout is written down in docs/design/records.md.
"""

import json
import os
import sys
import tempfile
import uuid

from datacat import machine, wake
from datacat._compat import make_private_folders, replace_file
from datacat.tame import tame

_process_folder = (None, None)


def spool_roots():
    """The folders that may hold the spool, best first."""
    if os.environ.get("DATACAT_SPOOL"):
        return [os.environ["DATACAT_SPOOL"]]
    roots = []
    home = os.path.expanduser("~")
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Application Support")
    else:
        base = os.environ.get("XDG_STATE_HOME") or os.path.join(home, ".local", "state")
    if base and os.path.isabs(base):
        roots.append(os.path.join(base, "datacat", "spool"))
    roots.append(os.path.join(_among_temporary_files(), "spool"))
    return roots


def process_folder():
    """The spool folder of this process, made at the first call; None where none can be made.

    Returns (folder, error): one of them is None; error is an OSError.
    """
    global _process_folder
    pid, folder = _process_folder
    if pid == os.getpid() and os.path.isdir(folder):
        return folder, None
    try:
        folder = new_process_folder(os.getpid())
    except (OSError, IOError) as error:
        return None, error
    _process_folder = (os.getpid(), folder)
    return folder, None


def new_process_folder(pid):
    """Make the folder of a process in the first spool that takes one; its path. Raises OSError where none does."""
    error = None
    for root in spool_roots():
        try:
            open_root(root)
            return make_process_folder(root, pid)
        except (OSError, IOError) as caught:
            error = error or caught
    raise error


def take_up_process_folder(folder):
    """The spool has a folder for this process already, which another process has made."""
    global _process_folder
    _process_folder = (os.getpid(), folder)


def open_root(root):
    """Make a folder for the spool, if it is not there. Raises OSError where it cannot be, or is another user's."""
    make_private_folders(root)
    _refuse_foreign(os.stat(root), root)
    above = os.path.dirname(root)
    if above == _among_temporary_files():  # whoever made that could put a folder in place of ours, or made it a link
        _refuse_foreign(os.lstat(above), above)


def make_process_folder(root, pid):
    """Make the folder of a process in the spool; returns its absolute path. Raises OSError."""
    name = "%d-%s-%s" % (pid, machine.process_start(pid) or 0, uuid.uuid4().hex[:8])
    folder = os.path.abspath(os.path.join(root, name))
    os.mkdir(folder, 0o700)
    wake.make(folder)
    return folder


def session_folder(process, session_id):
    """Make a session's folder. Raises OSError."""
    folder = os.path.join(process, session_id)
    os.mkdir(folder, 0o700)
    return folder


def write_manifest(folder, manifest):
    """Write a session's manifest: from now on the daemon looks after it. Raises OSError."""
    replace_file(os.path.join(folder, "manifest.json"), json.dumps(tame(manifest), indent=1).encode("ascii"))


def _among_temporary_files():
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return os.path.join(tempfile.gettempdir(), "datacat-%s" % user)


def _refuse_foreign(found, folder):
    """A spool in a folder that all share could have been laid out by somebody else: then it is not used."""
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        raise OSError("%s belongs to another user" % folder)
