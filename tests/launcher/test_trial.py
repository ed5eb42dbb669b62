"""The pod that doctor starts to try what only a pod can find out."""

import contextlib
import subprocess
import sys
import threading

import pytest

from tests.launcher.test_doctor import DOCTOR, findings


class Kubelet(threading.Thread):
    """Runs the pod's command on this machine, behind the policy if it keeps to one."""

    def __init__(self, site, *, keeps=True, pulls=True, slow=False):
        super().__init__(daemon=True)
        self.plane, self.namespace = site.plane, site.namespace
        self.log = site.folder / "termination-log"
        self.keeps, self.pulls, self.slow = keeps, pulls, slow
        self.seen = []
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            with contextlib.suppress(AssertionError):  # the pod may be gone already
                pods = self.plane.objects("pods", self.namespace)
                for pod in pods:
                    other = not self.seen or len(pods) > 1  # is to run, or runs
                    if not (self.slow and other and self.is_denied(pod)):
                        self.work(pod)

    def work(self, pod):
        name, spec = pod["metadata"]["name"], pod["spec"]
        done = (pod.get("status") or {}).get("containerStatuses")
        if not name.startswith("posture-try") or "nodeName" not in spec or done:
            return
        self.seen.append(name)
        (container,) = spec["containers"]
        if not self.pulls:
            why = {"reason": "ErrImagePull", "message": "401 Unauthorized"}
            self.tell(name, container, {"waiting": why})
            return
        _, flag, script, *arguments = container["command"]
        if self.keeps and self.is_denied(pod):
            arguments[0] = "192.0.2.1"  # nobody answers there
            script = script.replace(", 5)", ", 0.2)")
        script = script.replace("/dev/termination-log", str(self.log))
        subprocess.run([sys.executable, flag, script, *arguments], check=True)
        ended = {"exitCode": 0, "message": self.log.read_text()}
        self.tell(name, container, {"terminated": ended})

    def is_denied(self, pod):
        policies = self.plane.objects("networkpolicies", self.namespace)
        return pod["metadata"]["name"] in [
            each["metadata"]["name"] for each in policies
        ]

    def tell(self, name, container, state):
        status = {"name": "try", "image": container["image"], "imageID": ""}
        status |= {"ready": False, "restartCount": 0, "state": state}
        self.plane.patch_status(
            "pod", name, {"containerStatuses": [status]}, self.namespace
        )


@pytest.fixture
def doctor(site):
    kubelets = []

    def run(*, host="127.0.0.1", **how):
        kubelet = Kubelet(site, **how)
        kubelets.append(kubelet)
        kubelet.start()
        done = site.run(*DOCTOR, "--try-pod", SCALER_HOST=host)
        left = site.plane.objects("pods", site.namespace)
        left += site.plane.objects("networkpolicies", site.namespace)
        assert left == []
        return done.process.returncode, findings(done), kubelet

    yield run
    for each in kubelets:
        each.over.set()
        each.join(10)


def test_a_pod_reaches_the_scaler_and_the_policy_is_kept_to(doctor):
    _, found, kubelet = doctor()
    assert found["reach"][0] == "ok", found
    assert "a pod reaches 127.0.0.1:" in found["reach"][1]
    assert found["policy"] == ("ok", "a pod that may reach nothing reaches nothing")
    assert len(kubelet.seen) == 2


def test_a_port_that_no_pod_reaches_is_told(doctor):
    code, found, _ = doctor(host="127.0.0.9.invalid")
    assert code == 3
    assert found["reach"][0] == "FAIL"
    assert "where KEDA is to call: not reached" in found["reach"][1]
    assert "ufw allow" in found["reach"][1]
    assert found["policy"][0] == "warn"
    assert "cannot be seen" in found["policy"][1]


@pytest.mark.parametrize("slow", [False, True], ids=["at once", "one after the other"])
def test_a_cluster_that_does_not_keep_to_policies_is_told(doctor, slow):
    _, found, _ = doctor(keeps=False, slow=slow)
    assert found["policy"][0] == "warn"
    assert "does not keep to a NetworkPolicy" in found["policy"][1]
    assert "ipset" in found["policy"][1]


def test_an_image_that_the_node_cannot_pull_is_told(doctor):
    code, found, _ = doctor(pulls=False)
    assert code == 3
    assert "does not run: 401 Unauthorized" in found["reach"][1]
    assert "IMAGE_PULL_SECRET" in found["reach"][1]
