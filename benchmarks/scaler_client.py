"""A KEDA that calls as fast as it can: a process of its own for the benchmark.

For each line `METHOD CONCURRENT CALLS` on its standard input it makes that many calls,
so many at a time over one channel, and prints the seconds that all took and each
call's milliseconds as JSON.
"""

import asyncio
import json
import sys
import time

import grpc

import externalscaler_pb2 as pb
from externalscaler_pb2_grpc import ExternalScalerStub

_REFERENCE = pb.ScaledObjectRef(
    name="posture-analyzer-scaledjob",
    namespace="default",
    scalerMetadata={"scalerAddress": "posture-scaler.default:50051", "threshold": "80"},
)
REQUESTS = {
    "IsActive": _REFERENCE,
    "GetMetrics": pb.GetMetricsRequest(
        scaledObjectRef=_REFERENCE, metricName="gpu_trigger"
    ),
}


async def measure(stub: ExternalScalerStub, method: str, concurrent: int, calls: int):
    """Seconds for all calls, and milliseconds of each."""
    call, request = getattr(stub, method), REQUESTS[method]
    left, took = calls, []

    async def caller() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            begun = time.perf_counter()
            await call(request)
            took.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(concurrent)))
    return time.perf_counter() - begun, took


async def serve(target: str) -> None:
    """Answer the lines."""
    async with grpc.aio.insecure_channel(target) as channel:
        stub = ExternalScalerStub(channel)
        while line := await asyncio.to_thread(sys.stdin.readline):
            method, concurrent, calls = line.split()
            result = await measure(stub, method, int(concurrent), int(calls))
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
