"""The DataCat daemon: it stands beside one application process, reads its flight recorder, watches it, and ships."""

import sys

__version__ = "0.1.0"

if sys.version_info < (3, 9):
    raise ImportError("datacat_daemon needs Python 3.9 or newer; this is Python %d.%d" % sys.version_info[:2])
