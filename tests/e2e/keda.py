"""KEDA at work: its stand-in, or the real operator that the environment names."""

import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from tests.fixtures.control_plane import ControlPlane
from tests.fixtures.keda import Keda
from tests.fixtures.net import accepts, free_port, start_process, wait_until
from tests.fixtures.proxy import Proxy
from tests.fixtures.tls import Authority

NAME = "posture-analyzer-scaledjob"
POLLING = 1  # seconds between two polls
_PORTS = (
    "metrics-bind-address",
    "health-probe-bind-address",
    "metrics-service-bind-address",
)
Addresses = Callable[[], list[str]]
"""Where scalers are: what the name of their Service would lead to."""


class Operator(Protocol):
    """What scenes do to KEDA."""

    trigger: str | None
    """The scalerAddress that it needs; None: that of the Service."""

    refused: list[str]
    """What scalers have refused it with."""

    def start(self) -> None:
        """Let it poll, knowing nothing of before."""

    def stop(self) -> None:
        """Let it be gone."""


class StandIn:
    """The stand-in, polling one ScaledJob; a scaler's pod that comes is asked too."""

    trigger = None

    def __init__(self, plane: ControlPlane, namespace: str, scalers: Addresses) -> None:
        self._plane, self._namespace, self._scalers = plane, namespace, scalers
        self.refused: list[str] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="keda", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread:
            self._over.set()
            self._thread.join(90)
            self._thread = None

    def _run(self) -> None:
        while not self._over.wait(POLLING):
            if known := self._scalers():
                keda = Keda(self._plane, self._namespace, NAME, *known)
                self._poll_while(keda, known)
                keda.close()

    def _poll_while(self, keda: Keda, known: list[str]) -> None:
        """Poll as long as the scalers are these."""
        said = None
        while self._scalers() == known and not self._over.wait(POLLING):
            # Without the API server, or a ScaledJob, there is nothing to poll for.
            with suppress(AssertionError):
                keda.poll()
                if said != keda.ready:
                    self._say(keda)
                    said = keda.ready
            self.refused += keda.events
            keda.events.clear()

    def _say(self, keda: Keda) -> None:
        said = "".join(keda.events[-1:])
        ready = {"type": "Ready", "status": str(keda.ready), "message": said}
        status = {"conditions": [ready | {"reason": "Polled"}]}
        self._plane.patch_status("scaledjob", NAME, status, self._namespace)


class RealOperator:
    """KEDA itself, as a process; names of the cluster lead nowhere on this machine.

    Its trigger leads to a port of loopback, and that to the scalers in turn.
    """

    def __init__(
        self, program: Path, crds: Path, plane: ControlPlane, scalers: Addresses
    ) -> None:
        self._program, self._plane = program, plane
        self.refused: list[str] = []
        self._folder = plane.folder / "keda"
        self._certificates()
        plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(crds))
        plane.create_namespace("keda")
        self._proxy = Proxy(scalers)
        self.trigger = f"127.0.0.1:{self._proxy.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def _certificates(self) -> None:
        """For its port that the metrics server would ask, which does not run."""
        authority = Authority(self._folder)
        certificate, key = authority.issue("tls")
        certificate.rename(self._folder / "tls.crt")
        key.rename(self._folder / "tls.key")
        authority.certificate.rename(self._folder / "ca.crt")

    def start(self) -> None:
        ports = {name: free_port() for name in _PORTS}
        flags = [f"--{name}=127.0.0.1:{port}" for name, port in ports.items()]
        told = {"WATCH_NAMESPACE": "", "KEDA_CLUSTER_OBJECT_NAMESPACE": "keda"}
        self._process = start_process(
            [self._program, *flags, f"--cert-dir={self._folder}"],
            self._folder / "operator.log",
            env=os.environ | told | {"KUBECONFIG": str(self._plane.kubeconfig)},
        )
        wait_until(lambda: self._is_up(ports["health-probe-bind-address"]), "KEDA", 60)

    def _is_up(self, port: int) -> bool:
        assert self._process
        log = (self._folder / "operator.log").read_text()
        assert self._process.poll() is None, log[-3000:]
        return accepts(port)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None


def keda_of(
    environ: Mapping[str, str],
    plane: ControlPlane,
    namespace: str,
    scalers: Addresses,
) -> Operator:
    """What the environment asks for, not started; `missing` has found it right."""
    program, crds = environ.get("KEDA_BIN"), environ.get("KEDA_CRDS")
    if not program and not crds:
        return StandIn(plane, namespace, scalers)
    return RealOperator(Path(program or ""), Path(crds or ""), plane, scalers)


def missing(environ: Mapping[str, str]) -> str:
    """What is wrong with how the environment names an operator; empty: nothing."""
    given = [environ.get(name, "") for name in ("KEDA_BIN", "KEDA_CRDS")]
    if any(given) and not all(given):
        return "KEDA_BIN and KEDA_CRDS belong together: set both, or none"
    gone = [each for each in given if each and not Path(each).exists()]
    return f"KEDA_BIN or KEDA_CRDS: there is no {', '.join(gone)}" if gone else ""
