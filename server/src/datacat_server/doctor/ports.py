"""The two ports, and $DATACAT_URL: whether DataCat answers there, which version of it, or something else."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from datacat.address import server_address

from datacat_server import __version__
from datacat_server.config import Config
from datacat_server.doctor.findings import Finding, Level, bad, ok, warn
from datacat_server.store.sqlite.file.lock import server_of

ABOUT = "ports"
_SECONDS = 3
_MOST_READ = 65_536
_OURS = b"DataCat"
_NOBODY = "no server at"


def look_at_ports(config: Config, folder: Path, url: str | None = None) -> list[Finding]:
    """One finding for each of the two ports, and one for the server that clients and commands here are told of.

    Args:
        config: the settings.
        folder: of the data, which a server at another port may serve.
        url: of $DATACAT_URL, if it is set.
    """
    server, web = _look_at_server(config, folder), _look_at_web(config)
    if not url or _is_at(url, config):
        return [server, web]
    named = _look_at_named(url)
    # Where everything here sends to another server, none has to be at the usual port.
    return [named, web] if named.level is Level.OK and server.text.startswith(_NOBODY) else [server, named, web]


def _is_at(url: str, config: Config) -> bool:
    where = _address(config, config.server_port, tls=config.tls_cert_file is not None)
    return (server_address(url) or "").replace("//localhost", "//127.0.0.1") == where


def _look_at_named(url: str) -> Finding:
    where = server_address(url)
    if where is None:
        return bad(ABOUT, f"$DATACAT_URL is no address: {url}", "set it to one such as http://localhost:9090")
    body = _ask(where + "/health")
    said = None if body is None else _health(body)
    if said is None:
        advice = "start one there, or set $DATACAT_URL to where it is"
        return warn(ABOUT, f"$DATACAT_URL is {where}, where no DataCat server answers", advice)
    if said.get("version") != __version__:
        return _other_version(where, said)
    return ok(ABOUT, f"the server answers at {where}, which is $DATACAT_URL, version {__version__}")


def _other_version(where: str, said: dict[str, Any]) -> Finding:
    return warn(
        ABOUT,
        f"the server at {where} is version {said.get('version')}, this is {__version__}",
        "stop the server and start it again",
    )


def _look_at_server(config: Config, folder: Path) -> Finding:
    where = _address(config, config.server_port, tls=config.tls_cert_file is not None)
    body = _ask(where + "/health")
    if body is None:
        return _nobody(where, folder)
    said = _health(body)
    if said is None:
        return _otherwise(config, where)
    if said.get("version") != __version__:
        return _other_version(where, said)
    return ok(ABOUT, f"the server answers at {where}, version {__version__}")


def _nobody(where: str, folder: Path) -> Finding:
    server = server_of(folder)
    if server is None:
        return warn(ABOUT, f"{_NOBODY} {where}", "start it with `datacat up`, or set server_port to where it is")
    return warn(
        ABOUT, f"{_NOBODY} {where}; {server} serves {folder}, at another port", "say which one with --server-port"
    )


def _otherwise(config: Config, where: str) -> Finding:
    """Of a port where no server of ours answers as it is configured here: it may do so with TLS, or without."""
    told = config.tls_cert_file is not None
    other = _address(config, config.server_port, tls=not told)
    body = _ask(other + "/health")
    if body is None or _health(body) is None:
        return bad(
            ABOUT,
            f"something that is no DataCat server answers at {where}",
            "stop that program, or set server_port to a free port",
        )
    if told:
        return warn(
            ABOUT,
            f"the server at {other} speaks no TLS, though tls_cert_file is set here",
            "start it again with tls_cert_file and tls_key_file",
        )
    return warn(
        ABOUT,
        f"the server at {other} speaks TLS; doctor was not told",
        "set tls_cert_file and tls_key_file as the server has them: in the file of settings, or as options",
    )


def _health(body: bytes) -> dict[str, Any] | None:
    """What a server of DataCat says of itself; None where it is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said if isinstance(said, dict) and said.get("service") == "datacat-server" else None


def _look_at_web(config: Config) -> Finding:
    told = config.tls_cert_file is not None
    where = _address(config, config.web_port, tls=told)
    body = _ask(where + "/sessions")
    if body is None:
        return ok(ABOUT, f"no web UI at {where}; `datacat up` and `datacat-web` serve it")
    if _OURS in body:
        return ok(ABOUT, f"the web UI answers at {where}")
    other = _address(config, config.web_port, tls=not told)
    if _OURS in (_ask(other + "/sessions") or b""):
        return ok(ABOUT, f"the web UI answers at {other}")
    return bad(
        ABOUT,
        f"something that is no web UI of DataCat answers at {where}",
        "stop that program, or set web_port to a free port",
    )


def _address(config: Config, port: int, *, tls: bool) -> str:
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _ask(url: str) -> bytes | None:
    """What is answered there: empty for what is no HTTP, None where nobody listens."""
    context = ssl.create_default_context()
    # The certificate is for whoever comes over the network; here the question is only who answers.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=_SECONDS) as answer:
            return bytes(answer.read(_MOST_READ))
    except urllib.error.HTTPError as error:
        with error:
            return error.read(_MOST_READ)
    except urllib.error.URLError as error:
        refused = isinstance(error.reason, OSError) and not isinstance(error.reason, (TimeoutError, ssl.SSLError))
        return None if refused else b""
    except (OSError, http.client.HTTPException):
        return b""
