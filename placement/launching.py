"""Putting a run up, step by step. Each step can be done again, and can be undone."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from options import Option
from placement import blueprints, manifest, processes
from placement.chooser import Chooser
from placement.cluster import Cluster
from placement.containers import Docker
from placement.errors import PlacementError
from placement.images import content_tag
from placement.launcher_settings import CONTENT, LauncherSettings
from placement.metrics import Prometheus
from placement.objects import CONFIGMAP, SCALEDJOB, SECRET, Objects
from placement.policy import Decision
from placement.trace import HELPERS, Trace

_UP_WITHIN = 30.0  # seconds for the helpers to answer
_TICK = 0.2


@dataclass(frozen=True)
class Launching:
    """The steps of a launch, but for the checks before and the stop after."""

    settings: LauncherSettings
    worker: Sequence[tuple[Option, str]]
    """What the worker is told: options and their texts."""

    model: str
    root: Path
    """The folder with the Dockerfile and the scripts."""

    trace: Trace
    open_cluster: Callable[[], Cluster]
    docker: Docker
    environ: Mapping[str, str]
    """Of the helpers, with what the flags say."""

    lock: int
    """Descriptor of the lock of this run."""

    skip_build: bool = False

    # The image

    def build(self) -> str:
        """Build and push the image, unless it is in the registry already."""
        it = self.settings.image
        arguments = {"MODELS": self.model}
        if it.base:
            arguments["PYTHON_IMAGE"] = it.base
        tag, digest = it.tag, None
        if tag == CONTENT:
            platforms = {"platforms": ",".join(sorted(it.platforms))}
            tag = content_tag(self.root, arguments | platforms)
            digest = self.docker.digest(f"{it.repository}:{tag}")
        did = "is in the registry already" if digest else "built and pushed"
        if digest is None:
            arguments |= {"VERSION": tag}
            digest = self.docker.build(
                self.root, it.repository, (tag, "latest"), it.platforms, arguments
            )
        image = f"{it.repository}@{digest}"
        tried = self.docker.try_image(image)
        self.trace.image.write_text(json.dumps({"image": image, "tag": tag}))
        return f"{it.repository}:{tag} {did}, {tried}, {digest[:19]}"

    def image(self) -> str:
        """The image that the Jobs run: by digest if we built it here, else by tag."""
        it = self.settings.image
        tag = "latest" if it.tag == CONTENT else it.tag
        try:
            built = json.loads(self.trace.image.read_text())
            image: str = built["image"]
        except (OSError, ValueError, KeyError, TypeError):
            return f"{it.repository}:{tag}"
        ours = image.startswith(f"{it.repository}@")
        wanted = it.tag in (CONTENT, built.get("tag"))
        return image if ours and wanted else f"{it.repository}:{tag}"

    # The cluster

    def set_settings(self) -> str:
        """Create or update the worker's Secret and ConfigMap."""
        objects = self._objects()
        secret = blueprints.secret(self.worker)
        config_map = blueprints.config_map(self.worker)
        objects.apply(SECRET, secret)
        objects.apply(CONFIGMAP, config_map)
        counts = f"{len(secret['data'])} secret, {len(config_map['data'])} open values"
        return f"Secret and ConfigMap {blueprints.SETTINGS}: {counts}"

    def declare_session(self) -> str:
        """Have the broker keep pictures for the worker from now on."""
        command = [sys.executable, "mqtt_posture_analyzer_with_db.py", "declare"]
        # What the pod knows the broker by: its own settings, not the helpers'.
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            raise PlacementError("the broker did not answer within 60 s") from error
        with self.trace.log.open("a") as log:
            log.write(done.stderr)
        if done.returncode:
            raise PlacementError(_last_lines(done.stderr, 2))
        return _last_lines(done.stderr, 1).rpartition(" MainThread ")[2]

    def scaledjob(self, image: str) -> tuple[manifest.ScaledJob, Decision]:
        """The ScaledJob as it is to be, pinned to the node that is best now.

        Raises:
            PlacementError: no node can be chosen, or it cannot be found out.
        """
        it = self.settings
        wanted = manifest.read_manifest(it.manifest.base)
        decision = self._choose(wanted)
        if decision.node is None or decision.hostname is None:
            raise PlacementError(str(decision))
        manifest.pin(wanted, decision.node, decision.hostname, str(decision))
        blueprints.complete(wanted, image, self._scaler_address())
        return wanted, decision

    def _choose(self, wanted: manifest.ScaledJob) -> Decision:
        it, cluster = self.settings, self.open_cluster()
        nodes = cluster.nodes()
        survey = Prometheus(it.prometheus).survey(nodes, it.loads)
        current = self._objects().get(SCALEDJOB, it.cluster.scaledjob)
        pinned = manifest.pinned_node(current) if current else None
        return Chooser(it.choice, pinned).choose(
            nodes, survey.readings, wanted, cluster.jobs(), time.monotonic()
        )

    def _scaler_address(self) -> str | None:
        host = self.settings.scaler_host
        if host == "manifest":
            return None
        if host == "auto":
            host = self._own_address()
        return f"{host}:{self.settings.scaler_port}"

    def _own_address(self) -> str:
        """The address of this machine that the nodes see."""
        cluster = self.open_cluster()
        towards = [each for node in cluster.nodes() for each in node.addresses]
        mine = {each.address for found in psutil.net_if_addrs().values() for each in found}
        for address in towards:
            if address in mine:  # this machine is a node itself
                return address
        return _address_towards([*towards, urlsplit(cluster.host).hostname or ""])

    def deploy(self) -> str:
        """Choose the node, write the pinned manifest, apply it."""
        wanted, decision = self.scaledjob(self.image())
        path = self.settings.manifest.patched
        manifest.write_atomically(path, manifest.dump(wanted))
        self._objects().apply(SCALEDJOB, wanted)
        return f"{path} applied: {decision}"

    def wait_until_ready(self) -> str:
        """Wait until KEDA says that the ScaledJob is ready.

        Raises:
            PlacementError: it does not, in time; says what it says instead.
        """
        limit = self.settings.ready_within
        until = time.monotonic() + limit
        said = "KEDA has not looked at it: does its operator run?"
        while time.monotonic() < until:
            found = self._objects().get(SCALEDJOB, self.settings.cluster.scaledjob)
            ready, said = _ready(found, said)
            if ready:
                return "KEDA is ready to scale"
            time.sleep(_TICK)
        raise PlacementError(
            f"not ready within {limit:g} s: {said} (see: kubectl -n "
            f"{self.settings.cluster.namespace} describe scaledjob "
            f"{self.settings.cluster.scaledjob})"
        )

    # The helpers

    def start_helpers(self) -> str:
        """Start the keeper of watcher and scaler, and wait until they are up.

        Raises:
            PlacementError: they do not come up; says where their log is.
        """
        if not processes.running(self.trace.keeper):
            command = [sys.executable, "-m", "placement.keeper"]
            command += [str(self.trace.folder.resolve())]
            command += [f"{name}={self.root / file}" for name, file in HELPERS.items()]
            processes.start(
                self.trace.keeper.resolve(),
                command,
                self.trace.keeper_log,
                self._helper_environ(),
                keep_open=[self.lock],
            )
        self._wait_for_helpers()
        pids = [f"{name} {processes.running(self.trace.record(name))}" for name in HELPERS]
        return f"pids: {', '.join(pids)}"

    def _helper_environ(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, (str(self.root), os.environ.get("PYTHONPATH"))))
        return {**self.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    def _wait_for_helpers(self) -> None:
        until = time.monotonic() + _UP_WITHIN
        while waiting := self._not_up():
            if time.monotonic() > until:
                log = self.trace.log_of(waiting)
                said = _last_lines(log.read_text(errors="replace"), 2) if log.exists() else ""
                raise PlacementError(
                    f"the {waiting} is not up after {_UP_WITHIN:g} s: {said}; its log "
                    f"is {log}"
                )
            time.sleep(_TICK)

    def _not_up(self) -> str | None:
        for name in HELPERS:
            if not processes.running(self.trace.record(name)):
                return name
        return None if _accepts(self.settings.scaler_port) else "scaler"

    def _objects(self) -> Objects:
        return Objects(self.open_cluster(), self.settings.cluster.namespace)


def _ready(found: Mapping[str, Any] | None, before: str) -> tuple[bool, str]:
    conditions = ((found or {}).get("status") or {}).get("conditions") or ()
    for each in conditions:
        if each["type"] == "Ready":
            return each["status"] == "True", each.get("message") or before
    return False, before


def _address_towards(addresses: Sequence[str]) -> str:
    """Our address on the way to the first of `addresses` that is not this machine."""
    for address in addresses:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((address, 9))  # nothing is sent
            except OSError:
                continue
            own: str = probe.getsockname()[0]
            if not own.startswith("127."):
                return own
    raise PlacementError(
        "cannot tell by which address KEDA reaches this machine: set SCALER_HOST"
    )


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _last_lines(text: str, count: int) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:]) or "it said nothing"
