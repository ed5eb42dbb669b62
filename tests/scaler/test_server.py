"""The server around the service: health, reflection, TLS, restarts, rough clients."""

import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import grpc
import pytest
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from common.errors import OperatorError
from externalscaler_pb2_grpc import ExternalScalerStub
from scaler.replicas import Wanted
from scaler.server import DESCRIPTOR, LIVENESS, READINESS, SERVICE
from tests.fixtures.net import PATIENCE, wait_until
from tests.fixtures.scaler import reference, served_scaler
from tests.fixtures.tls import Authority

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def scaler():
    with served_scaler() as server:
        server.answer = Wanted(1, "waiting", "")
        yield server


def is_active(channel, timeout=10 * PATIENCE):
    return ExternalScalerStub(channel).IsActive(reference(), timeout=timeout).result


def failure(channel):
    with pytest.raises(grpc.RpcError) as caught:
        is_active(channel, timeout=5)
    return caught.value.code()


def test_reflection_shows_the_service(scaler):
    with scaler.channel() as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert SERVICE in database.get_services()
        file = database.FindFileContainingSymbol(SERVICE)
        assert [each.name for each in file.service[0].method] == [
            "IsActive",
            "StreamIsActive",
            "GetMetricSpec",
            "GetMetrics",
            "StreamMetricSpec",
        ]


def test_health_tells_readiness_apart_from_liveness(scaler):
    with scaler.channel() as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        def status(service):
            request = health_pb2.HealthCheckRequest(service=service)
            return stub.Check(request, timeout=10 * PATIENCE).status

        alive, ready = ("", LIVENESS), (READINESS, SERVICE)
        wait_until(lambda: {status(each) for each in ready} == {SERVING}, "ready")
        scaler.ready = False
        wait_until(lambda: {status(each) for each in ready} == {NOT_SERVING}, "unready")
        assert {status(each) for each in alive} == {SERVING}
        scaler.ready = True
        wait_until(lambda: {status(each) for each in ready} == {SERVING}, "ready again")


def test_who_watches_the_health_is_told_of_changes_and_of_nothing_else(scaler):
    with scaler.channel() as channel:
        request = health_pb2.HealthCheckRequest(service=READINESS)
        watched = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=30)
        assert next(watched).status == SERVING
        time.sleep(0.8)  # looks in which nothing changes
        scaler.ready = False
        assert next(watched).status == NOT_SERVING
        time.sleep(0.8)
        scaler.ready = True
        assert next(watched).status == SERVING
        watched.cancel()


def test_watching_and_looking_around_hold_nobody_up(scaler):
    with scaler.channel() as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch
        watched = [watch(health_pb2.HealthCheckRequest()) for _ in range(5)]
        assert {next(each).status for each in watched} == {SERVING}
        more = threading.Event()

        def questions():
            yield reflection_pb2.ServerReflectionRequest(list_services="")
            more.wait(60)  # the stream stays open

        around = reflection_pb2_grpc.ServerReflectionStub(channel)
        open_ones = [around.ServerReflectionInfo(questions()) for _ in range(5)]
        for each in open_ones:
            assert next(each).list_services_response.service
        assert is_active(channel) is True
        more.set()


def test_a_second_scaler_on_the_port_is_refused(scaler):
    with (
        pytest.raises(OperatorError, match=f"127.0.0.1:{scaler.port}; is another"),
        served_scaler(port=scaler.port),
    ):
        pass


def test_a_client_notices_that_the_scaler_has_stopped_and_is_back():
    with served_scaler() as first:
        channel = first.channel(("grpc.initial_reconnect_backoff_ms", 100))
        assert is_active(channel) is False
    states = []
    channel.subscribe(states.append)
    wait_until(
        lambda: (
            grpc.ChannelConnectivity.IDLE in states
            or grpc.ChannelConnectivity.TRANSIENT_FAILURE in states
        ),
        "the client is told that the server goes",
    )
    with served_scaler(port=first.port) as second:
        second.answer = Wanted(1, "waiting", "")
        stub = ExternalScalerStub(channel)
        answer = stub.IsActive(reference(), wait_for_ready=True, timeout=20 * PATIENCE)
        assert answer.result is True
        channel.close()


