"""The gRPC server around the service: ports, health, reflection, and a gentle end."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

import externalscaler_pb2 as pb
from common.errors import OperatorError
from externalscaler_pb2_grpc import add_ExternalScalerServicer_to_server
from scaler.servicer import ScalerService
from scaler.settings import GrpcSettings
from scaler.tls import Certificates

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["ExternalScaler"]
SERVICE = DESCRIPTOR.full_name
LIVENESS, READINESS = "liveness", "readiness"
_TICK = 0.25  # seconds between looks whether we are ready
_LARGEST_REQUEST = 256 << 10  # bytes; KEDA sends the trigger's metadata, no more
_Status = health_pb2.HealthCheckResponse
_T = TypeVar("_T")


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
        # Connections that never say a word, that ask for nothing, that ask for much.
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.max_connection_idle_ms", 120_000),
        ("grpc.max_concurrent_streams", 1000),
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
        self._told: bool | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="calls", daemon=True
        )

    def start(self) -> int:
        """Open the port; gives its number.

        Raises:
            OperatorError: the port or the TLS files cannot be used.
        """
        self._thread.start()
        try:
            return self._run(self._start())
        except BaseException:
            self._end_loop()
            raise

    def stop(self) -> None:
        """Say that we go, take no new calls, and let those under way end."""
        if self._loop.is_closed():
            return
        self._run(self._stop())
        self._end_loop()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # The thread of the calls

    async def _start(self) -> int:
        self._server = grpc.aio.server(options=_server_options(self._settings))
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]
        add_ExternalScalerServicer_to_server(self._service, self._server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        port = self._open_port()
        await self._health.set(LIVENESS, _Status.SERVING)
        await self._tell_health()
        await self._server.start()
        self._watch = asyncio.create_task(self._keep_health())
        return port

    def _open_port(self) -> int:
        settings = self._settings
        address = f"{settings.address}:{settings.port}"
        try:
            if settings.cert_file or settings.key_file or settings.client_ca_file:
                credentials = Certificates(settings).credentials()
                return self._server.add_secure_port(address, credentials)
            return self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OperatorError(
                f"SCALER_PORT: cannot listen on {address}; is another scaler running?"
            ) from error

    async def _keep_health(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            await self._tell_health()

    async def _tell_health(self) -> None:
        ready = self._ready()
        if ready == self._told:
            return  # who watches is told of each time that it is set
        self._told = ready
        status = _Status.SERVING if ready else _Status.NOT_SERVING
        # Liveness, and the server as a whole, are the process alone: a Prometheus that
        # is away must not have us restarted.
        for name in (READINESS, SERVICE):
            await self._health.set(name, status)

    async def _stop(self) -> None:
        self._watch.cancel()
        with suppress(asyncio.CancelledError):
            await self._watch
        await self._health.enter_graceful_shutdown()
        self._service.end_streams()
        await self._server.stop(self._settings.grace)
