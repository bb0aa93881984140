"""The most frequent calls, each written out in one piece: a session has them in place of its own methods.

What `Session`, `encode`, `Recorder.write` and `SegmentWriter.append` do for any record, step by step, is done here for
a short one with plain content by two functions: that halves what it costs (`make bench`). Whatever is not short and
plain goes the general way; the tests hold the two against each other.
"""

import os
import time

from datacat import encode
from datacat.control import BEATS, FIELD, next_beat
from datacat.exceptions_of_signals import OF_VALUES, let_through
from datacat.segment import COMMIT_SHORT, EVENT, METRIC, SHORT, STATE, TIME, checksum
from datacat.tame import PLAIN, least_length

# What is longer is looked at before it is encoded: it may be huge.
_PLAIN_LENGTH = 4096
_MOST_KEYS = 100
_MOST_PREFIXES = 1024
_LONGEST_NAME = 128
_LARGEST = 2**63
_N = ord("n")


def lanes(recorder, session):
    """Functions to be called instead of a session's methods, by their names.

    Args:
        recorder: the session's Recorder.
        session: its own methods take what a lane does not.

    Returns {} where this Python lacks what is needed.
    """
    if not hasattr(time, "time_ns") or (hasattr(os, "fork") and not hasattr(os, "register_at_fork")):
        return {}
    put = _put(recorder)
    return {
        "log_event": _event_lane(recorder, put, session.log_event),
        "update_state": _state_lane(put, session.update_state),
        "log_gauge": _sample_lane(put, session.log_gauge, "gauge"),
        "log_histogram": _sample_lane(put, session.log_histogram, "histogram"),
        "log_counter": _counter_lane(put, session.log_counter),
        "heartbeat": _heartbeat_lane(recorder),
    }


def _put(recorder):
    """A function that commits one record, given what comes before its content and that; False if it has to be tamed."""
    pack_time, now, join, commit, most = TIME.pack, time.time_ns, b"".join, COMMIT_SHORT, SHORT

    def put(head, content):
        begun = False
        try:
            lease, give_back = recorder.pool
            try:
                writer = lease()
            except IndexError:
                writer = None
            if writer is not None:
                body = join((pack_time(now()), head, content, b"}"))
                length = len(body)
                offset = writer.offset
                end = offset + 8 + length
                # nothing so short is nested deeper than a server takes
                if length < most and end <= writer.size:
                    begun = True
                    commit[length](writer.page, offset, length, body, checksum(body))
                    writer.offset = end
                    writer.ordinal += 1
                    give_back(writer)
                    return True
                give_back(writer)
            payload = head[2:] + content + b"}"
            if not encode.fits(payload):
                return False
            begun = True
            recorder.write(head[0], 0, payload)
            return True
        except OF_VALUES:
            writer = None  # whoever keeps the traceback must not keep it
            if begun:  # nothing of ours raises from there on, and the record may be there
                raise
            let_through()
            return False

    return put


def _event_lane(recorder, put, general):
    """`log_event(name, {...})`, the most frequent of all: what `put` does for a short record is done in its midst."""
    prefixes = {}
    known, dumps, options, is_short = prefixes.get, encode.dumps_dict, encode.OPTIONS, _looked_at_first
    pack_time, now, join, commit, most = TIME.pack, time.time_ns, b"".join, COMMIT_SHORT, SHORT

    def log_event(
        name, level_or_data=None, category=None, labels=None, message=None, data=None, group=None, level=None
    ):
        begun = False
        try:
            if level_or_data.__class__ is dict and category is labels is message is group is level is None:
                prefix = known(name)
                if prefix is None:
                    _remember(prefixes, name, EVENT, {"name": name}, b',"data":')
                elif is_short is None or is_short(level_or_data):
                    content = dumps(level_or_data, None, options)
                    # what may be NaN or an infinity, which orjson writes as null, is looked at again
                    if _N not in content or content.find(b"null") < 0:
                        lease, give_back = recorder.pool
                        writer = lease()
                        body = join((pack_time(now()), prefix, content, b"}"))
                        length = len(body)
                        offset = writer.offset
                        end = offset + 8 + length
                        begun = True
                        if length < most and end <= writer.size:
                            commit[length](writer.page, offset, length, body, checksum(body))
                            writer.offset = end
                            writer.ordinal += 1
                            give_back(writer)
                            return
                        give_back(writer)
                        if put(prefix, content):
                            return
        except OF_VALUES:
            writer = None
            if begun:
                raise
            let_through()
        general(name, level_or_data, category, labels, message, data, group, level)

    return log_event


