"""A bare `grpc.aio` server with KEDA's contract and one constant answer, to compare."""

import asyncio
import sys

import grpc

import externalscaler_pb2 as pb
from externalscaler_pb2_grpc import (
    ExternalScalerServicer,
    add_ExternalScalerServicer_to_server,
)

_VALUE = pb.MetricValue(metricName="gpu_trigger", metricValue=1, metricValueFloat=1)


class Constant(ExternalScalerServicer):
    """Always one Job."""

    async def IsActive(self, request, context):  # noqa: N802
        """Yes."""
        return pb.IsActiveResponse(result=True)

    async def GetMetrics(self, request, context):  # noqa: N802
        """One."""
        return pb.GetMetricsResponse(metricValues=[_VALUE])


async def serve(port: int) -> None:
    """Until killed."""
    server = grpc.aio.server()
    add_ExternalScalerServicer_to_server(Constant(), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
