"""What KEDA is answered, over a real connection."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc import StatusCode
from prometheus_client import generate_latest

import externalscaler_pb2 as pb
from scaler.polling import NotKnownError
from scaler.replicas import Wanted
from scaler.servicer import MOST_STREAMS_OF_ONE
from scaler.trigger import Trigger
from tests.fixtures.net import PATIENCE, wait_until
from tests.fixtures.scaler import reference, served_scaler

WANTED = Wanted(3, "waiting", "pictures may be waiting")
IDLE = Wanted(0, "idle", "nothing waits")


@pytest.fixture
def scaler():
    with served_scaler() as server:
        yield server


@pytest.fixture
def stub(scaler):
    with scaler.stub() as stub:
        yield stub


def metrics(stub, metadata=None, metric="gpu_trigger"):
    request = pb.GetMetricsRequest(
        scaledObjectRef=reference(metadata), metricName=metric
    )
    return stub.GetMetrics(request, timeout=10 * PATIENCE)


def failure(call, *arguments, **named):
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **named)
    return caught.value.code(), caught.value.details()


def test_one_job_takes_care_of_one(stub):
    answer = stub.GetMetricSpec(reference())
    assert answer.metricSpecs == [
        pb.MetricSpec(metricName="gpu_trigger", targetSize=1, targetSizeFloat=1.0)
    ]


def test_the_metric_is_the_number_of_jobs_in_both_fields(scaler, stub):
    scaler.answer = WANTED
    assert list(metrics(stub).metricValues) == [
        pb.MetricValue(metricName="gpu_trigger", metricValue=3, metricValueFloat=3.0)
    ]
    assert stub.IsActive(reference()).result is True


def test_without_wanted_jobs_it_is_inactive(stub):
    assert metrics(stub).metricValues[0].metricValue == 0
    assert stub.IsActive(reference()).result is False


def test_an_unknown_load_is_said_in_words_and_never_means_idle(scaler, stub):
    scaler.answer = NotKnownError("GPU loads: last read 65 s ago, limit 60 s")
    expected = (StatusCode.UNAVAILABLE, "GPU loads: last read 65 s ago, limit 60 s")
    assert failure(metrics, stub) == expected
    assert failure(stub.IsActive, reference()) == expected
    assert stub.GetMetricSpec(reference()).metricSpecs


def test_the_metadata_of_the_trigger_is_respected(scaler, stub):
    metrics(stub, {"threshold": "35", "scalerAddress": "a:1"})
    stub.IsActive(reference({"staleness": "9"}))
    assert scaler.asked == [Trigger(35, 60), Trigger(80, 9)]


@pytest.mark.parametrize("value", ["-1", "NaN", "1e9", "abc"])
def test_a_wrong_threshold_fails_where_keda_tells_the_user(stub, value):
    metadata = {"threshold": value}
    for code, text in (
        failure(metrics, stub, metadata),
        failure(stub.IsActive, reference(metadata)),
    ):
        assert code is StatusCode.INVALID_ARGUMENT
        assert f"threshold is {value!r}" in text
    # A failing GetMetricSpec would leave the ScaledJob Ready, and nothing is told.
    assert stub.GetMetricSpec(reference(metadata)).metricSpecs


def test_a_secret_in_the_metadata_is_refused_and_not_repeated(stub):
    code, text = failure(metrics, stub, {"password": "hunter2"})
    assert code is StatusCode.INVALID_ARGUMENT
    assert "password" in text
    assert "hunter2" not in text


def test_an_unknown_metric_is_refused(stub):
    code, text = failure(metrics, stub, metric="cpu")
    assert (code, "'cpu'" in text) == (StatusCode.INVALID_ARGUMENT, True)


def test_another_scaledjob_is_refused(stub):
    code, text = failure(stub.IsActive, reference(name="other"))
    assert code is StatusCode.INVALID_ARGUMENT
    assert "default/posture-analyzer-scaledjob, not default/other" in text


def test_a_megabyte_of_metadata_is_refused_and_the_server_lives(scaler, stub):
    scaler.answer = WANTED
    huge = {"threshold": "9" * (1 << 20)}
    assert failure(metrics, stub, huge)[0] is StatusCode.RESOURCE_EXHAUSTED
    many = {f"key{n}": "x" for n in range(10_000)}
    assert failure(metrics, stub, many)[0] is StatusCode.INVALID_ARGUMENT
    code, _ = failure(stub.IsActive, reference(), metadata=[("x", "y" * (1 << 20))])
    assert code in (StatusCode.RESOURCE_EXHAUSTED, StatusCode.UNAVAILABLE)
    assert stub.IsActive(reference(), wait_for_ready=True).result is True


def test_a_stream_tells_each_change(scaler, stub):
    stream = stub.StreamIsActive(reference(), timeout=30 * PATIENCE)
    assert next(stream).result is False
    scaler.answer = WANTED
    assert next(stream).result is True
    scaler.answer = IDLE
    assert next(stream).result is False
    stream.cancel()


def test_a_stream_ends_with_words_when_the_loads_become_unknown(scaler, stub):
    stream = stub.StreamIsActive(reference(), timeout=30 * PATIENCE)
    assert next(stream).result is False
    scaler.answer = NotKnownError("GPU loads: unknown")
    expected = (StatusCode.UNAVAILABLE, "GPU loads: unknown")
    assert failure(next, stream) == expected


def test_the_stream_of_specs_says_the_same_as_the_call(stub):
    stream = stub.StreamMetricSpec(reference(), timeout=30 * PATIENCE)
    assert next(stream) == stub.GetMetricSpec(reference())
    stream.cancel()


def test_two_hundred_calls_at_once_are_all_answered(scaler, stub):
    scaler.answer = WANTED
    with ThreadPoolExecutor(50) as pool:
        calls = [
            stub.IsActive.future(reference(), timeout=30 * PATIENCE) for _ in range(200)
        ]
        assert all(pool.map(lambda call: call.result().result, calls))


def test_fifty_open_streams_hold_nobody_up(scaler, stub):
    streams = [stub.StreamIsActive(reference(), timeout=60) for _ in range(50)]
    assert [next(each).result for each in streams] == [False] * 50
    assert stub.IsActive(reference(), timeout=10 * PATIENCE).result is False
    scaler.answer = WANTED
    assert [next(each).result for each in streams] == [True] * 50
    for each in streams:
        each.cancel()
    closed = "posture_scaler_open_streams 0.0"
    wait_until(lambda: closed in exposition(scaler), "the streams are closed")


def test_a_stream_for_which_there_is_no_room_is_refused_in_words(stub):
    streams = [
        stub.StreamIsActive(reference(), timeout=60) for _ in range(MOST_STREAMS_OF_ONE)
    ]
    for each in streams:
        next(each)
    expected = (
        StatusCode.RESOURCE_EXHAUSTED,
        "50 streams of this address are open",
    )

    assert (
        failure(next, stub.StreamMetricSpec(reference(), timeout=10 * PATIENCE))
        == expected
    )
    assert stub.IsActive(reference(), timeout=10 * PATIENCE).result is False
    streams.pop().cancel()
    wait_until(lambda: answers(stub.StreamMetricSpec), "there is room again")
    for each in streams:
        each.cancel()


def answers(method):
    stream = method(reference(), timeout=10 * PATIENCE)
    try:
        next(stream)
    except grpc.RpcError:
        return False
    stream.cancel()
    return True


def test_a_client_that_never_reads_holds_nobody_up(scaler, stub):
    silent = [stub.StreamIsActive(reference(), timeout=60) for _ in range(10)]
    wait_until(
        lambda: "posture_scaler_open_streams 10.0" in exposition(scaler),
        "the streams are open",
    )
    for number in range(20):
        scaler.answer = WANTED if number % 2 else IDLE
        assert stub.IsActive(reference(), timeout=10 * PATIENCE).result is bool(
            number % 2
        )
    for each in silent:
        each.cancel()


def test_the_metrics_tell_calls_errors_times_and_the_reason(scaler, stub):
    scaler.answer = WANTED
    metrics(stub)
    stub.IsActive(reference())
    failure(metrics, stub, {"threshold": "x"})
    wanted = {
        'posture_scaler_calls_total{method="GetMetrics"} 2.0',
        'posture_scaler_errors_total{method="GetMetrics"} 1.0',
        'posture_scaler_call_seconds_count{method="IsActive"} 1.0',
    }
    # KEDA has its answers a little before the calls have ended here, each for itself.
    wait_until(
        lambda: wanted <= set(exposition(scaler).splitlines()), "all are counted"
    )
    assert 'posture_scaler_errors_total{method="IsActive"} 0.0' in exposition(scaler)


def exposition(scaler):
    return generate_latest(scaler.telemetry.registry).decode()


def test_calls_while_streams_are_open_end_with_the_server(scaler):
    with scaler.stub() as stub:
        stream = stub.StreamIsActive(reference(), timeout=60)
        next(stream)
        stopping = threading.Thread(target=scaler.stop)
        stopping.start()
        assert list(stream) == []
        stopping.join(10)
        assert not stopping.is_alive()
