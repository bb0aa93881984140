"""Where Python 2.7 and 3, and the operating systems, differ."""

import errno
import itertools
import mmap
import os
import sys
import time

from datacat.exceptions_of_signals import let_through

windows = None
if os.name == "nt":
    try:
        from datacat import windows  # noqa: F401
    except ImportError:  # a Python without ctypes
        pass

PY2 = sys.version_info[0] == 2

if PY2:
    text_type = unicode  # noqa: F821
    string_types = (str, unicode)  # noqa: F821
    integer_types = (int, long)  # noqa: F821
else:
    text_type = str
    string_types = (str,)
    integer_types = (int,)

_ZEROS = b"\0" * (64 << 10)
_temporaries = itertools.count()

if hasattr(time, "time_ns"):

    def now_us(_time_ns=time.time_ns):
        """The wall clock, microseconds since 1970 UTC."""
        return _time_ns() // 1000

else:

    def now_us(_time=time.time):
        """The wall clock, microseconds since 1970 UTC."""
        return int(_time() * 1000000)


_REPLACE_TRIES = 40
_REPLACE_SECONDS = 0.005

monotonic = getattr(time, "monotonic", time.time)


def allocate(descriptor, size):
    """Give an empty file its blocks: a store to a hole of a full disk would end the process by SIGBUS.

    They are written as well, which brings them into memory: the first store into each page is then ten times faster.
    By pieces, because Linux keeps what is written at once as one folio, and a folio of 1 MB may not be mapped at once.
    Raises OSError (ENOSPC) where they are not to be had.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    left = size
    while left > 0:
        left -= os.write(descriptor, _ZEROS[:left])
    os.lseek(descriptor, 0, os.SEEK_SET)


def map_file(path, size):
    """Map a file for reading and writing, shared with whoever else maps it; its descriptor is closed again.

    Raises OSError, also where the file is shorter than `size`.
    """
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        return mmap.mmap(descriptor, size)
    except (EnvironmentError, ValueError) as error:
        raise OSError(getattr(error, "errno", None) or errno.EINVAL, str(error))
    finally:
        os.close(descriptor)


def make_private_folders(path):
    """Make a folder, and what is missing above it, for this user only."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    if above not in ("", path):
        make_private_folders(above)  # what os.makedirs makes above is not private since Python 3.7
    try:
        os.mkdir(path, 0o700)
    except OSError:
        if not os.path.isdir(path):
            raise


def open_temporary(path):
    """Make a file that will become `path`, private and empty; returns its descriptor, to read and write, and its path.

    Nobody else writes into it: not another thread that makes the same at this moment, nor a process of the same pid in
    another container. Raises OSError.
    """
    while True:
        temporary = "%s.%d-%d.making" % (path, os.getpid(), next(_temporaries))
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            return os.open(temporary, flags, 0o600), temporary
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise


def replace_file(path, content):
    """Write a small private file so that it is there whole or not at all. Raises OSError."""
    descriptor, temporary = open_temporary(path)
    try:
        try:
            left = content
            while left:
                left = left[os.write(descriptor, left) :]  # on a disk that is nearly full it takes a part
        finally:
            os.close(descriptor)
        _replace(temporary, path)
    except BaseException:
        unlink_if_there(temporary)
        raise


def give_name(temporary, path):
    """Give a file that is whole its name, unless there is one of that name. Raises OSError, then too."""
    if os.name == "nt":  # a renaming replaces nothing there, and not every Python can link
        os.rename(temporary, path)
    else:
        os.link(temporary, path)


def unlink_if_there(path):
    """Delete a file, unless somebody has done so already. Raises OSError."""
    try:
        os.unlink(path)
    except OSError as error:
        let_through()
        if error.errno != errno.ENOENT:
            raise


def _replace(temporary, path):
    replace = getattr(os, "replace", os.rename)
    for _ in range(_REPLACE_TRIES if os.name == "nt" else 0):
        try:
            return replace(temporary, path)
        except OSError as error:
            if error.errno != errno.EACCES:
                raise
            time.sleep(_REPLACE_SECONDS)  # somebody just reads the old one: Windows does not replace it meanwhile
    return replace(temporary, path)
