"""HTTPS by the two settings, with real certificates: for the API, the pages, and after a renewal."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datacat_server import __version__

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")

Start = Callable[..., Any]

# The server looks for another certificate all the time, and writes a byte to a file at each look.
LOOKING = """
from datacat_server.serving import tls

look = tls.Certificate._look


def counted(certificate):
    with open("looks", "a") as looks:
        looks.write(".")
    return look(certificate)


tls.LOOK_SECONDS, tls.Certificate._look = 0.05, counted
"""


def make(folder: Path, name: str, *more: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key, "-out", certificate,
         *(more or ["-nodes"])],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def settings(certificate: Path, key: Path) -> list[str]:
    return ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]


def fetch(url: str, certificate: Path, headers: dict[str, str] | None = None) -> Any:
    context = ssl.create_default_context(cafile=str(certificate))
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=30, context=context)


def shown(url: str) -> str:
    """The certificate that a server shows to a new connection, in PEM."""
    place = urllib.parse.urlsplit(url)
    return ssl.get_server_certificate((str(place.hostname), place.port or 0))


def test_the_api_and_the_pages_speak_https(start: Start, tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "one")
    up = start("datacat", "up", "--server-port", "0", "--web-port", "0", *settings(certificate, key))
    web, api = up.addresses()
    assert web.startswith("https://")
    with fetch(f"{api}/health", certificate) as answer:
        assert answer.status == 200
    with fetch(f"{web}/sessions", certificate) as answer:
        assert f"https://localhost:{api.rpartition(':')[2]}" in answer.read().decode()
    plain = urllib.request.Request(api.replace("https:", "http:") + "/health")
    with pytest.raises(OSError):
        urllib.request.urlopen(plain, timeout=30)
    assert up.finish(signal.SIGTERM)[0] == 0


def test_the_doctor_knows_a_server_that_speaks_tls(start: Start, tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "one")
    up = start("datacat", "up", "--server-port", "0", "--web-port", "0", *settings(certificate, key))
    web, api = up.addresses()
    ports = ["--server-port", api.rpartition(":")[2], "--web-port", web.rpartition(":")[2]]

    def told(*words: str) -> list[str]:
        code, out, _ = start("datacat", "doctor", "--json", *ports, *words, DATACAT_SPOOL=str(tmp_path)).finish()
        assert code == 0
        findings = json.loads(out)["findings"]
        return [f"{one['level']}: {one['text']}" for one in findings if one["about"] == "ports"]

    assert told(*settings(certificate, key)) == [
        f"ok: the server answers at {api}, version {__version__}",
        f"ok: the web UI answers at {web}",
    ]
    assert told() == [
        f"warn: the server at {api} speaks TLS; doctor was not told",
        f"ok: the web UI answers at {web}",
    ]


def test_a_command_names_a_certificate_that_does_not_verify(start: Start, tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "one")
    [api] = start("datacat-server", "--port", "0", *settings(certificate, key)).addresses()
    code, _, err = start("datacat", "export", "--url", api).finish()
    assert code == 1
    assert err.startswith(f"error: {api}: its certificate does not verify: ")
    assert err.endswith(". Name the file of its authority in $SSL_CERT_FILE\n")
    assert start("datacat", "export", "--url", api, SSL_CERT_FILE=str(certificate)).finish()[0] == 0


def test_the_cookie_of_a_sign_in_is_secure(start: Start, tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "one")
    keys = ["--api-key", "sesame", "--require-api-key"]
    [web] = start("datacat-web", "--port", "0", *keys, *settings(certificate, key)).addresses()
    with fetch(f"{web}/sign-in", certificate) as answer:
        assert "Secure" in answer.headers["set-cookie"]


def test_a_renewed_certificate_is_shown_without_a_restart(start: Start, tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "one")
    server = start("datacat-server", "--port", "0", *settings(certificate, key))
    [api] = server.addresses()
    assert shown(api) == certificate.read_text()
    new_certificate, new_key = make(tmp_path, "two")
    renewed = new_certificate.read_text()
    os.replace(new_certificate, certificate)
    os.replace(new_key, key)
    while shown(api) != renewed:
        assert server.process.poll() is None
        time.sleep(0.1)
    with fetch(f"{api}/health", certificate) as answer:
        assert answer.status == 200


def test_a_renewal_that_will_not_do_leaves_the_old_certificate_and_says_so(start: Start, tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "one")
    old = certificate.read_text()
    log = tmp_path / "server.log"
    words = ["--port", "0", "--log-file", str(log), *settings(certificate, key)]
    server = start("datacat-server", *words, prelude=LOOKING)
    [api] = server.addresses()
    certificate.write_text("none")
    while "is not taken" not in log.read_text():
        assert server.process.poll() is None
        time.sleep(0.1)
    assert "tls_cert_file" in log.read_text()
    assert shown(api) == old
    looks = tmp_path / "looks"
    before = looks.stat().st_size
    while looks.stat().st_size < before + 5:
        assert server.process.poll() is None
        time.sleep(0.05)
    assert log.read_text().count("is not taken") == 1


def test_bad_files_are_named_with_their_setting(start: Start, tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "one")
    _, other_key = make(tmp_path, "two")
    _, locked_key = make(tmp_path, "three", "-passout", "pass:secret")
    broken = tmp_path / "broken.crt"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for words, complaint in [
        (settings(tmp_path / "none", key), f"tls_cert_file: {tmp_path}/none is not a file"),
        (settings(certificate, tmp_path / "none"), f"tls_key_file: {tmp_path}/none is not a file"),
        (settings(key, key), f"tls_cert_file: {key} holds no certificate in PEM"),
        (settings(certificate, certificate), f"tls_key_file: {certificate} holds no private key in PEM"),
        (settings(certificate, other_key), f"tls_key_file: {other_key} is not the key of the certificate in"),
        (settings(certificate, locked_key), f"tls_key_file: {locked_key} is protected by a password"),
        (settings(broken, key), "tls_cert_file, tls_key_file: "),
        (settings(certificate, key)[:2], "tls_key_file: is missing"),
    ]:
        code, out, err = start("datacat-server", "--port", "0", *words).finish()
        assert (code, out) == (1, ""), complaint
        assert err.startswith(f"error: {complaint}"), err
        assert "Traceback" not in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(start: Start, tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "one")
    key.chmod(0)
    code, _, err = start("datacat-server", "--port", "0", *settings(certificate, key)).finish()
    assert (code, err) == (1, f"error: tls_key_file: {key} cannot be read: Permission denied\n")
