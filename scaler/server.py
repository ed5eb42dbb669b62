"""The gRPC server around the service: ports, health, reflection, and a gentle end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2_grpc import (
    add_ServerReflectionServicer_to_server,
)

import externalscaler_pb2 as pb
from common.errors import OperatorError
from externalscaler_pb2_grpc import add_ExternalScalerServicer_to_server
from scaler.servicer import MOST_STREAMS, STREAMS, ScalerService
from scaler.settings import GrpcSettings
from scaler.tls import Certificates

SERVICE = pb.DESCRIPTOR.services_by_name["ExternalScaler"].full_name
LIVENESS, READINESS = "liveness", "readiness"
_THREADS = 2  # for calls; more only wait for Python's lock, and calls for them
_SPARE = 2  # threads beside those of streams: to refuse one more, and for reflection
_TICK = 0.25  # seconds between looks whether we are ready
_LARGEST_REQUEST = 256 << 10  # bytes; KEDA sends the trigger's metadata, no more
_Status = health_pb2.HealthCheckResponse


def _server_options(settings: GrpcSettings) -> list[tuple[str, int]]:
    return [
        # A second scaler on this port must fail, not take half of the calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", _LARGEST_REQUEST),
        # KEDA sends no keepalive and looks up our address only for a new connection.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.max_connection_age_ms", int(settings.connection_age * 1000)),
        ("grpc.max_connection_age_grace_ms", 10_000),
        # Connections that never say a word.
        ("grpc.server_handshake_timeout_ms", 10_000),
    ]


class ScalerServer:
    """Serves KEDA, health checks and reflection on one port."""

    def __init__(
        self,
        settings: GrpcSettings,
        service: ScalerService,
        ready: Callable[[], bool],
    ) -> None:
        """Prepare; `ready` says, without waiting, whether an answer can be given."""
        self._settings = settings
        self._service = service
        self._ready = ready
        self._health = health.HealthServicer()
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, "calls"), options=_server_options(settings)
        )
        # What stays open keeps a thread, and may not keep one of those for calls.
        self._streams = ThreadPoolExecutor(MOST_STREAMS + _SPARE, "streams")
        self._told: bool | None = None
        self._stopping = threading.Event()
        self._watch = threading.Thread(
            target=self._keep_health, name="health", daemon=True
        )

    def start(self) -> int:
        """Open the port; gives its number.

        Raises:
            OperatorError: the port or the TLS files cannot be used.
        """
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        shown = reflection.ReflectionServicer(names)
        self._run_apart(self._service, *STREAMS)
        self._run_apart(shown, "ServerReflectionInfo")
        add_ExternalScalerServicer_to_server(self._service, self._server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_ServerReflectionServicer_to_server(shown, self._server)
        port = self._open_port()
        self._health.set(LIVENESS, _Status.SERVING)
        self._tell_health()
        self._server.start()
        self._watch.start()
        return port

    def _run_apart(self, servicer: object, *methods: str) -> None:
        for name in methods:
            method = partial(getattr(servicer, name))
            # By this attribute gRPC lets a method have threads of its own.
            method.experimental_thread_pool = self._streams  # type: ignore[attr-defined]
            setattr(servicer, name, method)

    def _open_port(self) -> int:
        it = self._settings
        address = f"{it.address}:{it.port}"
        try:
            if it.cert_file or it.key_file or it.client_ca_file:
                credentials = Certificates(it).credentials()
                return self._server.add_secure_port(address, credentials)
            return self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OperatorError(
                f"SCALER_PORT: cannot listen on {address}; is another scaler running?"
            ) from error

    def _keep_health(self) -> None:
        while not self._stopping.wait(_TICK):
            self._tell_health()

    def _tell_health(self) -> None:
        ready = self._ready()
        if ready == self._told:
            return  # who watches is told of each time that it is set
        self._told = ready
        status = _Status.SERVING if ready else _Status.NOT_SERVING
        # Liveness, and the server as a whole, are the process alone: a Prometheus that
        # is away must not have us restarted.
        for name in (READINESS, SERVICE):
            self._health.set(name, status)

    def stop(self) -> None:
        """Say that we go, take no new calls, and let those under way end."""
        self._stopping.set()
        if self._watch.is_alive():
            self._watch.join()
        self._health.enter_graceful_shutdown()
        self._service.end_streams()
        self._server.stop(self._settings.grace).wait()
