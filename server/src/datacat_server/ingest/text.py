"""Lines that are nearly UTF-8 JSON, made so: a program that crashes often logs the text that made it crash."""

import json
import re
from typing import Any

_lone_surrogate = re.compile("[\ud800-\udfff]")
_escaped_surrogate = re.compile(rb"\\u[dD][89a-fA-F]")
_escaped_pair = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


def readable(line: bytes) -> bytes:
    """The line with bytes that are not UTF-8, and escaped halves of surrogate pairs, replaced by U+FFFD."""
    if not line.isascii():
        try:
            line.decode()
        except UnicodeDecodeError:
            line = line.decode(errors="replace").encode()
    if _escaped_surrogate.search(line) and _escaped_surrogate.search(_escaped_pair.sub(b"", line)):
        try:
            parsed = json.loads(line)
        except ValueError:
            return line  # not JSON at all: the decoder that comes next says where
        return json.dumps(_whole(parsed), ensure_ascii=False).encode()
    return line


def _whole(value: Any) -> Any:
    match value:
        case str():
            return _lone_surrogate.sub("\ufffd", value)
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
        case _:
            return value
