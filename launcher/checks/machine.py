"""Whether this machine can build the image, and has room for our helpers."""

import socket

from common import processes
from launcher.image.docker import Docker
from launcher.preflight import Check, CheckError
from launcher.run_dir import Trace
from launcher.settings import ImageSettings


def docker_checks(settings: ImageSettings, docker: Docker) -> list[Check]:
    """Whether the image can be built and pushed."""
    return [
        Check("docker", docker.check_engine),
        Check("buildx", lambda: docker.check_buildx(settings.platforms)),
        Check("login", lambda: docker.check_login(settings.repository)),
    ]


def port_check(trace: Trace, port: int) -> Check:
    """That nobody else listens where our helpers will."""
    return Check("ports", lambda: _try_port(trace, port))


def _try_port(trace: Trace, port: int) -> str:
    if any(processes.running(each) for each in trace.helpers.values()):
        return "our helpers of an earlier run are there; they will be replaced"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise CheckError(
                f"port {port} for KEDA cannot be opened: {error.strerror}",
                f"see who has it: ss -ltnp 'sport = :{port}'; or set SCALER_PORT",
            ) from error
    return f"{port} is free"
