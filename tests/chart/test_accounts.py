"""The chart's defaults where the API server wants each pod's account to be there."""

import tempfile
from pathlib import Path

import pytest

from tests.fixtures.control_plane import ControlPlane, binaries
from tests.fixtures.helm import CHART, NEEDED
from tests.fixtures.net import wait_until

SETS = [part for each in NEEDED for part in ("--set", each)]
WANTED = {"posture-scaler", "posture-watcher"}


@pytest.fixture
def strict_plane(control_plane):
    """A control plane of its own, with RBAC and the ServiceAccount admission."""
    with tempfile.TemporaryDirectory(prefix="plane-") as folder:
        plane = ControlPlane(Path(folder), binaries(), wants_accounts=True)
        try:
            plane.start()
            yield plane
        finally:
            plane.stop()


def test_each_pod_of_the_chart_is_let_in_with_the_account_that_the_chart_makes(
    helm, strict_plane
):
    plane = strict_plane
    plane.create_namespace("office")
    plane.label(
        "namespace", "office", {"pod-security.kubernetes.io/enforce": "restricted"}
    )
    helm.run(
        "install", "posture", CHART, "--namespace", "office", *SETS,
        kubeconfig=plane.kubeconfig,
    )  # fmt: skip
    accounts = {}

    def let_in():
        for each in plane.objects("pods", "office"):
            spec = each["spec"]
            accounts[each["metadata"]["name"].rsplit("-", 2)[0]] = (
                spec["serviceAccountName"],
                [v["name"] for v in spec["volumes"] if "projected" in v],
            )
        return accounts.keys() >= WANTED

    wait_until(let_in, "the pods of scaler and watcher are let in", 60, 0.3)
    for name in WANTED:
        account, tokens = accounts[name]
        assert account == name
        assert tokens, "the account's token is not mounted"
    refused = [
        each["message"]
        for each in plane.objects("events", "office")
        if each["reason"] == "FailedCreate"
    ]
    assert not refused
