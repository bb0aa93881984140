"""The proxy's configuration in the guide to deployment, in front of a real server; only where nginx is installed."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from support.servers import Server

PAGE = Path(__file__).parents[2] / "docs/guides/deployment.md"
NAME = "datacat.example.org"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = pytest.mark.skipif(NGINX is None, reason="there is no nginx")


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    """The address of nginx, set as the page says, but for certificates, in front of both ports."""
    said = {"DATACAT_WEB_URL": f"https://{NAME}"}
    api = Server(tmp_path / "data", **said)
    pages = Server(tmp_path / "data", command="web", **said)
    port = free_port()
    site = re.search(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert site is not None
    text = re.sub(r"\n *ssl_certificate.*?;", "", site[1]).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    text = text.replace("127.0.0.1:9090", f"127.0.0.1:{api.port}").replace("127.0.0.1:8080", f"127.0.0.1:{pages.port}")
    temporary = [
        f"{kind}_temp_path {tmp_path / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    lines = ["daemon off;", f"pid {tmp_path / 'pid'};", "events {}", "http {", "access_log off;", *temporary, text, "}"]
    (tmp_path / "nginx.conf").write_text("\n".join(lines), encoding="utf-8")
    words = [str(NGINX), "-e", str(tmp_path / "error.log"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    nginx = subprocess.Popen(words)
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            client.get(f"http://127.0.0.1:{port}/health", headers={"Host": NAME})
        yield f"http://127.0.0.1:{port}"
    finally:
        nginx.terminate()
        nginx.wait(timeout=30)
        pages.stop()
        api.stop()


def test_api_pages_and_what_is_live_come_through_nginx_as_the_page_sets_it(proxy: str) -> None:
    with httpx.Client(base_url=proxy, headers={"Host": NAME}, timeout=30) as client:
        assert client.get("/health").json()["service"] == "datacat-server"
        assert client.post("/api/sessions", json={"product": "Game", "version": "1"}).status_code == 200
        large = b'{"kind":"session","id":"s","product":"P","version":"1","time":1795298400000000}\n' + b" " * 3_000_000
        taken = client.post("/api/ingest", content=large, headers={"Content-Type": "application/x-ndjson"})
        assert taken.status_code == 200, taken.text
        assert "Game" in client.get("/sessions").text
        with client.stream("GET", "/live") as stream:
            heard = stream.iter_lines()
            assert next(heard) == "event: watching"
            client.post("/api/sessions", json={"product": "Another", "version": "1"})
            assert "event: change" in heard
        assert client.get("/sessions", headers={"Host": "evil.example"}).status_code == 400
