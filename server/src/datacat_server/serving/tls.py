"""The certificate of the server: checked at the start, and taken anew when its files have changed."""

import asyncio
import logging
import ssl
from pathlib import Path

LOOK_SECONDS = 2.0

_log = logging.getLogger("datacat.tls")

_Stamp = tuple[int, int, int]


class BadCertificate(Exception):
    """The TLS files will not do; the message names the setting and says why."""


class Certificate:
    """What `tls_cert_file` and `tls_key_file` hold. Raises BadCertificate."""

    def __init__(self, certificate: str, key: str) -> None:
        self._files = (certificate, key)
        self._stamps = self._look()
        self._context = _load(certificate, key)

    def serve(self, context: ssl.SSLContext) -> None:
        """Have a context show to each new connection the certificate that holds at that time."""

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            connection.context = self._context

        context.sni_callback = choose

    async def keep_fresh(self) -> None:
        """Look for renewed files, until cancelled. Where they will not do, the old certificate stays.

        A pair that is only half written is no error: it has until the next look to become whole.
        """
        failed: tuple[_Stamp | None, ...] | None = None
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            stamps = self._look()
            if stamps == self._stamps:
                continue
            try:
                self._context = _load(*self._files)
            except BadCertificate as error:
                if stamps == failed:
                    _log.error("the renewed certificate is not taken, the old one stays: %s", error)
                    self._stamps = stamps
                failed = stamps
            else:
                self._stamps = stamps
                _log.info("the certificate in %s was renewed", self._files[0])

    def _look(self) -> tuple[_Stamp | None, ...]:
        return tuple(_stamp(file) for file in self._files)


def _stamp(file: str) -> _Stamp | None:
    """What changes when a file does; None where there is none."""
    try:
        status = Path(file).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _load(certificate: str, key: str) -> ssl.SSLContext:
    _check("tls_cert_file", certificate, "CERTIFICATE", "certificate")
    _check("tls_key_file", key, "PRIVATE KEY", "private key")

    def no_password() -> str:
        # OpenSSL would ask for it at the terminal, of a server that may have none.
        raise BadCertificate(f"tls_key_file: {key} is protected by a password; DataCat needs one without")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadCertificate(f"tls_key_file: {key} is not the key of the certificate in {certificate}") from None
        raise BadCertificate(
            f"tls_cert_file, tls_key_file: {certificate} and {key} cannot be used: {error.reason or error}"
        ) from None
    return context


def _check(setting: str, file: str, label: str, what: str) -> None:
    path = Path(file)
    if not path.is_file():
        raise BadCertificate(f"{setting}: {file} is not a file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadCertificate(f"{setting}: {file} cannot be read: {error.strerror}") from None
    if f"{label}-----".encode() not in content:
        raise BadCertificate(f"{setting}: {file} holds no {what} in PEM")
