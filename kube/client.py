"""The one door to the Kubernetes API server: its verbs, for any kind of object.

Objects come and go as the mappings that the API speaks: the package's own models would
drop what they do not know, and take 0.3 s to import. Every call has a deadline, and
every refusal becomes a `ClusterError` that says what is missing.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import urllib3

from kube.errors import ClusterError
from kube.import_stubs import rarely_used_later
from kube.kubeconfig import load
from kube.resources import ACCESS_REVIEW, Kind, api
from kube.settings import ClusterSettings

with rarely_used_later():
    from kubernetes.client import ApiClient, ApiException
    from kubernetes.client.rest import RESTResponse

Object = dict[str, Any]

_JSON = "application/json"
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_PIECE = 1 << 16  # bytes that are taken at a time
# An API server that is overloaded says 429, and when to come back. Nothing else is
# asked again here: every caller begins anew after a while.
_RETRIES = urllib3.Retry(
    connect=0,
    read=0,
    other=0,
    redirect=False,
    status=2,
    status_forcelist=(429,),
    allowed_methods=None,
    backoff_factor=0.5,
    raise_on_status=False,
    retry_after_max=5,
)
_REMEDIES = {
    401: "the credentials of the kubeconfig are not accepted; log in again",
    403: "grant it: deploy/placement-rbac.yaml lists every verb that is needed",
}


class Client:
    """The API server that a kubeconfig or a pod's service account leads to.

    Every method raises ClusterError when it is refused, or has no answer in time.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        """Read the credentials; nothing is connected yet.

        Raises:
            ClusterError: there are none that can be used.
        """
        self._deadline = settings.deadline
        configuration, self.namespace = load(settings)
        """Where all objects are that belong to a namespace."""

        configuration.retries = _RETRIES
        # Said once: else each call looks for a proxy through the whole environment.
        configuration.proxy = configuration.proxy
        self._client = ApiClient(configuration)
        self.host: str = configuration.host

    def version(self) -> str:
        """The server's version, such as v1.36.3."""
        version: str = self.request("GET", "/version")["gitVersion"]
        return version

    def serves(self, kind: Kind) -> bool:
        """Whether the server knows objects of this kind."""
        try:
            served = self.request("GET", api(kind.group))["resources"]
        except ClusterError as error:
            if error.status != 404:
                raise
            return False
        return kind.plural in (each["name"] for each in served)

    def may(self, verb: str, group: str, plural: str, *, everywhere: bool) -> bool:
        """Whether these credentials may do `verb`, in our namespace or everywhere."""
        attributes = {"verb": verb, "group": group, "resource": plural}
        if not everywhere:
            attributes["namespace"] = self.namespace
        review = self.create(
            ACCESS_REVIEW, {"spec": {"resourceAttributes": attributes}}
        )
        return bool(review["status"]["allowed"])

    def kind_of(self, found: Mapping[str, Any]) -> Kind:
        """Where the server keeps objects like this one, by its own word.

        `status` of the error is 404 when it does not know any.
        """
        group, kind = found["apiVersion"], found["kind"]
        for each in self.request("GET", api(group))["resources"]:
            if each["kind"] == kind and "/" not in each["name"]:
                return Kind(group, each["name"], kind, each["namespaced"])
        raise ClusterError(f"{self.host} has no {kind} in {group}", 404)

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object:
        """The object; `status` of the error is 404 when there is none."""
        return self.request("GET", kind.path(namespace or self.namespace, name))

    def find(
        self, kind: Kind, name: str, namespace: str | None = None
    ) -> Object | None:
        """The object, None if there is none."""
        try:
            return self.get(kind, name, namespace)
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    def find_all(
        self, kind: Kind, selector: str | None = None, *, everywhere: bool = False
    ) -> list[Object]:
        """The objects that a label selector picks, or all; ours or everywhere."""
        path = kind.path(None if everywhere else self.namespace)
        query = {"labelSelector": selector} if selector else None
        items: list[Object] = self.request("GET", path, query=query)["items"]
        return items

    def create(self, kind: Kind, wanted: Object) -> Object:
        """Make an object; gives it as the server has it."""
        return self.request("POST", kind.path(self.namespace), wanted)

    def patch(
        self,
        kind: Kind,
        name: str,
        change: Object,
        *,
        manager: str,
        dry_run: bool = False,
        namespace: str | None = None,
    ) -> Object:
        """Merge `change` into an object, in place, in the name of `manager`.

        With `metadata.resourceVersion` in it, nothing is changed when the object has
        been changed by somebody else meanwhile; `status` of the error is 409 then.
        """
        query = {"fieldManager": manager} | _dry(dry_run)
        path = kind.path(namespace or self.namespace, name)
        return self.request("PATCH", path, change, query, _MERGE)

    def apply(
        self, kind: Kind, wanted: Object, *, manager: str, dry_run: bool = False
    ) -> Object:
        """Have the fields of `wanted`, and leave the others to whoever set them.

        Fields that somebody else has set in between are taken back.
        """
        query = {"fieldManager": manager, "force": "true"} | _dry(dry_run)
        path = kind.path(self.namespace, wanted["metadata"]["name"])
        return self.request("PATCH", path, json.dumps(wanted), query, _APPLY)

    def delete(self, kind: Kind, found: Mapping[str, Any]) -> None:
        """Delete exactly this object; what it owns goes first, pods with their grace.

        It counts until that is gone. One that is gone already is none the worse.
        """
        # The uid makes sure that no later object of the same name is met.
        uid = found["metadata"]["uid"]
        self._delete(
            kind,
            found["metadata"]["name"],
            {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}},
        )

    def delete_now(self, kind: Kind, name: str) -> None:
        """Delete an object whose node is dead, and cannot confirm that it ended."""
        self._delete(kind, name, {"gracePeriodSeconds": 0})

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
    ) -> Object:
        """One call of the API; `body` and the answer are JSON objects."""
        with self._told(method, path):
            return self._call(method, path, body, query, content_type)
        raise AssertionError  # not reached: `_told` swallows nothing

    def stream(
        self, path: str, query: Mapping[str, str], silence: float
    ) -> Iterator[Object]:
        """The JSON objects of an answer that goes on, one a line, until it ends.

        A server that says nothing for `silence` seconds is an error as any other.
        """
        with self._told("GET", path):
            limit = (min(self._deadline, silence), silence)
            response = self._open("GET", path, None, query, _JSON, limit)
            whole = False
            try:
                rest = b""
                for piece in response.response.stream(_PIECE):
                    *lines, rest = (rest + piece).split(b"\n")
                    yield from map(json.loads, lines)
                whole = True
            finally:
                # One that was not read to its end cannot be used for what comes next.
                (response.response.release_conn if whole else response.response.close)()

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
        response = self._open(method, path, body, query, content_type, self._deadline)
        answer: Object = json.loads(response.read())  # type: ignore[no-untyped-call]
        return answer

    def _open(
        self,
        method: str,
        path: str,
        body: object,
        query: Mapping[str, str] | None,
        content_type: str,
        limit: float | tuple[float, float],
    ) -> RESTResponse:
        asked = self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": _JSON, "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        response = self._client.call_api(*asked, _request_timeout=limit)
        if not 200 <= response.status <= 299:
            text: bytes = response.read()  # type: ignore[no-untyped-call]
            raise ApiException(http_resp=response, body=text.decode(errors="replace"))
        return response

    @contextmanager
    def _told(self, method: str, path: str) -> Iterator[None]:
        """Let every failure meanwhile be a ClusterError that says what was asked."""
        try:
            yield
        except ApiException as error:
            raise self._refused(method, path, error) from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ClusterError(
                f"API server {self.host}: no good answer to {method} {path}: "
                f"{_short(error)}"
            ) from error

    def _delete(self, kind: Kind, name: str, how: Object) -> None:
        try:
            self.request("DELETE", kind.path(self.namespace, name), how)
        except ClusterError as error:
            # Gone is what was wanted, and 409: there is another one of the same name.
            if error.status not in (404, 409):
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


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _short(error: Exception) -> str:
    reason = getattr(error, "reason", None)  # of the last try
    told = reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    return " ".join(str(told).split())[:300]
