"""The image, built, pushed and run by a real Docker engine."""

import json
import os
import re

import pytest

from tests.fixtures.engine import ROOT, ClosedNetwork, docker
from tests.fixtures.net import wait_until
from tests.fixtures.pins import pins_of
from tests.fixtures.site import Script


class Workstation:
    """A folder from which the launcher is run to build only."""

    def __init__(self, folder, registry):
        self.folder = folder
        self.repository = f"{registry.host}/posture-test"
        passed = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "PYTHON_IMAGE")
        self.environ = {name: os.environ[name] for name in passed if name in os.environ}
        self.environ |= {
            "IMAGE_REPOSITORY": self.repository,
            "IMAGE_ATTEST": "false",  # its scanner would come from Docker Hub
        }

    def build(self, *flags, **environ):
        arguments = ("--only", "build", "--yes", *flags)
        script = Script(self, "build_and_push.py", *arguments, **environ)
        script.wait(1800)
        return script


@pytest.fixture(scope="module")
def workstation(tmp_path_factory, registry):
    return Workstation(tmp_path_factory.mktemp("workstation"), registry)


@pytest.fixture(scope="module")
def built(workstation):
    """The image for both platforms: its name by digest, and its tag."""
    script = workstation.build()
    assert script.process.returncode == 0, script.output
    noted = json.loads((workstation.folder / "run" / "image.json").read_text())
    _remove_all_but(noted["image"])
    return noted["image"], noted["tag"]


def _remove_all_but(image):
    """Each version that these tests have built before holds 0.9 GB of this engine."""
    shown = ("--format", "{{.Repository}}@{{.Digest}}")
    ours = ("--filter", "reference=127.0.0.1:*/posture-test")
    listed = docker("image", "ls", "--digests", *ours, *shown).splitlines()
    if others := {*listed} - {image}:
        docker("image", "rm", "--force", *others, check=False)


def test_it_is_there_for_both_platforms_and_small_enough(built, registry):
    sizes = registry.sizes("posture-test", built[1])
    assert set(sizes) == {"linux/amd64", "linux/arm64"}
    assert sizes["linux/amd64"] <= 220e6
    assert sizes == registry.sizes("posture-test", "latest")


def test_it_was_tried_before_it_is_deployed(built, workstation):
    again = workstation.build()
    assert "is in the registry already" in again.output
    assert again.output.rstrip().endswith("tried")


def test_only_what_the_worker_needs_is_in_it(built):
    find = ("run", "--rm", "--entrypoint", "find", built[0])
    listed = docker(*find, "/app", "/packages", "-maxdepth", "1").splitlines()
    assert "/app/posture" in listed
    assert "/app/placement" not in listed
    packages = {path.rpartition("/")[2] for path in listed}
    assert "opencv_python_headless-5.0.0.93.dist-info" in packages
    assert not {"matplotlib", "kubernetes", "grpc", "sounddevice"} & packages
    assert not [each for each in packages if each.startswith("opencv_contrib")]


def test_no_secret_of_the_build_is_in_it(built):
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", built[0])
    environment = docker("inspect", "--format", "{{json .Config.Env}}", built[0])
    assert not re.search(r"PASSWORD|TOKEN|SUPABASE", history + environment)


def test_it_has_the_labels_of_an_image(built):
    labels = json.loads(
        docker("inspect", "--format", "{{json .Config.Labels}}", built[0])
    )
    assert labels["org.opencontainers.image.title"] == "posture-analyzer"
    assert labels["org.opencontainers.image.version"] == built[1]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_both_opencv_builds_are_of_one_version():
    here = pins_of(ROOT / "requirements.txt")["opencv-contrib-python"]
    there = pins_of(ROOT / "deploy" / "requirements-worker.txt")
    assert there["opencv-python-headless"] == here


def test_a_refusing_registry_is_named_with_its_remedy(workstation):
    script = workstation.build(IMAGE_REPOSITORY="127.0.0.1:9/posture")
    assert script.process.returncode == 1
    assert "check that the registry 127.0.0.1:9 runs" in script.output


def test_containers_that_an_interrupted_launch_left_are_removed(built, workstation):
    ours, other = (
        docker("run", "-d", *labels, "--entrypoint", "sleep", built[0], "600")
        for labels in (("--label", "posture-launcher"), ())
    )
    try:
        stopped = Script(workstation, "stop.py")
        stopped.wait()
        left = docker("ps", "-aq", "--no-trunc").split()
        assert ours not in left
        assert other in left
    finally:
        docker("rm", "-f", ours, other, check=False)


@pytest.fixture
def network(registry):
    made = ClosedNetwork()
    yield made
    made.close()


@pytest.fixture
def worker(built, network, broker, postgres):
    """The image at work: not root, nothing writable but its folders, no way out."""
    environ = broker.environ | postgres.environ | {
        "MQTT_HOST": network.gateway,
        "MQTT_PORT": str(network.let_through(broker.port)),
        "SUPABASE_HOST": network.gateway,
        "SUPABASE_PORT": str(network.let_through(postgres.port)),
    }  # fmt: skip
    settings = [f"--env={name}={text}" for name, text in environ.items()]
    container = docker(
        "run", "-d", "--read-only", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--network", network.name,
        "--volume", "/app/analyzed_images", "--volume", "/app/quarantine",
        "--health-interval", "1s", "--health-start-period", "1s", *settings, built[0],
    )  # fmt: skip
    yield container
    docker("rm", "-f", "-v", container)


def test_it_analyzes_a_picture_locked_in(worker, broker, postgres):
    def health():
        return docker("inspect", "--format", "{{.State.Health.Status}}", worker)

    wait_until(lambda: health() == "healthy", "the worker is healthy", 90, 0.5)
    broker.publish("images/pi1", (ROOT / "tests/images/good_1280_000.jpg").read_bytes())
    wait_until(postgres.rows, "the picture has its row", 60)
    (row,) = postgres.rows()
    assert row["posture_status"] == "Good"
    inside = ("exec", worker)
    assert docker(*inside, "id", "-u") == "10001"
    folder = "/app/analyzed_images/analyzed_images_from_pi1"
    assert docker(*inside, "ls", folder) == row["filename"]
    assert "Read-only" in docker(*inside, "touch", "/app/x", check=False)
    reach = "import socket; socket.create_connection(('192.0.2.1', 443), 3)"
    assert "unreachable" in docker(*inside, "python3", "-c", reach, check=False)

    broker.stop()
    wait_until(lambda: health() == "unhealthy", "the lost broker is noticed", 90, 0.5)
    docker("stop", "--time", "30", worker)
    code = docker("inspect", "--format", "{{.State.ExitCode}}", worker)
    assert code == "0", docker("logs", worker, check=False)
