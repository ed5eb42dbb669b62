"""Which cluster, user and namespace a kubeconfig, or a pod's own account, leads to."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kube.errors import ClusterError
from kube.import_stubs import rarely_used_later
from kube.settings import ClusterSettings

with rarely_used_later():
    from kubernetes import config
    from kubernetes.client import Configuration
    from kubernetes.config.incluster_config import SERVICE_TOKEN_FILENAME

_DEFAULT = "default"
# What reading a kubeconfig raises that is missing, broken or something else.
_UNUSABLE = (
    config.ConfigException,
    yaml.YAMLError,
    OSError,
    AttributeError,
    TypeError,
    ValueError,
)


def load(settings: ClusterSettings) -> tuple[Configuration, str]:
    """Address and credentials of the API server, and the namespace to work in.

    Raises:
        ClusterError: there are none that can be used.
    """
    configuration = Configuration()
    namespace = None
    try:
        if not (settings.kubeconfig or settings.context) and _in_cluster(configuration):
            namespace = _own_namespace()
        else:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                settings.kubeconfig,
                context=settings.context,
                client_configuration=configuration,
            )
            context = _context(settings)
            namespace = context.get("namespace")
            _check_plugin(settings, context, configuration)
    except _UNUSABLE as error:
        told = " ".join(str(error).split())[:300]
        raise ClusterError(
            f"no cluster: {told} (name a kubeconfig with KUBECONFIG or --kubeconfig, "
            "and its context with --context)"
        ) from error
    return configuration, settings.namespace or namespace or _DEFAULT


def _in_cluster(configuration: Configuration) -> bool:
    try:
        config.load_incluster_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration
        )
    except config.ConfigException:
        return False
    return True


def _own_namespace() -> str | None:
    """That of the pod, as the kubelet writes it beside the token."""
    path = Path(SERVICE_TOKEN_FILENAME).with_name("namespace")
    return path.read_text().strip() if path.exists() else None


def _context(settings: ClusterSettings) -> dict[str, Any]:
    contexts, current = config.list_kube_config_contexts(  # type: ignore[no-untyped-call]
        settings.kubeconfig
    )
    wanted = settings.context
    chosen = next((each for each in contexts if each["name"] == wanted), current)
    found: dict[str, Any] = chosen["context"]
    return found


def _check_plugin(
    settings: ClusterSettings, context: dict[str, Any], configuration: Configuration
) -> None:
    """See that a plugin has given credentials: the library goes on without any.

    Raises:
        ClusterError: it has not.
    """
    user = next(
        (each for each in _users(settings) if each.get("name") == context.get("user")),
        {},
    )
    plugin = (user.get("user") or {}).get("exec")
    if not plugin or configuration.api_key or configuration.cert_file:
        return
    command = str(plugin.get("command", ""))
    if shutil.which(command) is None:
        raise ClusterError(
            f"the kubeconfig's user {user['name']} logs in with {command}, which is "
            "not there: install it, or put it on PATH"
        )
    raise ClusterError(
        f"{command}, with which the kubeconfig's user {user['name']} logs in, gives no "
        "credentials: see what it says with kubectl get nodes"
    )


def _users(settings: ClusterSettings) -> Iterator[dict[str, Any]]:
    """Those of all files; of two with one name the first counts."""
    named = settings.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    for each in named.split(os.pathsep):
        path = Path(each).expanduser()
        if path.is_file():
            yield from (yaml.safe_load(path.read_text()) or {}).get("users") or ()
