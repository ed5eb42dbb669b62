"""docs/cluster.md, typed line by line on a bare Debian by a user who is not root.

The Debian is made here, with nothing in it but apt and sudo. Broker, database and
Prometheus are those that the guide installs; API server, controllers and scheduler are
real too. What cannot be there is stood in for: k3s (its kubeconfig is there), a
registry, and KEDA, which makes the Job. Its pod is the worker of the guide's own
virtual environment, told what the Secret and the ConfigMap say.

    WALK=1 make test-cluster ARGS=tests/deploy
"""

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.fixtures.boards import busy, nano, orin_6
from tests.fixtures.net import accepts, wait_until
from tests.fixtures.node_agent import AgentProcess
from tests.fixtures.ready_keda import running_keda
from tests.fixtures.site import NAME
from tests.fixtures.worker import ROOT

GUIDE = (ROOT / "docs/cluster.md").read_text()
MAIN = GUIDE.partition("## A camera")[0]
PORTS = (1883, 5432, 9090, 9108, 50051)
DIGEST = "sha256:" + "ab" * 32
ELSEWHERE = {
    "https://get.k3s.io": "installs Kubernetes on a machine",
    "https://github.com": "fetches the project, which is copied; KEDA is stood in for",
    "--in-cluster": "no pod reaches a loopback; see tests/launcher/test_in_cluster.py",
}
# A registry that has everything: the builds themselves are tried by tests/docker.
DOCKER = f"""#!/bin/sh
case "$*" in
"login"*)
    mkdir -p ~/.docker
    auth='{{"https://index.docker.io/v1/": {{}}}}'
    echo '{{"auths": '"$auth"'}}' >~/.docker/config.json ;;
"version"*) echo "stand-in, linux/amd64" ;;
"buildx inspect"*) printf 'Name: posture\\nDriver: docker-container\\n' ;;
"buildx imagetools"*) echo '{{"digest": "{DIGEST}"}}' ;;
"run"*) echo "No such image" >&2; exit 125 ;;
"ps"*) ;;
*) echo "stand-in: $*" >&2; exit 1 ;;
esac
"""
# As systemd does it: a folder in /run, and Mosquitto writes its pid itself, which the
# package's script for machines without systemd keeps it from.
SERVICE = """#!/bin/sh
mkdir -p "/run/$1" && chown "$1": "/run/$1" 2>/dev/null
[ "$1" = mosquitto ] || exec /usr/sbin/service "$@"
pid=/run/mosquitto/mosquitto.pid
[ ! -f $pid ] || { kill "$(cat $pid)"; sleep 1; }
[ "$2" = stop ] || exec mosquitto -d -c /etc/mosquitto/mosquitto.conf
"""
# As that of k3s, it looks where k3s has put its kubeconfig.
KUBECTL = """#!/bin/sh
export KUBECONFIG="${KUBECONFIG:-/etc/rancher/k3s/k3s.yaml}"
exec /usr/local/lib/kubectl "$@"
"""
# As a login shell on the master has it.
IN_THE_PROJECT = (
    "cd ~/posture-analyzer 2>/dev/null; "
    "[ ! -f .env ] || { set -a; . ./.env; set +a; }; "
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def typed(text):
    """Every line of the guide's indented blocks."""
    lines = re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
    return [line.partition("      #")[0].rstrip() for line in lines]


class Debian:
    """A bare Debian in a folder, with a user `engineer`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.transcript: list[str] = []
        tar = Path(os.environ.get("BARE_DEBIAN") or folder.parent / "bare.tar")
        if not tar.exists():
            include = "--include=ca-certificates,sudo"
            done = subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=apt", include, "bookworm", tar],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        folder.mkdir()
        subprocess.run(["tar", "-C", folder, "-xf", tar], check=True)
        self._let_out()
        self.root("useradd --create-home --shell /bin/bash engineer")
        rule = self.folder / "etc/sudoers.d/engineer"
        rule.write_text("engineer ALL=(ALL) NOPASSWD:ALL\n")
        # Services are started as they are in a container.
        self.put("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        # systemd would make a daemon's folder in /run.
        self.put("usr/local/sbin/service", SERVICE, 0o755)

    def _let_out(self) -> None:
        """The network of this machine: names, certificates, where packages are."""
        for name in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"):
            if Path(name).exists():
                shutil.copy(name, self.folder / name.lstrip("/"))
        bundle = Path("/etc/ssl/certs/ca-certificates.crt")
        shutil.copy(bundle, self.folder / str(bundle).lstrip("/"))

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def root(self, command: str) -> str:
        return self._run(["sh", "-c", command])

    def user(self, command: str, timeout: float = 900) -> str:
        """Type a line, in the project's folder, in a shell that knows .env."""
        self.transcript.append(f"engineer$ {command}")
        shell = IN_THE_PROJECT + command
        told = self._run(["su", "-", "engineer", "-c", shell], timeout)
        self.transcript.append(told)
        return told

    def _run(self, command: list[str], timeout: float = 900) -> str:
        mounts = [
            f"mount --rbind /{m} {self.folder}/{m}" for m in ("proc", "dev", "sys")
        ]
        script = [*mounts, f'exec chroot {self.folder} env -i PATH={PATH} "$@"']
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", "; ".join(script), "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}"
        return done.stdout

    def close(self) -> None:
        """End everything that runs in it."""
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if Path(f"/proc/{process.pid}/root").readlink() == self.folder:
                    process.kill()