def test_an_old_connection_is_ended_so_that_the_address_is_looked_up_again():
    with served_scaler(connection_age=1.0) as scaler, scaler.channel() as channel:
        states = []
        channel.subscribe(states.append)
        assert is_active(channel) is False
        wait_until(
            lambda: grpc.ChannelConnectivity.IDLE in states[1:], "the connection ends"
        )
        assert is_active(channel) is False


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


def tls(certificate, key, client_ca=None):
    files = {"cert_file": str(certificate), "key_file": str(key)}
    return files | ({"client_ca_file": str(client_ca)} if client_ca else {})


def secure(scaler, authority, client=None):
    certificate, key = client or (None, None)
    credentials = grpc.ssl_channel_credentials(
        authority.certificate.read_bytes(),
        key and key.read_bytes(),
        certificate and certificate.read_bytes(),
    )
    return grpc.secure_channel(f"localhost:{scaler.port}", credentials)


def test_tls_is_spoken_and_plain_text_is_not(authority):
    with served_scaler(**tls(*authority.issue("server"))) as scaler:
        with secure(scaler, authority) as channel:
            assert is_active(channel) is False
        with scaler.channel() as plain:
            assert failure(plain) is StatusCode.UNAVAILABLE
        with secure(scaler, authority) as channel:
            assert is_active(channel) is False


def test_with_a_client_ca_only_its_clients_are_answered(authority, stranger):
    files = tls(*authority.issue("server"), authority.certificate)
    with served_scaler(**files) as scaler:
        with secure(scaler, authority, authority.issue("keda")) as channel:
            assert is_active(channel) is False
        refused = {
            "none": None,
            "of a stranger": stranger.issue("keda"),
            "expired": authority.issue("expired", days=-1),
        }
        for name, client in refused.items():
            with secure(scaler, authority, client) as channel:
                assert failure(channel) is StatusCode.UNAVAILABLE, name
        with secure(scaler, authority, authority.issue("keda")) as channel:
            assert is_active(channel) is False


def test_changed_certificates_are_used_without_a_restart(tmp_path, authority, stranger):
    files = [tmp_path / "tls.crt", tmp_path / "tls.key"]

    def install(pair):
        for source, target in zip(pair, files, strict=True):
            shutil.copy(source, target)

    install(authority.issue("server"))
    with served_scaler(**tls(*files)) as scaler:
        with secure(scaler, authority) as channel:
            assert is_active(channel) is False
        install(stranger.issue("server"))
        with secure(scaler, stranger) as channel:
            assert is_active(channel) is False
        with secure(scaler, authority) as channel:
            assert failure(channel) is StatusCode.UNAVAILABLE
        # Half of a change: the certificate no longer fits the key.
        files[0].write_bytes(authority.issue("server")[0].read_bytes())
        with secure(scaler, stranger) as channel:
            assert is_active(channel) is False


class MountedSecret:
    """A folder as the kubelet mounts a Secret: one link changes all files at once."""

    def __init__(self, folder):
        self._folder = folder
        folder.mkdir()
        self.files = [folder / name for name in ("tls.crt", "tls.key", "ca.crt")]
        for each in self.files:
            each.symlink_to(Path("..data") / each.name)

    def put(self, pair, *authorities):
        made = Path(tempfile.mkdtemp(dir=self._folder))
        for source, target in zip(pair, self.files[:2], strict=True):
            shutil.copy(source, made / target.name)
        bundle = b"".join(each.certificate.read_bytes() for each in authorities)
        (made / "ca.crt").write_bytes(bundle)
        link = self._folder / "..new"
        link.symlink_to(made.name)
        link.replace(self._folder / "..data")


