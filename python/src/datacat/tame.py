"""Makes any Python value something that JSON holds and a record has room for: by `repr`, by marked cuts."""

import math
import re
from itertools import islice

from datacat._compat import PY2, integer_types, string_types, text_type
from datacat.exceptions_of_signals import OF_VALUES, let_through
from datacat.segment import MAX_PAYLOAD

MAX_DEPTH = 24
MAX_ITEMS = 2000
MAX_TEXT = 64 << 10
MAX_NODES = 20000
_MAX_REPR = 4096

# Of a value of these types a record holds all, and it is short.
PLAIN = frozenset([int, float, bool, type(None)])

_LARGEST = 2**63
_TEXTS = string_types + (bytes, bytearray)
_HALF_PAIR = re.compile(u"[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")


def represent(value):
    """The `repr` of a value, cut where it is long; says so where the `repr` itself fails."""
    try:
        if isinstance(value, (bytes, bytearray)) and len(value) > _MAX_REPR:
            return "%s... [cut: %d bytes in all]" % (repr(value[:_MAX_REPR])[:_MAX_REPR], len(value))
        text = repr(value)
        if PY2:
            text = text.decode("utf-8", "replace")
    except OF_VALUES as error:
        let_through(of_value=True)
        text = "<%s whose repr raises %s>" % (type(value).__name__, type(error).__name__)
    return _cut(text, _MAX_REPR)


def short_text(value):
    """Any value as text of at most 200 characters: for names of products and versions."""
    text = _Tamer(MAX_TEXT, MAX_ITEMS).tame(value, 0)
    return text[:200] if isinstance(text, string_types) else represent(value)[:200]


def least_length(values, depth=0):
    """A lower bound of the length of these values in JSON; looks at few of them, and into no text, where that is large.

    Infinite where they are nested deeper than `tame` keeps. May raise what a value's own class raises.
    """
    length = 0
    for value in values:
        kind = value.__class__
        if kind in PLAIN:
            continue
        if isinstance(value, _TEXTS):
            length += len(value)
        elif isinstance(value, (dict, list, tuple)):
            if depth > MAX_DEPTH:
                return float("inf")
            length += len(value)
            if length <= MAX_PAYLOAD:
                length += least_length(value.values() if isinstance(value, dict) else value, depth + 1)
        if length > MAX_PAYLOAD:
            break
    return length


def tame(value):
    """A copy of the value made of dict, list, str, int, float, bool and None only."""
    return _Tamer(MAX_TEXT, MAX_ITEMS).tame(value, 0)


def tame_to_fit(payload, length):
    """A much smaller copy of a payload that was still `length` long after taming, with a mark of its original size."""
    small = _Tamer(1024, 50, 400).tame(payload, 0)
    small["metadata" if "type" in small else "data"] = {
        "cut": "this record was cut: it had %d bytes and more" % length,
        "rest": _Tamer(256, 20, 100).tame(payload.get("data"), 0),
    }
    return small


def _cut(text, most):
    if len(text) <= most:
        return text
    return "%s... [cut: %d characters in all]" % (text[:most], len(text))


class _Tamer(object):
    def __init__(self, text, items, nodes=MAX_NODES):
        self._text = text
        self._items = items
        self._nodes = nodes
        self._letters = MAX_PAYLOAD  # more than that is cut down in any case: so it is not worth taming
        self._open = set()

    def tame(self, value, depth):
        self._nodes -= 1
        try:
            return self._tame(value, depth)
        except OF_VALUES:
            let_through(of_value=True)
            return self._tame_text(represent(value))

    def _tame(self, value, depth):
        if value is None or value is True or value is False:
            return value
        if isinstance(value, integer_types):
            return int(value) if -_LARGEST <= value < _LARGEST else represent(value)
        if isinstance(value, float):
            return float(value) if not (math.isnan(value) or math.isinf(value)) else represent(value)
        if isinstance(value, string_types):
            return self._tame_text(value)
        if isinstance(value, (dict, list, tuple)):
            return self._tame_container(value, depth)
        return self._tame_text(represent(value))

    def _tame_text(self, value):
        most = self._text if self._letters > 0 else 0
        self._letters -= min(len(value), most)
        value = _cut(value, most)
        if PY2 and isinstance(value, str):
            value = value.decode("utf-8", "replace")
        # half a surrogate pair is no text: it becomes the escape that Python shows for it
        if PY2:
            return _HALF_PAIR.sub(lambda half: text_type(repr(half.group())[2:-1]), value)
        return str(value).encode("utf-8", "backslashreplace").decode("utf-8")

    def _tame_container(self, value, depth):
        if id(value) in self._open:
            return "<cycle: this %s contains itself>" % type(value).__name__
        if depth >= MAX_DEPTH:
            return "<cut: %s at depth %d>" % (type(value).__name__, depth)
        if self._nodes < 0:
            return "<cut: too many values in one record>"
        self._open.add(id(value))
        try:
            if isinstance(value, dict):
                return self._tame_dict(value, depth)
            return self._tame_list(value, depth)
        finally:
            self._open.discard(id(value))

    def _tame_dict(self, value, depth):
        tamed = {}
        for key, item in list(islice(value.items(), self._items)):
            tamed[self._tame_key(key)] = self.tame(item, depth + 1)
        if len(value) > self._items:
            tamed["<cut>"] = "%d keys in all" % len(value)
        return tamed

    def _tame_key(self, key):
        if isinstance(key, string_types):
            return _cut(self._tame_text(key), 256)
        if key is None or key is True or key is False:
            return {None: "null", True: "true", False: "false"}[key]
        return _cut(represent(key), 256)

    def _tame_list(self, value, depth):
        tamed = [self.tame(item, depth + 1) for item in list(islice(value, self._items))]
        if len(value) > self._items:
            tamed.append("<cut: %d items in all>" % len(value))
        return tamed
