"""The REST API from Python: one plain HTTP request a call, over the standard library."""

import itertools
import os

from datacat import machine
from datacat._compat import string_types
from datacat.address import server_address
from datacat.encode import encode, event_fields
from datacat.tame import MAX_ITEMS, represent

DEFAULT_URL = "http://localhost:9090"
REQUEST_TIMEOUT = 5.0


class DatacatError(Exception):
    """The server did not do what was asked.

    Attributes:
        status: the HTTP status, or None where no server answered.
        error: the kind of error, in a word or two.
        details: what to do about it.
    """

    def __init__(self, status, error, details):
        Exception.__init__(self, "%s: %s" % (error, details))
        self.status = status
        self.error = error
        self.details = details


class DatacatClient(object):
    """Calls of the REST API.

    Args:
        base_url: the server's address; by default $DATACAT_URL, else http://localhost:9090. Without a scheme: http.
        api_key: by default $DATACAT_API_KEY.
        timeout: seconds that one request may take.

    Reading calls and `create_session` raise DatacatError. Logging calls never raise: they answer the server's
    `{"status": "ok", ...}`, or `{"status": "error", "error": ..., "details": ...}`.
    """

    def __init__(self, base_url=None, api_key=None, timeout=REQUEST_TIMEOUT):
        named = named_server(base_url) or DEFAULT_URL
        self.base_url = server_address(named) or named
        self.api_key = api_key or os.environ.get("DATACAT_API_KEY") or None
        self.timeout = timeout

    def create_session(self, product=None, version=None, **fields):
        """Create a session and return its id. `fields` are further ones of POST /api/sessions."""
        body = {
            "product": product or default_product(),
            "version": version or default_version(),
            "machine_id": machine.machine_id(),
            "hostname": machine.hostname(),
            "boot_id": machine.boot_id(),
            "pid": os.getpid(),
        }
        body.update(fields)
        return self.request("POST", "/api/sessions", encode(body))["session_id"]

    def register_session(self, product=None, version=None, **fields):
        """The same as `create_session`."""
        return self.create_session(product, version, **fields)

    def get_session(self, session_id):
        """The whole session as a dict (shape: the REST API's)."""
        return self.request("GET", _session_path(session_id))

    def get_all_sessions(self):
        """Every session, as a list of dicts."""
        return self.request("GET", "/api/data/sessions")

    def update_state(self, session_id, state):
        """Deep merge a patch into the session's state."""
        return self.post(session_id, "state", encode({"state": state}))

    def log_event(self, session_id, name, data=None, **fields):
        """Log an event; `fields`: level, category, labels, message, group."""
        fields.update(event_fields(name, data))
        return self.post(session_id, "events", encode(fields))

    def log_metric(self, session_id, name, value, tags=None, **fields):
        """Log a metric, a gauge unless `type` says otherwise; `fields`: type, unit, count, delta, buckets."""
        fields.update({"name": name, "value": value, "tags": list(itertools.islice(tags or (), MAX_ITEMS))})
        fields.setdefault("type", "gauge")
        return self.post(session_id, "metrics", encode(fields))

    def heartbeat(self, session_id):
        """Say that the session lives."""
        return self.post(session_id, "heartbeat", b"{}")

    def end_session(self, session_id):
        """End the session."""
        return self.post(session_id, "end", b"{}")

    def post(self, session_id, what, body):
        """POST one encoded record to a session; never raises."""
        try:
            return self.request("POST", "%s/%s" % (_session_path(session_id), what), body)
        except DatacatError as error:
            return {"status": "error", "success": False, "error": error.error, "details": error.details}

    def request(self, method, path, body=None):
        """One HTTP request; the answer's JSON. Raises DatacatError."""
        from datacat import http  # most programs never need it, and it takes longer to import than all the rest

        status, answer = http.exchange(method, self.base_url + path, body, self.api_key, self.timeout)
        if status == 200 and answer is not None:
            return answer
        if status is None:
            details = "%s did not answer (%s); is the server running?" % (self.base_url, answer)
            raise DatacatError(None, "no_answer", details)
        if isinstance(answer, dict) and "error" in answer and "details" in answer:
            raise DatacatError(status, str(answer["error"]), str(answer["details"]))
        details = "%s answered %d, and this is not a DataCat server; its port is usually 9090" % (self.base_url, status)
        raise DatacatError(status, "http_%d" % status, details)


def named_server(base_url=None):
    """The server's address as somebody wrote it, here or in $DATACAT_URL; None where nobody did."""
    named = base_url or os.environ.get("DATACAT_URL") or ""
    return (named if isinstance(named, string_types) else represent(named)).strip() or None


def default_product():
    """$DATACAT_PRODUCT, else the main script's name."""
    return os.environ.get("DATACAT_PRODUCT") or machine.main_script()


def default_version():
    """$DATACAT_VERSION, else "unknown"."""
    return os.environ.get("DATACAT_VERSION") or "unknown"


def _session_path(session_id):
    from datacat import http

    return "/api/sessions/%s" % http.quote(str(session_id), safe="")
