"""Tools that apply the ScaledJob again leave the watcher's choice alone.

Each does to a real API server what the tool of that name does with a custom resource.
"""

import copy
import json

import pytest
import yaml

from kube import scaledjobs
from kube.client import Client
from kube.errors import ClusterError
from kube.resources import SCALEDJOB
from kube.settings import ClusterSettings
from tests.fixtures.control_plane import ROOT
from tests.fixtures.scene import NAME
from tests.fixtures.settings import settings_from

LATER = 4e9
SERVER_SIDE = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Tool:
    """Something that has the ScaledJob in a manifest, and applies it."""

    def __init__(self, scene):
        self.scene = scene
        environ = {"KUBECONFIG": str(scene.plane.kubeconfig)}
        environ |= {"NAMESPACE": scene.namespace}
        self.client = Client(settings_from(ClusterSettings, environ))
        self.path = SCALEDJOB.path(scene.namespace, NAME)
        scene.plane.delete("scaledjob", NAME, scene.namespace)
        scene.plane.wait_gone("scaledjob", NAME, scene.namespace)

    def kubectl(self, before, wanted):
        self.scene.plane.kubectl(
            "apply", "-n", self.scene.namespace, "-f", "-", stdin=json.dumps(wanted)
        )

    def flux(self, before, wanted):
        self._server_side(wanted, "kustomize-controller", force="true")

    def argocd_server_side(self, before, wanted):
        self._server_side(wanted, "argocd-controller", force="true")

    def helm4(self, before, wanted):
        self._server_side(wanted, "helm", force="false")

    def helm3(self, before, wanted):
        if before is None:
            self.client.create(SCALEDJOB, wanted)
        else:
            change = merge_patch(before, wanted)
            query = {"fieldManager": "helm"}
            self.client.request("PATCH", self.path, change, query, MERGE)

    def _server_side(self, wanted, manager, force):
        query = {"fieldManager": manager, "force": force}
        text = json.dumps(wanted)
        self.client.request("PATCH", self.path, text, query, SERVER_SIDE)


def merge_patch(before, after):
    """What has to be merged into `before` to make `after` of it (RFC 7386)."""
    changed = {
        key: merge_patch(before[key], value)
        if isinstance(value, dict) and isinstance(before.get(key), dict)
        else value
        for key, value in after.items()
        if before.get(key) != value
    }
    return changed | dict.fromkeys(before.keys() - after.keys())


TOOLS = ["kubectl", "flux", "argocd_server_side", "helm3", "helm4"]


@pytest.fixture
def manifest():
    return yaml.safe_load((ROOT / "posture-job.yaml").read_text())


def with_image(manifest, image):
    changed = copy.deepcopy(manifest)
    scaledjobs.pod_spec(changed)["containers"][0]["image"] = image
    return changed


@pytest.mark.parametrize("name", TOOLS)
def test_an_upgrade_changes_the_image_and_keeps_the_choice(scene, manifest, name):
    apply = getattr(Tool(scene), name)
    old = with_image(manifest, "example/worker:1")
    apply(None, old)
    scene.load(10, 50)
    scene.watcher().look(0, LATER)
    assert scene.pinned() == scene.a
    for number in (2, 3):
        new = with_image(manifest, f"example/worker:{number}")
        apply(old, new)
        found = scene.scaledjob()
        image = scaledjobs.pod_spec(found)["containers"][0]["image"]
        assert image == f"example/worker:{number}"
        assert scaledjobs.pinned_node(found) == scene.a
        old = new
    # And the watcher can move it afterwards, and the tool apply it once more.
    scene.load(90, 10)
    watcher = scene.watcher(HOLD="0")
    watcher.look(0, LATER)
    assert scene.pinned() == scene.b
    apply(old, old)
    assert scene.pinned() == scene.b


def own_affinity(manifest):
    terms = [{"matchExpressions": [{"key": "gpu-node", "operator": "Exists"}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {}}
    required["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] = (
        terms
    )
    changed = copy.deepcopy(manifest)
    scaledjobs.pod_spec(changed)["affinity"] = {"nodeAffinity": required}
    return changed


def test_an_affinity_in_the_manifest_is_what_docs_say_it_is(scene, manifest):
    wanted = own_affinity(manifest)
    tool = Tool(scene)
    tool.flux(None, wanted)
    scene.load(10, 50)
    watcher = scene.watcher()
    watcher.look(0, LATER)
    assert scene.pinned() == scene.a
    tool.flux(wanted, wanted)
    assert scene.pinned() is None
    watcher.look(10, LATER)
    assert scene.pinned() == scene.a
    with pytest.raises(ClusterError, match="conflict"):
        tool.helm4(wanted, wanted)
