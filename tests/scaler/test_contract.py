"""The contract with KEDA, and the code that is generated from it."""

import subprocess
import sys
from pathlib import Path

import pytest

import externalscaler_pb2 as pb

ROOT = Path(__file__).parents[2]
GENERATED = ["externalscaler_pb2.py", "externalscaler_pb2.pyi"]
GENERATED += ["externalscaler_pb2_grpc.py"]

# KEDA's numbers: what goes over the wire, whatever the names are here.
FIELDS = {
    "ScaledObjectRef": {"name": 1, "namespace": 2, "scalerMetadata": 3},
    "IsActiveResponse": {"result": 1},
    "GetMetricSpecResponse": {"metricSpecs": 1},
    "MetricSpec": {"metricName": 1, "targetSize": 2, "targetSizeFloat": 3},
    "GetMetricsRequest": {"scaledObjectRef": 1, "metricName": 2},
    "GetMetricsResponse": {"metricValues": 1},
    "MetricValue": {"metricName": 1, "metricValue": 2, "metricValueFloat": 3},
}


def test_the_committed_code_is_what_the_contract_generates(tmp_path):
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"-I{ROOT}",
            *outputs,
            "externalscaler.proto",
        ],
        check=True,
    )
    for name in GENERATED:
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), (
            f"{name} is not what externalscaler.proto gives: make proto"
        )


def test_the_service_has_the_five_calls_of_keda():
    service = pb.DESCRIPTOR.services_by_name["ExternalScaler"]
    assert service.full_name == "externalscaler.ExternalScaler"
    assert {each.name: each.server_streaming for each in service.methods} == {
        "IsActive": False,
        "StreamIsActive": True,
        "GetMetricSpec": False,
        "GetMetrics": False,
        "StreamMetricSpec": True,
    }


@pytest.mark.parametrize("message", FIELDS)
def test_the_fields_have_the_numbers_of_keda(message):
    fields = pb.DESCRIPTOR.message_types_by_name[message].fields
    assert {each.name: each.number for each in fields} == FIELDS[message]


def test_a_message_has_the_bytes_of_keda():
    value = pb.MetricValue(
        metricName="gpu_trigger", metricValue=1, metricValueFloat=1.0
    )
    expected = b"\n\x0bgpu_trigger\x10\x01\x19" + b"\x00" * 6 + b"\xf0?"
    assert value.SerializeToString() == expected
