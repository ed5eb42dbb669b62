"""The chart's defaults where the API server wants each pod's account to be there."""

import tempfile
from pathlib import Path

import pytest

from tests.fixtures.control_plane import ControlPlane, binaries
from tests.fixtures.helm import CHART, NEEDED
from tests.fixtures.net import wait_until

SETS = [part for each in NEEDED for part in ("--set", each)]
WANTED = {"posture-scaler", "posture-watcher"}


@pytest.fixture(scope="module")
def strict_plane(control_plane):
    """A control plane of its own, with RBAC and the ServiceAccount admission."""
    with tempfile.TemporaryDirectory(prefix="plane-") as folder:
        plane = ControlPlane(Path(folder), binaries(), wants_accounts=True)
        try:
            plane.start()
            yield plane
        finally:
            plane.stop()


@pytest.fixture
def namespace(helm, strict_plane):
    """One for pods of the strictest kind, in which the chart is installed."""
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    where = {"kubeconfig": strict_plane.kubeconfig}
    with strict_plane.namespace() as made:
        strict_plane.label("namespace", made, level)
        helm("install", "posture", CHART, "--namespace", made, *SETS, **where)
        yield made
        helm("uninstall", "posture", "--namespace", made, "--wait", **where)


def test_each_pod_of_the_chart_is_let_in_with_the_account_that_the_chart_makes(
    strict_plane, namespace
):
    plane = strict_plane
    accounts = {}

    def let_in():
        for each in plane.objects("pods", namespace):
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
        for each in plane.objects("events", namespace)
        if each["reason"] == "FailedCreate"
    ]
    assert not refused
