"""The scaler's TLS files, read again when they change."""

import logging
import ssl
from pathlib import Path

import grpc

from common.errors import OperatorError
from scaler.settings import GrpcSettings

log = logging.getLogger(__name__)


class Certificates:
    """Certificate, key and, for mutual TLS, the CA that the clients must come from."""

    def __init__(self, settings: GrpcSettings) -> None:
        """Read the files for the first time.

        Raises:
            OperatorError: a file is missing, unreadable or does not fit the others.
        """
        given = (settings.cert_file, settings.key_file)
        if not all(given):
            raise OperatorError(
                "SCALER_CERT_FILE and SCALER_KEY_FILE only work together"
                + ("" if any(given) else "; SCALER_CLIENT_CA_FILE needs both")
            )
        self._certificate, self._key = (Path(str(each)) for each in given)
        self._client_ca = settings.client_ca_file and Path(settings.client_ca_file)
        self._seen = self._stamps()
        self._configuration = self._load()

    def credentials(self) -> grpc.ServerCredentials:
        """For a server that asks for changed files at each new connection."""
        # gRPC's types do not know that None means no change.
        return grpc.dynamic_ssl_server_credentials(
            self._configuration,
            self._changed,  # type: ignore[arg-type]
            require_client_authentication=self._client_ca is not None,
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        # An exception here would be lost in gRPC's own thread, with the connection.
        try:
            stamps = self._stamps()
            if stamps == self._seen:
                return None
            self._seen = stamps
            self._configuration = self._load()
        except (OSError, OperatorError) as error:
            log.error("%s; the TLS files of before stay in use", error)  # noqa: TRY400
            return None
        log.info("TLS files read again: %s", self._certificate)
        return self._configuration

    def _files(self) -> list[Path]:
        named = [self._certificate, self._key]
        return [*named, Path(self._client_ca)] if self._client_ca else named

    def _stamps(self) -> list[tuple[int, int]]:
        # Followed links included: a mounted Secret changes by moving one.
        try:
            stats = [each.stat() for each in self._files()]
        except OSError as error:
            raise OperatorError(
                f"TLS file {error.filename}: {error.strerror}"
            ) from error
        return [(each.st_ino, each.st_mtime_ns) for each in stats]

    def _load(self) -> grpc.ServerCertificateConfiguration:
        # gRPC would take files that do not fit, and then refuse every connection.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self._certificate, self._key)
            if self._client_ca:
                context.load_verify_locations(self._client_ca)
            pair = (self._key.read_bytes(), self._certificate.read_bytes())
            roots = Path(self._client_ca).read_bytes() if self._client_ca else None
        except (OSError, ssl.SSLError) as error:
            named = ", ".join(str(each) for each in self._files())
            raise OperatorError(f"TLS files {named}: {error}") from error
        return grpc.ssl_server_certificate_configuration([pair], roots)
