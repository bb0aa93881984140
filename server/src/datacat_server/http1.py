"""HTTP as uvicorn speaks it, with DataCat's one shape of errors for what is no HTTP at all."""

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol

_BODY = msgspec.json.encode(
    {
        "error": "bad_request",
        "details": "this is not a request that HTTP/1.1 allows; look at its first line, its headers and its length",
    }
)


class Http1Protocol(H11Protocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read as a request, and hang up."""
        # Where an answer is under way already there is no room for another.
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(_BODY)).encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"cache-control", b"no-store"),
                (b"connection", b"close"),
            ]
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=_BODY),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