@pytest.fixture(scope="module")
def debian(tmp_path_factory):
    if not os.environ.get("WALK"):
        pytest.skip("set WALK=1 to walk the guide: it takes ten minutes")
    if os.geteuid():
        pytest.skip("only root can make a bare Debian to walk in")
    if not shutil.which("mmdebstrap"):
        pytest.skip("mmdebstrap is missing: apt-get install mmdebstrap")
    if taken := [port for port in PORTS if accepts(port)]:
        pytest.skip(f"the guide's ports are taken on this machine: {taken}")
    made = Debian(tmp_path_factory.mktemp("walk") / "debian")
    yield made
    made.close()


@pytest.fixture
def cluster(debian, control_plane, tmp_path):
    """Two Jetsons with their node agents, and what k3s leaves on a master."""
    plane = control_plane
    boards = {"jetson1": nano(tmp_path / "1"), "jetson2": orin_6(tmp_path / "2")}
    boards["jetson1"].tell(700)
    boards["jetson2"].tell(100)
    agents = {}
    for number, (name, board) in enumerate(boards.items(), 1):
        address = f"127.0.0.{number + 10}"
        labels = {"kubernetes.io/hostname": name}
        plane.add_node(name, labels, address=address)
        agents[name] = AgentProcess(
            tmp_path,
            NODE_NAME=name,
            AGENT_ADDRESS=address,
            AGENT_PORT="9108",
            **board.environ,
        )
    flat = plane.kubectl("config", "view", "--raw", "--flatten")
    debian.put("etc/rancher/k3s/k3s.yaml", flat, 0o600)
    shutil.copy(plane.kubectl_path, debian.folder / "usr/local/lib/kubectl")
    debian.put("usr/local/bin/kubectl", KUBECTL, 0o755)
    debian.put("usr/local/bin/docker", DOCKER, 0o755)
    jetson1, jetson2 = boards.values()
    with busy(jetson1, 20), busy(jetson2, 20), running_keda(plane, "default") as keda:
        yield keda
    for agent in agents.values():
        agent.end()
    for name in boards:
        plane.remove_node(name)
    plane.kubectl("delete", "--ignore-not-found", "scaledjob", NAME)


def _copy_project(debian):
    home = debian.folder / "home/engineer/posture-analyzer"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, home / name)
    shutil.copytree(ROOT / "models", home / "models")
    debian.root("chown -R engineer: /home/engineer")


def test_no_more_than_twelve_lines_to_the_first_row():
    to_the_row = MAIN[: MAIN.index("A Job comes within")]
    lines = typed(to_the_row)
    assert len(lines) <= 12, lines


def test_the_guide_leads_from_a_bare_debian_to_a_row(debian, cluster):
    _copy_project(debian)
    # Alone on its loopback; a real master is told apart by its address.
    here = {"192.168.1.79": "127.0.0.1", "YOU/": "me/"}
    skipped = []
    try:
        for line in typed(MAIN):
            if any(where in line for where in ELSEWHERE):
                skipped.append(line)
                continue
            for before, after in here.items():
                line = line.replace(before, after)
            if line.startswith("sudo deploy/"):
                line = line.replace("sudo ", "sudo MASTER_ADDRESS=127.0.0.1 ")
            told = debian.user(line)
            if "publish_test_images.py" in line:
                _as_keda_and_kubelet(debian, cluster)
            if "--table" in line:
                assert re.search(r"^->  jetson2 .* yes$", told, re.MULTILINE), told
        assert "desk1" in told
        assert "jetson2" in told
        assert len(skipped) == 5, skipped
        debian.user(".venv/bin/python stop.py --all")
    finally:
        where = os.environ.get("WALK_TRANSCRIPT")
        if where:
            Path(where).write_text("\n".join(debian.transcript))


def _as_keda_and_kubelet(debian, keda):
    """KEDA makes the Job, and its pod runs on the node that was chosen."""
    plane = keda._plane
    keda.create_job()
    pods = []

    def placed():
        pods[:] = [p for p in plane.objects("pods") if p["spec"].get("nodeName")]
        return pods

    wait_until(placed, "the pod has a node", 60, 0.5)
    (pod,) = pods
    node = pod["spec"]["nodeName"]
    assert node == "jetson2"
    (container,) = pod["spec"]["containers"]
    assert container["image"] == f"me/posture-analyzer@{DIGEST}"
    told = plane.get("configmap", "posture-analyzer")["data"]
    secret = plane.get("secret", "posture-analyzer")["data"]
    told |= {k: base64.b64decode(v).decode() for k, v in secret.items()}
    told |= {e["name"]: e["value"] for e in container["env"] if "value" in e}
    told |= {"NODE_NAME": node, "EXIT_WHEN_IDLE": "5", "METRICS_PORT": "0"}
    environ = " ".join(f"{name}={json.dumps(text)}" for name, text in told.items())
    debian.user(f"env {environ} .venv/bin/python mqtt_posture_analyzer_with_db.py")
    plane.finish_pod(pod["metadata"]["name"], "default")
