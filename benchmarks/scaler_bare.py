"""A bare gRPC server with KEDA's contract and one constant answer, to compare."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

import externalscaler_pb2 as pb
from externalscaler_pb2_grpc import (
    ExternalScalerServicer,
    add_ExternalScalerServicer_to_server,
)

_THREADS = 2  # as the scaler has
_VALUE = pb.MetricValue(metricName="gpu_trigger", metricValue=1, metricValueFloat=1)


class Constant(ExternalScalerServicer):
    """Always one Job."""

    def IsActive(self, request, context):  # noqa: N802
        """Yes."""
        return pb.IsActiveResponse(result=True)

    def GetMetrics(self, request, context):  # noqa: N802
        """One."""
        return pb.GetMetricsResponse(metricValues=[_VALUE])


def serve(port: int) -> None:
    """Until killed."""
    server = grpc.server(ThreadPoolExecutor(_THREADS))
    add_ExternalScalerServicer_to_server(Constant(), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
