"""Runs the API, the web UI or both in one event loop, until Ctrl-C or SIGTERM (on Windows Ctrl-Break, too)."""

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import msgspec
import uvicorn
from litestar.types import ASGIApp

from datacat_server.config import Config
from datacat_server.serving.http1 import Http1Protocol
from datacat_server.serving.tls import BadCertificate, Certificate

_STREAM_GRACE_SECONDS = 0.3
_GRACE_SECONDS = 3
_KEEP_ALIVE_SECONDS = 75  # daemons keep one connection, and may have nothing to send for a while
_BACKLOG = 2048
_THREADS = 64
_STOPPING_SIGNALS = [signal.SIGINT, signal.SIGTERM]
if sys.platform == "win32":
    _STOPPING_SIGNALS.append(signal.SIGBREAK)


class CannotServe(Exception):
    """The server cannot start; the message says why and what to do."""


Chore = Callable[[Config], Coroutine[None, None, None]]
"""Something to be done for as long as the server runs; it is cancelled at the end."""


@dataclass(frozen=True)
class Service:
    """Something to serve: makes its application once all ports are known; `setting` names the one that is its own."""

    create: Callable[[Config], ASGIApp]
    setting: str


def serve(
    services: Sequence[Service], config: Config, on_ready: Callable[[list[str]], None], chores: Sequence[Chore] = ()
) -> None:
    """Serve until told to stop. `on_ready` gets the addresses, in the order of the services.

    Raises CannotServe, before anything answers, when a port is taken or the TLS files will not do.
    """
    certificate = _certificate(config)
    _check_ports(services, config)
    sockets: list[socket.socket] = []
    try:
        for service in services:
            sockets.append(_listen(config.host, getattr(config, service.setting), service.setting))
        ports = {service.setting: port_of(listener) for service, listener in zip(services, sockets, strict=True)}
        asyncio.run(_run(services, sockets, msgspec.structs.replace(config, **ports), certificate, on_ready, chores))
    finally:
        for listener in sockets:
            listener.close()


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


async def _run(
    services: Sequence[Service],
    sockets: Sequence[socket.socket],
    config: Config,
    certificate: Certificate | None,
    on_ready: Callable[[list[str]], None],
    chores: Sequence[Chore],
) -> None:
    # Calls wait in threads for the commit that they share; the default of a few would let few share one.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "datacat-call"))
    servers = [_Server(_uvicorn_config(service.create(config), config, certificate)) for service in services]
    if certificate is not None:
        chores = [*chores, lambda _: certificate.keep_fresh()]
    with _stopping_on_signals(servers):
        async with _beside(chores, config), asyncio.TaskGroup() as tasks:
            for server, listener in zip(servers, sockets, strict=True):
                tasks.create_task(server.serve(sockets=[listener]))
            while not all(server.started or server.should_exit for server in servers):
                await asyncio.sleep(0.01)
            if all(server.started for server in servers):
                on_ready([_address(config, listener) for listener in sockets])


class _Server(uvicorn.Server):
    """One of several in a loop: signals are for all of them, so none takes them for itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: also hang up on those who keep a connection and do not go on."""
        if counter % 10 == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, Http1Protocol):
                    connection.hang_up_if_overdue()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is under way; answers that would go on for ever, as those to live pages, are hung up on."""
        hanging_up = asyncio.create_task(self._hang_up())
        try:
            await super().shutdown(sockets)
        finally:
            hanging_up.cancel()

    async def _hang_up(self) -> None:
        for streams_only, seconds in ((True, _STREAM_GRACE_SECONDS), (False, _GRACE_SECONDS)):
            await asyncio.sleep(seconds)
            for connection in list(self.server_state.connections):
                if not isinstance(connection, Http1Protocol):
                    continue
                # An answer that has begun and has not ended by now is a stream; any other is sent in one go.
                begun = connection.cycle is not None and connection.cycle.response_started
                if begun or not streams_only:
                    connection.transport.close()


def _uvicorn_config(app: ASGIApp, config: Config, certificate: Certificate | None) -> uvicorn.Config:
    of_uvicorn = uvicorn.Config(
        app,
        http=Http1Protocol,
        ws="none",  # nothing here speaks it; by itself uvicorn imports what it finds for it
        log_config=None,
        access_log=False,
        ssl_certfile=config.tls_cert_file,
        ssl_keyfile=config.tls_key_file,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=2 * _GRACE_SECONDS,
        server_header=False,
        # Who a request comes from is what the network says: a header that names another would be anybody's to set.
        proxy_headers=False,
    )
    if certificate is not None:
        of_uvicorn.load()
        assert of_uvicorn.ssl is not None
        certificate.serve(of_uvicorn.ssl)
    return of_uvicorn


@contextmanager
def _stopping_on_signals(servers: Sequence[uvicorn.Server]) -> Iterator[None]:
    """Ctrl-C and SIGTERM let what is under way finish; a second one does not wait for it."""

    def stop(signal_number: int, frame: object) -> None:
        for server in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    before = {number: signal.signal(number, stop) for number in _STOPPING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@asynccontextmanager
async def _beside(chores: Sequence[Chore], config: Config) -> AsyncIterator[None]:
    """While inside, the chores are done."""
    tasks = [asyncio.create_task(chore(config)) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def _check_ports(services: Sequence[Service], config: Config) -> None:
    taken: dict[int, str] = {}
    for service in services:
        port = getattr(config, service.setting)
        if port and port in taken:
            raise CannotServe(f"{taken[port]} and {service.setting} are both {port}; choose two different ports")
        taken[port] = service.setting


def _listen(host: str, port: int, setting: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise CannotServe(f"host {host!r} is not an address of this machine; set host to one that is") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":
            # There the other option would let two servers have one port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # A server that is started anew must not wait for the connections of the old one to time out.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotServe(_why_not(error, host, port, setting)) from None
    listener.setblocking(False)
    return listener


def _why_not(error: OSError, host: str, port: int, setting: str) -> str:
    flag = "--" + setting.replace("_", "-")
    match error:
        case PermissionError():
            return f"port {port} on {host} is not for ordinary users; take one above 1023 with {flag}"
        case OSError(errno=errno.EADDRINUSE):
            return (
                f"port {port} on {host} is in use by another program (perhaps DataCat is running already); "
                f"stop that program, or choose another port with {flag}"
            )
        case _:
            return f"port {port} on {host} cannot be used: {error.strerror}; set host to an address of this machine"


def _certificate(config: Config) -> Certificate | None:
    if config.tls_cert_file is None or config.tls_key_file is None:
        return None
    try:
        return Certificate(config.tls_cert_file, config.tls_key_file)
    except BadCertificate as error:
        raise CannotServe(str(error)) from None


def _address(config: Config, listener: socket.socket) -> str:
    scheme = "https" if config.tls_cert_file else "http"
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
