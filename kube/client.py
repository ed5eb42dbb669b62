"""The one door to the Kubernetes API server.

Objects come and go as the mappings that the API speaks. Every call has a deadline, and
every refusal becomes a `ClusterError` that says what is missing.
"""

import json
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import urllib3
import yaml
from kubernetes import config
from kubernetes.client import ApiClient, ApiException, Configuration

from kube.errors import ClusterError
from kube.jobs import LABEL, Job, our_jobs
from kube.nodes import Node, read_node
from kube.settings import ClusterSettings

_MERGE = "application/merge-patch+json"
_TRIES = 3  # for an API server that says 429 and when to come back
_LONGEST_WAIT = 5.0  # seconds
_REMEDIES = {
    401: "the credentials of the kubeconfig are not accepted; log in again",
    403: "grant it: deploy/placement-rbac.yaml lists every verb that is needed",
}
# What reading a kubeconfig raises that is missing, broken or something else.
_UNUSABLE = (
    config.ConfigException,
    yaml.YAMLError,
    OSError,
    AttributeError,
    TypeError,
    ValueError,
)
Object = dict[str, Any]


class Cluster:
    """The API server that a kubeconfig or a pod's service account leads to."""

    def __init__(self, settings: ClusterSettings) -> None:
        """Read the credentials; nothing is connected yet.

        Raises:
            ClusterError: there are none that can be used.
        """
        self._settings = settings
        self._client = _client(settings)
        self.host: str = self._client.configuration.host
        self._scaledjobs = (
            f"/apis/keda.sh/v1alpha1/namespaces/{settings.namespace}/scaledjobs"
        )

    def nodes(self) -> list[Node]:
        """All nodes.

        Raises:
            ClusterError: they cannot be read.
        """
        return [
            read_node(each) for each in self.request("GET", "/api/v1/nodes")["items"]
        ]

    def scaledjob(self) -> Object:
        """The ScaledJob as it is now.

        Raises:
            ClusterError: it cannot be read; `status` is 404 when there is none.
        """
        return self.request("GET", f"{self._scaledjobs}/{self._settings.scaledjob}")

    def patch_scaledjob(self, change: Object, *, dry_run: bool = False) -> Object:
        """Merge `change` into the ScaledJob, in place; gives the result.

        With `metadata.resourceVersion` in it, nothing is changed when the object has
        been changed by somebody else meanwhile.

        Raises:
            ClusterError: not changed; `status` is 409 for such a conflict.
        """
        path = f"{self._scaledjobs}/{self._settings.scaledjob}"
        query = {"fieldManager": "gpu-affinity-watcher"}
        if dry_run:
            query["dryRun"] = "All"
        return self.request("PATCH", path, change, query, _MERGE)

    def jobs(self) -> list[Job]:
        """The unfinished Jobs of our ScaledJob.

        Raises:
            ClusterError: they cannot be read.
        """
        space, name = self._settings.namespace, self._settings.scaledjob
        query = {"labelSelector": f"{LABEL}={name}"}
        jobs = self.request(
            "GET", f"/apis/batch/v1/namespaces/{space}/jobs", None, query
        )
        pods = self.request("GET", f"/api/v1/namespaces/{space}/pods", None, query)
        return our_jobs(jobs["items"], pods["items"], name)

    def end_job(self, job: Job) -> None:
        """Delete a Job with the grace its pods have; it counts until they are gone.

        Raises:
            ClusterError: not deleted.
        """
        # The uid makes sure that no later Job of the same name is met.
        body = {
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": job.uid},
        }
        path = f"/apis/batch/v1/namespaces/{self._settings.namespace}/jobs/{job.name}"
        self._delete(path, body)

    def forget_pods(self, job: Job, nodes: Iterable[str]) -> None:
        """Delete a Job's pods on dead `nodes` at once: nobody there can confirm it.

        Raises:
            ClusterError: not deleted.
        """
        dead = set(nodes)
        for pod in job.pods:
            if pod.node in dead and not pod.finished:
                space = self._settings.namespace
                path = f"/api/v1/namespaces/{space}/pods/{pod.name}"
                self._delete(path, {"gracePeriodSeconds": 0})

    def record_event(
        self, scaledjob: Mapping[str, Any], reason: str, text: str, kind: str = "Normal"
    ) -> None:
        """Leave an Event that `kubectl describe scaledjob` shows.

        Raises:
            ClusterError: not recorded.
        """
        metadata = scaledjob["metadata"]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "metadata": {"generateName": f"{metadata['name'][:40]}."},
            "involvedObject": {
                "apiVersion": scaledjob["apiVersion"],
                "kind": scaledjob["kind"],
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            "reason": reason,
            "message": text[:1024],
            "type": kind,
            "source": {"component": "gpu-affinity-watcher"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self.request(
            "POST", f"/api/v1/namespaces/{metadata['namespace']}/events", event
        )

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """One call of the API; `body` and the answer are JSON objects.

        Raises:
            ClusterError: refused, or no answer in time.
        """
        for attempt in range(_TRIES):
            try:
                return self._call(method, path, body, query, content_type)
            except ApiException as error:
                if error.status != 429 or attempt == _TRIES - 1:
                    raise self._refused(method, path, error) from error
                time.sleep(_retry_after(error))
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                raise ClusterError(
                    f"API server {self.host}: no good answer to {method} {path}: "
                    f"{_short(error)}"
                ) from error
        raise AssertionError  # the last attempt returns or raises

    def close(self) -> None:
        """Close the connections."""
        self._client.rest_client.close()

    def _call(
        self,
        method: str,
        path: str,
        body: object,
        query: Mapping[str, str] | None,
        content_type: str,
    ) -> Object:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        asked = self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        response = self._client.call_api(
            *asked, _request_timeout=self._settings.deadline
        )
        text: bytes = response.read()  # type: ignore[no-untyped-call]
        if not 200 <= response.status <= 299:
            raise ApiException(http_resp=response, body=text.decode(errors="replace"))
        answer: Object = json.loads(text)
        return answer

    def _delete(self, path: str, body: Object) -> None:
        try:
            self.request("DELETE", path, body)
        except ClusterError as error:
            if error.status != 404:  # gone is what was wanted
                raise

    def _refused(self, method: str, path: str, error: ApiException) -> ClusterError:
        status = int(error.status or 0)
        try:
            said = json.loads(error.body or "")["message"]
        except (ValueError, TypeError, KeyError):
            said = f"{status} {error.reason or ''}".strip()
        remedy = f" ({_REMEDIES[status]})" if status in _REMEDIES else ""
        return ClusterError(
            f"API server {self.host} refuses {method} {path}: {said}{remedy}", status
        )


def _client(settings: ClusterSettings) -> ApiClient:
    configuration = Configuration()
    try:
        if settings.kubeconfig or settings.context or not _in_cluster(configuration):
            config.load_kube_config(  # type: ignore[no-untyped-call]
                settings.kubeconfig,
                context=settings.context,
                client_configuration=configuration,
            )
    except _UNUSABLE as error:
        raise ClusterError(
            f"no cluster: {_short(error)} (name a kubeconfig with KUBECONFIG or "
            "--kubeconfig, and its context with --context)"
        ) from error
    configuration.retries = False
    return ApiClient(configuration)


def _in_cluster(configuration: Configuration) -> bool:
    try:
        config.load_incluster_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration
        )
    except config.ConfigException:
        return False
    return True


def _retry_after(error: ApiException) -> float:
    """Seconds that the API server asks to wait, but no more than a few."""
    try:
        asked = float((error.headers or {})["Retry-After"])
    except (KeyError, ValueError):
        asked = 1.0
    return min(max(asked, 0.1), _LONGEST_WAIT)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
