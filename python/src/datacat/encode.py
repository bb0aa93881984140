"""Values into JSON: the fast way for what JSON can hold, by `datacat.tame` for everything else. Nothing here raises.

With the standard library the C encoder is built once and called directly (json.dumps builds one for every call); with
orjson installed that is used, unless $DATACAT_JSON is "stdlib".
"""

import json
import json.encoder
import os

from datacat._compat import string_types
from datacat.exceptions_of_signals import OF_VALUES, let_through
from datacat.segment import MAX_PAYLOAD
from datacat.tame import least_length, represent, tame, tame_to_fit

try:
    if os.environ.get("DATACAT_JSON") == "stdlib":
        raise ImportError
    import orjson
except ImportError:
    orjson = None

# Deeper than this goes through `tame`, which cuts: it takes that many brackets, so fewer need no second look.
_MANY_BRACKETS = 32

_MOST_SHAPES = 1024
_LONGEST_SHAPE = 512
_shapes = {}

_quote = json.encoder.encode_basestring_ascii
_join = "".join

if json.encoder.c_make_encoder is not None:
    # markers None: no search for cycles; a cycle ends in a RecursionError, which is caught below
    _iterate = json.encoder.c_make_encoder(None, represent, _quote, None, ":", ",", False, False, False)
else:
    _iterate = json.JSONEncoder(separators=(",", ":"), default=represent, allow_nan=False).iterencode


def _dumps_stdlib(value, default=None, options=None):
    """Bytes of JSON, by the standard library; the arguments are those of orjson.dumps. Raises on what needs taming."""
    text = _join(_iterate(value, 0))
    if "\\ud" in text:  # perhaps half a surrogate pair
        raise ValueError("needs taming")
    return text.encode("ascii")


def _number_stdlib(number):
    return repr(number).encode("ascii")


def _dumps_dict_stdlib(fields, default=None, options=None):
    """The same of a dict: one of numbers only is put into a text that was made for its keys, which is quicker."""
    keys = tuple(fields)
    shape = _shapes.get(keys)
    if shape is None:
        _remember_shape(keys)
    else:
        values = tuple(fields.values())
        for value in values:
            kind = value.__class__
            if kind is not int and (kind is not float or value - value != 0.0):
                break
        else:
            return (shape % values).encode("ascii")
    return _dumps_stdlib(fields)


def _remember_shape(keys):
    if len(_shapes) < _MOST_SHAPES and all(key.__class__ is str for key in keys):
        shape = "{%s}" % ",".join(_quote(key).replace("%", "%%") + ":%r" for key in keys)
        if len(shape) < _LONGEST_SHAPE and "\\ud" not in shape:
            _shapes[keys] = shape


# `dump_number` takes a finite float or an int of 64 bits.
if orjson is None:
    dumps = _dumps_stdlib
    dumps_dict = _dumps_dict_stdlib
    dump_number = _number_stdlib
    OPTIONS = None
else:
    dumps = dumps_dict = dump_number = orjson.dumps
    # Only what JSON holds by itself; the rest looks the same as with the standard library.
    OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def _dumps_orjson(value):
    try:
        # without `represent`: what a signal handler raises in a callback, orjson would replace by an error of its own
        encoded = dumps(value, None, OPTIONS)
    except TypeError:
        return _dumps_stdlib(value)
    if encoded.find(b"null") >= 0:  # so it writes NaN and the infinities
        return _dumps_stdlib(value)
    return encoded


def _fast(value):
    encoded = _dumps_orjson(value) if orjson is not None else _dumps_stdlib(value)
    if not fits(encoded):
        raise ValueError("needs taming")
    return encoded


def fits(encoded):
    """Whether a payload is as short and as shallow as a record may be."""
    return len(encoded) <= _MANY_BRACKETS or (
        len(encoded) <= MAX_PAYLOAD and encoded.count(b"{") + encoded.count(b"[") <= _MANY_BRACKETS
    )


def encode(payload):
    """A dict as bytes of a JSON object, at most MAX_PAYLOAD long.

    What JSON cannot hold becomes its `repr`, cycles and what is too deep or too large are cut and marked.
    """
    try:
        if least_length(payload.values()) <= MAX_PAYLOAD:
            return _fast(payload)
    except OF_VALUES:
        let_through()
    return _encode_tamed(payload)


def event_fields(name, data):
    """The fields of an event with its name made text and its data made an object."""
    if not is_a(name, string_types):
        name = represent(name)
    if data is None:
        return {"name": name}
    return {"name": name, "data": data if is_a(data, dict) else {"value": data}}


def is_a(value, types):
    """`isinstance`, also of what does not tell its class, as a weakref.proxy does not whose object is gone."""
    try:
        return isinstance(value, types)
    except OF_VALUES:
        let_through(of_value=True)
        return False


def _encode_tamed(payload):
    try:
        text = json.dumps(tame(payload), separators=(",", ":"), allow_nan=False)
        if len(text) > MAX_PAYLOAD:
            text = json.dumps(tame_to_fit(payload, len(text)), separators=(",", ":"), allow_nan=False)
    except OF_VALUES as error:
        let_through()
        text = json.dumps({"name": "unloggable_record", "message": represent(error)})
    return text.encode("ascii")
