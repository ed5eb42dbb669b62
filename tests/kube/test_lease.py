"""Of several watchers one leads: on a real API server."""

import math
import threading

import pytest

from kube.lease import Election, Seen, seen
from kube.settings import ClusterSettings, LeaseSettings
from tests.fixtures.net import wait_until
from tests.fixtures.proxy import running_proxy
from tests.fixtures.settings import read_settings, settings_from

NAME = "posture-watcher"


@pytest.fixture
def namespace(control_plane):
    with control_plane.namespace() as name:
        yield name


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def candidate(control_plane, namespace):
    """Makes one who wants the Lease, without a thread."""

    def make(kubeconfig=None, seconds=12, **how):
        environ = {"KUBECONFIG": str(kubeconfig or control_plane.kubeconfig)}
        environ |= {"NAMESPACE": namespace, "CLUSTER_DEADLINE": "5"}
        lease = read_settings(LeaseSettings, name=NAME, seconds=str(seconds))
        return Election(settings_from(ClusterSettings, environ), lease, **how)

    return make


def test_the_first_leads_and_the_second_waits_for_all_of_the_lease(candidate, clock):
    first, second = candidate(clock=clock), candidate(clock=clock)
    first.once()
    second.once()
    assert (first.leads(), second.leads()) == (True, False)
    clock.now += 11.9
    second.once()
    # Nobody: the first has given up by itself, the second may not yet.
    assert (first.leads(), second.leads()) == (False, False)
    clock.now += 0.2
    second.once()
    assert (first.leads(), second.leads()) == (False, True)
    first.once()
    assert not first.leads()


def test_a_leader_that_renews_goes_on_leading(candidate, clock):
    first, second = candidate(clock=clock), candidate(clock=clock)
    for _ in range(10):
        first.once()
        second.once()
        assert (first.leads(), second.leads()) == (True, False)
        clock.now += 5


def test_a_leader_that_stops_leaves_the_lease_to_the_next_at_once(candidate):
    first, second = candidate(), candidate()
    first.start()
    wait_until(first.leads, "the first leads")
    second.once()
    assert not second.leads()
    first.stop()
    assert not first.leads()
    second.once()
    assert second.leads()


def test_of_two_who_are_equally_fast_one_leads(candidate):
    several = [candidate() for _ in range(4)]
    for each in several:
        each.start()
    try:
        wait_until(lambda: any(e.leads() for e in several), "somebody leads")
        assert sum(each.leads() for each in several) == 1
    finally:
        for each in several:
            each.stop()


def test_a_silent_api_server_ends_the_lead_before_another_begins(
    control_plane, namespace, candidate
):
    with running_proxy(control_plane.port) as proxy:
        path = control_plane.folder / f"{namespace}.kubeconfig"
        text = control_plane.kubeconfig.read_text()
        path.write_text(text.replace(f":{control_plane.port}", f":{proxy.port}"))
        first, second = candidate(path, seconds=4), candidate(seconds=4)
        first.start()
        wait_until(first.leads, "the first leads")
        both = threading.Event()
        second.start()
        proxy.mode = "swallow"

        def taken_over():
            if first.leads() and second.leads():
                both.set()
            return second.leads()

        wait_until(taken_over, "the second leads", 30, 0.005)
        assert not both.is_set()
        assert not first.leads()
        first.stop()
        second.stop()


def test_a_leader_that_does_nothing_any_more_lets_go(candidate, clock):
    works = [True]
    first = candidate(clock=clock, works=lambda: works[0])
    second = candidate(clock=clock)
    first.once()
    works[0] = False
    second.once()
    clock.now += 12.1
    first.once()
    second.once()
    assert (first.leads(), second.leads()) == (False, True)


def test_the_lease_says_what_kubectl_shows(candidate, control_plane, namespace):
    first = candidate()
    first.once()
    spec = control_plane.get("lease", NAME, namespace)["spec"]
    assert spec["holderIdentity"] == first.identity
    assert spec["leaseDurationSeconds"] == 12
    assert spec["renewTime"] == spec["acquireTime"]


# Wrong clocks of other machines decide nothing.


def lease(version, holder="other", **spec):
    times = {"renewTime": "1970-01-01T00:00:00.000000Z"}
    return {
        "metadata": {"resourceVersion": version},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15} | times | spec,
    }


def test_how_old_it_is_is_measured_by_our_own_clock():
    found = seen(lease("1"), Seen(), 100)
    assert not found.is_free("me", 114.9)
    assert found.is_free("me", 115)
    renewed = seen(lease("2"), found, 110)
    assert not renewed.is_free("me", 124)
    assert seen(lease("2"), renewed, 120).since == 110


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": ""}, None])
def test_one_without_a_holder_is_free(spec):
    found = seen({"metadata": {"resourceVersion": "1"}, "spec": spec}, Seen(), 0)
    assert found.is_free("me", -math.inf)
