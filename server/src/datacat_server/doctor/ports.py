"""The two ports: whether DataCat answers there, which version of it, or something else."""

import http.client
import json
import ssl
import urllib.error
import urllib.request

from datacat_server import __version__
from datacat_server.config import Config
from datacat_server.doctor.findings import Finding, bad, ok, warn

ABOUT = "ports"
_SECONDS = 3
_MOST_READ = 65_536


def look_at_ports(config: Config) -> list[Finding]:
    """One finding for each of the two ports."""
    return [_look_at_server(config), _look_at_web(config)]


def _look_at_server(config: Config) -> Finding:
    where, body = _ask(config, config.server_port, "/health")
    if body is None:
        return warn(ABOUT, f"no server at {where}", "start it with `datacat up`, or set server_port to where it is")
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("service") != "datacat-server":
        return bad(
            ABOUT,
            f"something that is no DataCat server answers at {where}",
            "stop that program, or set server_port to a free port",
        )
    if said.get("version") != __version__:
        return warn(
            ABOUT,
            f"the server at {where} is version {said.get('version')}, this is {__version__}",
            "stop the server and start it again",
        )
    return ok(ABOUT, f"the server answers at {where}, version {__version__}")


def _look_at_web(config: Config) -> Finding:
    where, body = _ask(config, config.web_port, "/sessions")
    if body is None:
        return ok(ABOUT, f"no web UI at {where}; `datacat up` and `datacat-web` serve it")
    if b"DataCat" not in body:
        return bad(
            ABOUT,
            f"something that is no web UI of DataCat answers at {where}",
            "stop that program, or set web_port to a free port",
        )
    return ok(ABOUT, f"the web UI answers at {where}")


def _ask(config: Config, port: int, path: str) -> tuple[str, bytes | None]:
    """The address, and what is answered there: empty for what is no HTTP, None where nobody listens."""
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    where = f"{'https' if config.tls_cert_file else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    context = ssl.create_default_context()
    # The certificate is for whoever comes over the network; here the question is only who answers.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(where + path, timeout=_SECONDS) as answer:
            return where, answer.read(_MOST_READ)
    except urllib.error.HTTPError as error:
        with error:
            return where, error.read(_MOST_READ)
    except urllib.error.URLError as error:
        refused = isinstance(error.reason, OSError) and not isinstance(error.reason, (TimeoutError, ssl.SSLError))
        return where, None if refused else b""
    except (OSError, http.client.HTTPException):
        return where, b""