def _state_lane(put, general):
    """`update_state({...})`."""
    head = _head(STATE) + b'{"state":'
    dumps, options, is_short = encode.dumps_dict, encode.OPTIONS, _looked_at_first

    def update_state(state):
        patch = None
        try:
            if state.__class__ is dict and (is_short is None or is_short(state)):
                patch = dumps(state, None, options)
                if _N in patch and patch.find(b"null") >= 0:
                    patch = None
        except OF_VALUES:
            let_through()
        if patch is None or not put(head, patch):
            general(state)

    return update_state


def _sample_lane(put, general, kind):
    """`log_gauge(name, value, unit)`, and `log_histogram` likewise."""
    prefixes = {}
    known, number = prefixes.get, encode.dump_number

    def log_sample(name, value, unit=None, *rest, **more):
        prefix = None
        try:
            # a float less itself is zero if it is finite
            if value.__class__ is float and value - value == 0.0 and not rest and not more:
                prefix = known((name, unit))
                if prefix is not None:
                    content = number(value)
                elif unit is None:
                    _remember(prefixes, (name, None), METRIC, {"name": name, "type": kind}, b',"value":')
                elif unit.__class__ is str and len(unit) < _LONGEST_NAME:
                    fields = {"name": name, "type": kind, "unit": unit}
                    _remember(prefixes, (name, unit), METRIC, fields, b',"value":')
        except OF_VALUES:
            let_through()
            prefix = None
        if prefix is None or not put(prefix, content):
            general(name, value, unit, *rest, **more)

    return log_sample


def _counter_lane(put, general):
    """`log_counter(name, delta)`."""
    prefixes = {}
    known, number = prefixes.get, encode.dump_number

    def log_counter(name, delta=1, *rest, **more):
        prefix = None
        try:
            if delta.__class__ is int and -_LARGEST <= delta < _LARGEST and not rest and not more:
                prefix = known(name)
                if prefix is None:
                    _remember(prefixes, name, METRIC, {"name": name, "type": "counter"}, b',"delta":')
                else:
                    content = number(delta)
        except OF_VALUES:
            let_through()
            prefix = None
        if prefix is None or not put(prefix, content):
            general(name, delta, *rest, **more)

    return log_counter


def _heartbeat_lane(recorder):
    """`heartbeat()`: one store. The control page is looked up at every call: after a fork the child has another one."""
    store, number = FIELD.pack_into, next_beat

    def heartbeat():
        store(recorder.control.page, BEATS, number())

    return heartbeat


def _remember(prefixes, key, kind, fields, field):
    """Keep what comes before the content of such a record, from the kind on, up to the colon of its last field."""
    name = fields["name"]
    if name.__class__ is str and len(name) < _LONGEST_NAME and len(prefixes) < _MOST_PREFIXES:
        prefixes[key] = _head(kind) + encode.encode(fields)[:-1] + field


def _head(kind):
    return bytes(bytearray([kind, 0]))


def _is_short(content):
    """Whether a dict is sure to be short as JSON, or looks as if it were not huge."""
    if len(content) > _MOST_KEYS:
        return False
    for value in content.values():
        kind = value.__class__
        if kind in PLAIN or (kind is str and len(value) < _PLAIN_LENGTH):
            continue
        if least_length((value,)) > _PLAIN_LENGTH:
            return False
    return True


# orjson writes fifty megabytes in a few hundredths of a second, and the look would be a sixth of a whole call.
_looked_at_first = _is_short if encode.orjson is None else None
