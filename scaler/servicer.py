"""The gRPC service that KEDA calls.

No call waits for anything but memory: KEDA sets no deadline of its own, so one that
hangs would freeze the ScaledJob without a word.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import grpc

import externalscaler_pb2 as pb
from externalscaler_pb2_grpc import ExternalScalerServicer
from scaler.metrics import ScalerTelemetry
from scaler.polling import NotKnownError
from scaler.replicas import Wanted
from scaler.trigger import METRIC, Trigger, TriggerError, read_trigger

STREAMS = ("StreamIsActive", "StreamMetricSpec")
MOST_STREAMS = 100  # each keeps a thread
_TICK = 0.25  # seconds between looks for a change, while a stream is open
_SPEC = pb.GetMetricSpecResponse(
    metricSpecs=[pb.MetricSpec(metricName=METRIC, targetSize=1, targetSizeFloat=1)]
)


class ScalerService(ExternalScalerServicer):
    """Answers KEDA for one ScaledJob, of which one Job takes care of the number 1.

    Any number of threads may call it.
    """

    def __init__(
        self,
        wanted: Callable[[Trigger], Wanted],
        defaults: Trigger,
        scaled_job: tuple[str, str],
        telemetry: ScalerTelemetry,
    ) -> None:
        """Prepare; `scaled_job` is the namespace and name of the one that is served.

        `wanted` must not wait, and raises NotKnownError when a reading is too old.
        """
        self._wanted = wanted
        self._defaults = defaults
        self._scaled_job = scaled_job
        self._telemetry = telemetry
        self._stopping = threading.Event()
        self._room = threading.BoundedSemaphore(MOST_STREAMS)
        self._read: tuple[bytes, Trigger] | None = None

    def end_streams(self) -> None:
        """Let every open stream end."""
        self._stopping.set()

    def GetMetricSpec(  # noqa: N802 - KEDA's name
        self, request: pb.ScaledObjectRef, context: grpc.ServicerContext
    ) -> pb.GetMetricSpecResponse:
        """The same for everyone, and never a failure: KEDA would tell no one of it."""
        with self._telemetry.call("GetMetricSpec"):
            return _SPEC

    def GetMetrics(  # noqa: N802
        self, request: pb.GetMetricsRequest, context: grpc.ServicerContext
    ) -> pb.GetMetricsResponse:
        """The number of Jobs that should exist now."""
        with self._telemetry.call("GetMetrics"):
            if request.metricName not in (METRIC, ""):
                problem = f"metricName is {request.metricName[:60]!r}: only {METRIC}"
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)
            wanted = self._answer(request.scaledObjectRef, context)
            value = pb.MetricValue(
                metricName=METRIC,
                metricValue=wanted.jobs,
                metricValueFloat=wanted.jobs,
            )
            return pb.GetMetricsResponse(metricValues=[value])

    def IsActive(  # noqa: N802
        self, request: pb.ScaledObjectRef, context: grpc.ServicerContext
    ) -> pb.IsActiveResponse:
        """Whether any Job should exist now."""
        with self._telemetry.call("IsActive"):
            wanted = self._answer(request, context)
            return pb.IsActiveResponse(result=wanted.jobs > 0)

    def StreamIsActive(  # noqa: N802
        self, request: pb.ScaledObjectRef, context: grpc.ServicerContext
    ) -> Iterator[pb.IsActiveResponse]:
        """The answer of IsActive at once, and again whenever it has changed."""
        with self._open("StreamIsActive", context):
            told: bool | None = None
            for _ in self._looks(context):
                active = self._answer(request, context).jobs > 0
                if active != told:
                    yield pb.IsActiveResponse(result=active)
                    told = active

    def StreamMetricSpec(  # noqa: N802
        self, request: pb.ScaledObjectRef, context: grpc.ServicerContext
    ) -> Iterator[pb.GetMetricSpecResponse]:
        """The answer of GetMetricSpec, which never changes."""
        with self._open("StreamMetricSpec", context):
            yield _SPEC
            for _ in self._looks(context):
                pass

    @contextmanager
    def _open(self, method: str, context: grpc.ServicerContext) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            problem = f"{MOST_STREAMS} streams are open already"
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, problem)
        try:
            with self._telemetry.stream(method):
                yield
        finally:
            self._room.release()

    def _looks(self, context: grpc.ServicerContext) -> Iterator[None]:
        """Now and every moment, as long as somebody listens and we go on."""
        while context.is_active() and not self._stopping.is_set():
            yield
            self._stopping.wait(_TICK)

    def _answer(
        self, request: pb.ScaledObjectRef, context: grpc.ServicerContext
    ) -> Wanted:
        try:
            return self._wanted(self._trigger(request))
        except TriggerError as error:
            _abort(context, grpc.StatusCode.INVALID_ARGUMENT, error)
        except NotKnownError as error:
            _abort(context, grpc.StatusCode.UNAVAILABLE, error)

    def _trigger(self, request: pb.ScaledObjectRef) -> Trigger:
        # KEDA asks the same again and again: what was asked last is not read twice.
        asked = request.SerializeToString()
        if not self._read or self._read[0] != asked:
            self._check_name(request)
            self._read = asked, read_trigger(request.scalerMetadata, self._defaults)
        return self._read[1]

    def _check_name(self, request: pb.ScaledObjectRef) -> None:
        # Two ScaledJobs with the same answer would make twice the Jobs.
        asked = (request.namespace, request.name)
        if request.name and asked != self._scaled_job:
            served = "/".join(self._scaled_job)
            raise TriggerError(
                f"this scaler serves {served}, not {'/'.join(asked)[:120]}: start "
                "another one with its own --namespace and --scaledjob"
            )


def _abort(
    context: grpc.ServicerContext, code: grpc.StatusCode, error: Exception
) -> NoReturn:
    context.abort(code, str(error))
    raise AssertionError  # abort raises; its type does not say so
