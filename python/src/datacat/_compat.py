"""Where Python 2.7 and 3, and the operating systems, differ."""

import errno
import mmap
import os
import sys
import time

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

if hasattr(time, "time_ns"):

    def now_us(_time_ns=time.time_ns):
        """The wall clock, microseconds since 1970 UTC."""
        return _time_ns() // 1000

else:

    def now_us(_time=time.time):
        """The wall clock, microseconds since 1970 UTC."""
        return int(_time() * 1000000)


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
    if not os.path.isdir(path):
        try:
            os.makedirs(path, 0o700)
        except OSError:
            if not os.path.isdir(path):
                raise


def replace_file(path, content):
    """Write a small private file so that it is there whole or not at all."""
    temporary = "%s.%d.making" % (path, os.getpid())
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
    getattr(os, "replace", os.rename)(temporary, path)
