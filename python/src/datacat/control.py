"""The control page of a session: a mapped page that the application stores into and its daemon reads.

Layout (native byte order), each field one aligned 8-byte store, so that none is ever seen half written:

    offset  field
    0       magic, b"DCATCTL1"
    8       beats: how many heartbeats there were; the daemon times their changes by its own clock
    16      monitoring: 0 off, 1 on
    24      timeout in microseconds after which a silent heartbeat is a hang
    32      paused: 0 or 1
    40      ended: 0, or when the session ended, microseconds since 1970 UTC
    48      how it ended: 1 end() was called, 2 the interpreter finished, 3 it was interrupted (Ctrl-C)
    56      uncaught: 0, or when an exception that nothing caught was recorded
    64      dropped: records that could not be kept (disk full, quota, no spool)
    72      flush: raised by one for every flush() that waits; the daemon ships at once when it changes
    80      written: records committed by this process (informative; segments are the truth)
"""
