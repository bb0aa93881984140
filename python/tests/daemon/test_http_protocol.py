"""Requests out of bytes: however these are cut into pieces, and whatever they are."""

from datacat_daemon.http.errors import HttpError
from datacat_daemon.http.protocol import MOST_BODY, MOST_HEAD, RequestReader
from hypothesis import given
from hypothesis import strategies as st

BODIES = st.binary(max_size=300)
PATHS = st.from_regex(r"/[a-z]{0,8}(\?[a-z]=[0-9]{0,3})?", fullmatch=True)
CUTS = st.lists(st.integers(0, 5000), max_size=30)
WORDS = [
    *(b"GET ", b"POST /event ", b"HTTP/1.1\r\n", b"\r\n", b"\r", b"\n", b"\r\n\r\n", b"Host: a\r\n", b": ", b"0\r\n"),
    *(
        b"Content-Length: ",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"5\r\nabcde\r\n",
        b"\0",
        b"\xff",
    ),
]


def with_length(path, body):
    return b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body)


def in_chunks(path, body):
    size = max(1, len(body) // 3)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % path.encode()
    return head + chunks + b"0\r\nTrailer: x\r\n\r\n"


def read(data, cuts):
    """The requests in the data, fed in pieces; and the error that ended them, if any."""
    reader = RequestReader()
    found = []
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in zip(edges, edges[1:], strict=False):
        reader.feed(data[start:end])
        try:
            while (request := reader.next()) is not None:
                found.append((request.head.method, request.head.target, request.body))
        except HttpError as error:
            return found, error.status
        assert reader.size <= MOST_HEAD + MOST_BODY + len(data)
    return found, None


@given(st.lists(st.tuples(st.sampled_from([with_length, in_chunks]), PATHS, BODIES), max_size=5), CUTS)
def test_requests_are_the_same_however_they_are_cut(requests, cuts):
    data = b"".join(write(path, body) for write, path, body in requests)
    assert read(data, cuts) == ([("POST", path, body) for _, path, body in requests], None)


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=20)), max_size=40), CUTS)
def test_whatever_comes_is_a_request_or_is_refused(words, cuts):
    data = b"".join(words)
    found, status = read(data, cuts)
    assert (found, status) == read(data, ()) and status in (None, 400, 413)