def test_a_secret_changes_while_calls_go_on(tmp_path, authority, stranger):
    secret = MountedSecret(tmp_path / "tls")
    secret.put(authority.issue("server"), authority)
    keda = authority.issue("keda")
    answers, over = [], threading.Event()

    def call(scaler):
        with secure(scaler, authority, keda) as channel:
            while not over.wait(0.01):
                try:
                    answers.append(is_active(channel))
                except grpc.RpcError as error:
                    answers.append(error)

    with served_scaler(**tls(*secret.files)) as scaler:
        thread = threading.Thread(target=call, args=[scaler])
        thread.start()
        try:
            wait_until(lambda: len(answers) > 20, "calls go on")
            # Another authority: the old clients are to be answered for a while, too.
            secret.put(stranger.issue("server"), authority, stranger)
            with secure(scaler, stranger, stranger.issue("keda")) as channel:
                assert is_active(channel) is False
            many = len(answers) + 20
            wait_until(lambda: len(answers) > many, "calls go on")
            # And no longer: a new connection with the old one is refused.
            secret.put(stranger.issue("server"), stranger)
            with secure(scaler, stranger, authority.issue("late")) as channel:
                assert failure(channel) is StatusCode.UNAVAILABLE
            with secure(scaler, stranger, stranger.issue("keda")) as channel:
                assert is_active(channel) is False
        finally:
            over.set()
            thread.join(10)
    assert set(answers) == {False}


@pytest.mark.parametrize("broken", ["missing", "empty", "other key", "only one"])
def test_tls_files_that_cannot_be_used_are_named_at_the_start(
    tmp_path, authority, broken
):
    certificate, key = authority.issue("server")
    if broken == "missing":
        key = tmp_path / "missing.key"
    if broken == "empty":
        key = tmp_path / "empty.key"
        key.touch()
    if broken == "other key":
        key = authority.issue("other")[1]
    files = tls(certificate, key)
    if broken == "only one":
        del files["key_file"]
    with (
        pytest.raises(OperatorError, match=r"\.key|SCALER_KEY_FILE"),
        served_scaler(**files),
    ):
        pass


# Rough clients


def test_http_1_on_the_port_harms_nobody(scaler):
    with socket.create_connection(("127.0.0.1", scaler.port)) as line:
        line.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        line.settimeout(15)
        while line.recv(4096):
            pass
    with scaler.channel() as channel:
        assert is_active(channel) is True


def test_half_open_connections_harm_nobody(scaler):
    lines = [socket.create_connection(("127.0.0.1", scaler.port)) for _ in range(100)]
    lines[0].sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    begun = time.monotonic()
    with scaler.channel() as channel:
        assert is_active(channel) is True
    assert time.monotonic() - begun < 5
    for line in lines:
        line.close()


METHODS = [
    *(f"/{SERVICE}/{method.name}" for method in DESCRIPTOR.methods),
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
]


@pytest.mark.parametrize("method", METHODS)
def test_calls_that_never_send_their_message_hold_nobody_up(scaler, method):
    end = threading.Event()

    def nothing():
        end.wait(60)
        yield from ()

    with scaler.channel() as silent, scaler.channel(("a", 1)) as channel:
        call = silent.stream_stream(method)
        calls = [call(nothing()) for _ in range(150)]
        assert is_active(channel) is True
        request = health_pb2.HealthCheckRequest(service=LIVENESS)
        check = health_pb2_grpc.HealthStub(channel).Check
        assert check(request, timeout=10 * PATIENCE).status == SERVING
        for each in calls:
            each.cancel()
        end.set()


def test_streams_that_nobody_reads_hold_nobody_up(scaler):
    with scaler.channel() as silent, scaler.channel(("a", 1)) as channel:
        watch = health_pb2_grpc.HealthStub(silent).Watch
        unread = [watch(health_pb2.HealthCheckRequest()) for _ in range(150)]
        specs = ExternalScalerStub(silent).StreamMetricSpec
        unread += [specs(reference()) for _ in range(40)]
        assert is_active(channel) is True
        for each in unread:
            each.cancel()
