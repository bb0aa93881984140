"""The most frequent call, `log_event("moved", {"x": 10})`, written out in one piece.

What `Session.log_event`, `encode`, `Recorder.write` and `SegmentWriter.append` do for any record, step by step, is done
here for a small event with plain data without a call from one to the other: that halves what it costs (`make bench`).
Whatever is not small and plain goes the general way; the tests hold the two against each other.
"""

import os
import struct
import time

from datacat import encode
from datacat.exceptions_of_signals import let_through
from datacat.segment import EVENT, RECORD, TIME, checksum

# Nothing so short is nested deeper than a server takes.
_SMALL = 128
_MOST_NAMES = 1024
_N = ord("n")
_COMMIT = [struct.Struct(RECORD % length).pack_into for length in range(_SMALL)]
_HEAD = bytes(bytearray([EVENT, 0]))


def event_lane(recorder, general):
    """A function to be called instead of a session's `log_event`.

    Args:
        recorder: the session's Recorder.
        general: the session's own `log_event`, which takes what this one does not.

    Returns `general` itself where this Python lacks what is needed.
    """
    if not hasattr(time, "time_ns") or (hasattr(os, "fork") and not hasattr(os, "register_at_fork")):
        return general
    prefixes = {}
    dumps, options = encode.dumps, encode.OPTIONS
    pack_time, now, join, commit = TIME.pack, time.time_ns, b"".join, _COMMIT

    def log_event(name, level_or_data=None, *rest, **more):
        if level_or_data.__class__ is dict and not rest and not more:
            try:
                data = dumps(level_or_data, None, options)
                # what may be NaN or an infinity, which orjson writes as null, is looked at again
                if _N not in data or data.find(b"null") < 0:
                    prefix = prefixes[name]
                    lease, give_back = recorder.pool
                    writer = lease()
                    body = join((pack_time(now()), prefix, data, b"}"))
                    length = len(body)
                    offset = writer.offset
                    end = offset + 8 + length
                    if length < _SMALL and end <= writer.size:
                        commit[length](writer.page, offset, length, body, checksum(body))
                        writer.offset = end
                        writer.ordinal += 1
                        give_back(writer)
                        return
                    give_back(writer)
            except KeyError:
                _remember(prefixes, name)
            except Exception:
                let_through()
        general(name, level_or_data, *rest, **more)

    return log_event


def _remember(prefixes, name):
    """What comes before the data of an event of this name, from the kind on."""
    if name.__class__ is str and len(name) < _SMALL and len(prefixes) < _MOST_NAMES:
        encoded = encode.encode({"name": name})
        prefixes[name] = _HEAD + encoded[:-1] + b',"data":'
