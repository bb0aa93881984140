"""Values into JSON: the fast way for what JSON can hold, by `datacat.tame` for everything else. Nothing here raises.

With the standard library the C encoder is built once and called directly (json.dumps builds one for every call); with
orjson installed that is used, unless $DATACAT_JSON is "stdlib".
"""

import json
import json.encoder
import os

from datacat._compat import string_types
from datacat.segment import MAX_PAYLOAD
from datacat.tame import represent, tame, tame_to_fit

try:
    if os.environ.get("DATACAT_JSON") == "stdlib":
        raise ImportError
    import orjson
except ImportError:
    orjson = None

# Deeper than this goes through `tame`, which cuts: it takes that many brackets, so fewer need no second look.
_MANY_BRACKETS = 32

_quote = json.encoder.encode_basestring_ascii
_join = "".join

if json.encoder.c_make_encoder is not None:
    # markers None: no search for cycles; a cycle ends in a RecursionError, which is caught below
    _iterate = json.encoder.c_make_encoder(None, represent, _quote, None, ":", ",", False, False, False)

    def _stdlib_text(value):
        return _join(_iterate(value, 0))

else:
    _stdlib_text = json.JSONEncoder(separators=(",", ":"), default=represent, allow_nan=False).encode


def _stdlib_bytes(value):
    text = _stdlib_text(value)
    if len(text) > _MANY_BRACKETS and _is_odd(text, "\\ud", "{", "["):
        raise ValueError("needs taming")
    return text.encode("ascii")


def _is_odd(text, surrogate, brace, bracket):
    """Whether encoded JSON is too large, may be too deep, or may hold half a surrogate pair."""
    return (
        len(text) > MAX_PAYLOAD
        or text.count(brace) + text.count(bracket) > _MANY_BRACKETS
        or (surrogate is not None and surrogate in text)
    )


if orjson is None:
    _fast = _stdlib_bytes

    def _event(name, data):
        if data is None:
            text = '{"name":' + _quote(name) + "}"
        else:
            text = '{"name":' + _quote(name) + ',"data":' + _join(_iterate(data, 0)) + "}"
        if len(text) > _MANY_BRACKETS and _is_odd(text, "\\ud", "{", "["):
            raise ValueError("needs taming")
        return text.encode("ascii")

    if json.encoder.c_make_encoder is None:

        def _event(name, data):  # noqa: F811
            return _stdlib_bytes({"name": name} if data is None else {"name": name, "data": data})

else:
    # Only what JSON holds by itself; the rest looks the same as with the standard library.
    _OPTIONS = (
        orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
    )
    _dumps = orjson.dumps

    def _fast(value):
        encoded = _dumps(value, represent, _OPTIONS)
        # orjson writes NaN and the infinities as null
        if b"null" in encoded or (len(encoded) > _MANY_BRACKETS and _is_odd(encoded, None, b"{", b"[")):
            return _stdlib_bytes(value)
        return encoded

    def _event(name, data):
        if name.__class__ is not str:
            raise TypeError("the name is no text")
        return _fast({"name": name} if data is None else {"name": name, "data": data})


def encode(payload):
    """A dict as bytes of a JSON object, at most MAX_PAYLOAD long.

    What JSON cannot hold becomes its `repr`, cycles and what is too deep or too large are cut and marked.
    """
    try:
        return _fast(payload)
    except Exception:
        return _encode_tamed(payload)


def encode_event(name, data=None):
    """The payload of an event that has a name and data only, the most frequent record; otherwise like `encode`."""
    try:
        if data is None or data.__class__ is dict:
            return _event(name, data)
    except Exception:
        pass
    return encode(event_fields(name, data))


def event_fields(name, data):
    """The fields of an event with its name made text and its data made an object."""
    if not isinstance(name, string_types):
        name = represent(name)
    if data is None:
        return {"name": name}
    return {"name": name, "data": data if isinstance(data, dict) else {"value": data}}


def _encode_tamed(payload):
    try:
        text = json.dumps(tame(payload), separators=(",", ":"), allow_nan=False)
        if len(text) > MAX_PAYLOAD:
            text = json.dumps(tame_to_fit(payload, len(text)), separators=(",", ":"), allow_nan=False)
    except Exception as error:
        text = json.dumps({"name": "unloggable_record", "message": represent(error)})
    return text.encode("ascii")
