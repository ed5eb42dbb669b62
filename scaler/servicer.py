"""The gRPC service that KEDA calls.

No call waits for anything but memory: KEDA sets no deadline of its own, so one that
hangs would freeze the ScaledJob without a word. And no call has a thread, so that
callers who never send their message, or never read the answer, hold nobody up.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TypeAlias

import grpc

import externalscaler_pb2 as pb
from externalscaler_pb2_grpc import ExternalScalerServicer
from scaler.metrics import ScalerTelemetry
from scaler.polling import NotKnownError
from scaler.replicas import Wanted
from scaler.trigger import METRIC, Trigger, TriggerError, read_trigger

MOST_STREAMS = 500  # each is looked at four times a second
MOST_STREAMS_OF_ONE = 50  # of one address, so that it leaves room for others
_TICK = 0.25  # seconds between looks for a change, while a stream is open
_SPEC = pb.GetMetricSpecResponse(
    metricSpecs=[pb.MetricSpec(metricName=METRIC, targetSize=1, targetSizeFloat=1)]
)


Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ScalerService(ExternalScalerServicer):
    """Answers KEDA for one ScaledJob, of which one Job takes care of the number 1.

    All of it belongs to one event loop.
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
        self._stopping = asyncio.Event()
        self._streams: Counter[str] = Counter()  # open ones, by address
        self._read: tuple[bytes, Trigger] | None = None

    def end_streams(self) -> None:
        """Let every open stream end."""
        self._stopping.set()

    async def GetMetricSpec(  # noqa: N802 - KEDA's name
        self, request: pb.ScaledObjectRef, context: Context
    ) -> pb.GetMetricSpecResponse:
        """The same for everyone, and never a failure: KEDA would tell no one of it."""
        with self._telemetry.call("GetMetricSpec"):
            return _SPEC

    async def GetMetrics(  # noqa: N802
        self, request: pb.GetMetricsRequest, context: Context
    ) -> pb.GetMetricsResponse:
        """The number of Jobs that should exist now."""
        with self._telemetry.call("GetMetrics"):
            if request.metricName not in (METRIC, ""):
                problem = f"metricName is {request.metricName[:60]!r}: only {METRIC}"
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)
            wanted = await self._answer(request.scaledObjectRef, context)
            value = pb.MetricValue(
                metricName=METRIC,
                metricValue=wanted.jobs,
                metricValueFloat=wanted.jobs,
            )
            return pb.GetMetricsResponse(metricValues=[value])

    async def IsActive(  # noqa: N802
        self, request: pb.ScaledObjectRef, context: Context
    ) -> pb.IsActiveResponse:
        """Whether any Job should exist now."""
        with self._telemetry.call("IsActive"):
            wanted = await self._answer(request, context)
            return pb.IsActiveResponse(result=wanted.jobs > 0)

    async def StreamIsActive(  # noqa: N802
        self, request: pb.ScaledObjectRef, context: Context
    ) -> AsyncIterator[pb.IsActiveResponse]:
        """The answer of IsActive at once, and again whenever it has changed."""
        await self._check_room(context)
        with self._open("StreamIsActive", context):
            told: bool | None = None
            while not self._stopping.is_set():
                active = (await self._answer(request, context)).jobs > 0
                if active != told:
                    yield pb.IsActiveResponse(result=active)
                    told = active
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _TICK)

    async def StreamMetricSpec(  # noqa: N802
        self, request: pb.ScaledObjectRef, context: Context
    ) -> AsyncIterator[pb.GetMetricSpecResponse]:
        """The answer of GetMetricSpec, which never changes."""
        await self._check_room(context)
        with self._open("StreamMetricSpec", context):
            yield _SPEC
            await self._stopping.wait()

    async def _check_room(self, context: Context) -> None:
        if self._streams[_address(context)] >= MOST_STREAMS_OF_ONE:
            problem = f"{MOST_STREAMS_OF_ONE} streams of this address are open"
        elif self._streams.total() >= MOST_STREAMS:
            problem = f"{MOST_STREAMS} streams are open already"
        else:
            return
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, problem)

    @contextmanager
    def _open(self, method: str, context: Context) -> Iterator[None]:
        address = _address(context)
        self._streams[address] += 1
        try:
            with self._telemetry.stream(method):
                yield
        finally:
            self._streams[address] -= 1
            if not self._streams[address]:
                del self._streams[address]

    async def _answer(self, request: pb.ScaledObjectRef, context: Context) -> Wanted:
        try:
            return self._wanted(self._trigger(request))
        except TriggerError as error:
            await _abort(context, grpc.StatusCode.INVALID_ARGUMENT, error)
        except NotKnownError as error:
            await _abort(context, grpc.StatusCode.UNAVAILABLE, error)

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


def _address(context: Context) -> str:
    return context.peer().rpartition(":")[0]  # without the port


async def _abort(context: Context, code: grpc.StatusCode, error: Exception) -> NoReturn:
    await context.abort(code, str(error))
    raise AssertionError  # abort raises; its type does not say so
