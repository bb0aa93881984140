"""The modules of DataCat's own client: what happens in them was called for by the application, wherever they lie."""

import re

MODULES = """
    __init__ _compat address alive client control encode exceptions_of_signals handler heartbeat hooks
    http lanes launch launch_windows machine mapping quota recorder segment session sink_direct
    sink_joined sink_recorder spool stack_dumps tame traces wake windows
"""

CLIENT = re.compile(rf"[\\/]datacat[\\/]({'|'.join(MODULES.split())})\.pyc?$")
"""Finds a file of the client, which need not be among the installed packages: a checkout is none of them."""
