"""One HTTP exchange of JSON, with the standard library of Python 2 or 3."""

import json
import socket

from datacat._compat import PY2

if PY2:
    from urllib import quote

    from httplib import HTTPException
    from urllib2 import HTTPError, HTTPRedirectHandler, ProxyHandler, Request, URLError, build_opener
else:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.parse import quote
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

__all__ = ["exchange", "quote"]


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is answered as it is: the key goes to nobody but the server it is for."""

    def redirect_request(self, *arguments):
        return None


_opener = build_opener(ProxyHandler({}), _NoRedirect())


def exchange(method, url, body, api_key, timeout):
    """One request.

    Args:
        body: bytes of JSON, or None.
        api_key: sent as a bearer token, or None.
        timeout: seconds for every wait on the network.

    Returns (status, answer): the answer's JSON, None if it is not JSON; (None, error) where nobody answered.
    """
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if api_key:
        headers["Authorization"] = "Bearer %s" % api_key
    try:
        request = Request(url, data=body, headers=headers)
        request.get_method = lambda: method
        answer = _opener.open(request, timeout=timeout)
    except HTTPError as error:
        answer = error
    except (URLError, HTTPException, socket.error, ValueError) as error:
        return None, getattr(error, "reason", error)
    try:
        return answer.code, _json(answer.read())
    except (HTTPException, socket.error) as error:
        return None, error
    finally:
        answer.close()


def _json(body):
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError:
        return None
