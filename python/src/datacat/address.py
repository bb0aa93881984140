"""The address of a server, as people write it."""

import re

_WHOLE = re.compile(
    r"(https?)://([^\x00-\x20\x7f/?#@]*@)?"
    r"(\[[0-9a-f:.]+\]|[^\x00-\x20\x7f/?#@:\[\]]+)(?::([0-9]{1,5}))?"
    r"(/[^\x00-\x20\x7f?#]*)?\Z",
    re.IGNORECASE,
)


def server_address(text):
    """The address that is meant, without a slash at its end; None where the text cannot be the address of a server.

    `http://` is put before one without a scheme that looks like an address: with a port or a dot in it, or `localhost`.
    """
    text = text.strip()
    if "://" not in text:
        host = text.partition("/")[0]
        if host.lower() != "localhost" and ":" not in host and "." not in host:
            return None
        text = "http://" + text
    found = _WHOLE.match(text)
    if found is None or not 0 < int(found.group(4) or 80) < 65536:
        return None
    return found.group(1).lower() + text[found.end(1) :].rstrip("/")
