"""Nodes, Jobs and pods by watches, on a real API server: not stale, not read anew."""

import json
import math
import time

import pytest

from kube.errors import ClusterError
from kube.live import LiveCluster
from kube.mirror import Mirror
from kube.resources import NODE
from kube.settings import ClusterSettings
from tests.fixtures.http_answers import answering
from tests.fixtures.net import wait_until
from tests.fixtures.proxy import running_proxy
from tests.fixtures.settings import settings_from


@pytest.fixture
def live(scene):
    """Makes a cluster that is watched, by way of a port."""
    made = []

    def make(port=None):
        path = scene.folder / "live.kubeconfig"
        text = scene.plane.kubeconfig.read_text()
        if port:
            text = text.replace(f":{scene.plane.port}", f":{port}")
        path.write_text(text)
        environ = {"KUBECONFIG": str(path), "NAMESPACE": scene.namespace}
        cluster = LiveCluster(settings_from(ClusterSettings, environ))
        cluster.start()
        made.append(cluster)
        return cluster

    yield make
    for each in made:
        each.stop()


def ready(cluster, name):
    return {node.name: node.ready for node in cluster.nodes()}.get(name)


def test_it_is_the_same_as_what_is_listed(scene, live):
    scene.watcher()
    done, running = scene.start_job(), scene.start_job()
    scene.plane.finish_pod(scene.pods_of(done)[0]["metadata"]["name"], scene.namespace)
    cluster = live()

    def states(source):
        seen = source.snapshot().jobs
        return {each.name: (each.state, each.deleting) for each in seen}

    wait_until(
        lambda: states(scene.cluster).get(done) == ("complete", False), "it is done", 60
    )
    wait_until(lambda: states(cluster) == states(scene.cluster), "the same Jobs")
    (job,) = cluster.jobs()
    (listed,) = scene.cluster.jobs()
    assert job == listed
    assert job.name == running
    assert cluster.nodes() == scene.cluster.nodes()
    scene.plane.remove_node(scene.b)
    wait_until(lambda: ready(cluster, scene.b) is None, "it is gone")


def test_changes_come_without_reading_everything_again(scene, live):
    cluster = live()
    assert ready(cluster, scene.a)
    for is_ready in (False, True) * 4:
        scene.plane.set_ready(scene.a, ready=is_ready)
        wait_until(lambda it=is_ready: ready(cluster, scene.a) is it, "the change")
        time.sleep(1.5)  # longer than two watches in all
    assert cluster.lists == 3  # nodes, Jobs and pods, once each


def test_a_watch_that_dies_in_silence_is_noticed_and_nothing_is_missed(scene, live):
    with running_proxy(scene.plane.port) as proxy:
        cluster = live(proxy.port)
        assert ready(cluster, scene.a)
        proxy.mode = "swallow"
        scene.plane.set_ready(scene.a, ready=False)
        scene.plane.set_ready(scene.b, ready=False)

        def refused():
            try:
                cluster.nodes()
            except ClusterError as error:
                return "no good answer" in str(error)
            return False

        wait_until(refused, "nobody is told what is old", 30)
        proxy.mode = "pass"

        def known():
            try:
                return ready(cluster, scene.a) is False
            except ClusterError:
                return False

        wait_until(known, "the change is known", 30)
        # Not a moment later: what is told after a break has all that came in it.
        assert ready(cluster, scene.b) is False


def test_the_first_look_after_a_break_says_since_when_there_may_be_a_gap(scene, live):
    with running_proxy(scene.plane.port) as proxy:
        cluster = live(proxy.port)
        assert cluster.snapshot().doubt == math.inf
        broken = time.monotonic()
        proxy.cut()

        def after():
            try:
                return cluster.snapshot().doubt
            except ClusterError:
                return math.inf

        found = []
        wait_until(lambda: found.append(after()) or found[-1] < math.inf, "a gap", 30)
        assert broken - 10 < found[-1] <= broken + 1
        assert cluster.snapshot().doubt == math.inf


def test_a_gap_is_told_also_if_the_first_look_after_it_has_failed(scene, live):
    cluster = live()
    assert cluster.snapshot().doubt == math.inf
    broken = time.monotonic()
    cluster._our_jobs._failed(ClusterError("cut"))
    cluster._our_jobs._is_well(time.monotonic())
    cluster._nodes._problem = ClusterError("not back yet")
    with pytest.raises(ClusterError, match="not back yet"):
        cluster.snapshot()
    cluster._nodes._is_well(time.monotonic())
    assert cluster.snapshot().doubt <= broken + 1


def test_an_api_server_that_restarts_is_followed(scene, live):
    cluster = live()
    assert ready(cluster, scene.a)
    scene.plane.stop_api_server()
    scene.plane.start_api_server()
    scene.plane.set_ready(scene.a, ready=False)

    def known():
        try:
            return ready(cluster, scene.a) is False
        except ClusterError:
            return False

    wait_until(known, "the change is known", 60, 0.2)


# What a real server does only after hours


def node(name, version):
    return {"metadata": {"name": name, "uid": name, "resourceVersion": version}}


@pytest.fixture
def mirror(tmp_path):
    with answering() as server:
        context = {"cluster": "c", "user": "u"}
        config = {
            "clusters": [
                {"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}
            ],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "x", "context": context}],
            "current-context": "x",
        }
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        environ = {"KUBECONFIG": str(path)}
        cluster = LiveCluster(settings_from(ClusterSettings, environ))
        made = Mirror(cluster, NODE, lambda found: found["metadata"]["name"])
        yield made, server
        made.stop()


def page(*items, version="5", **metadata):
    body = {"items": items, "metadata": {"resourceVersion": version, **metadata}}
    return json.dumps(body).encode()


def test_an_expired_watch_has_everything_read_anew(mirror):
    made, server = mirror
    gone = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
    server.say("200 OK", page(node("a", "1")))
    server.then("200 OK", json.dumps(gone).encode() + b"\n")
    server.then("200 OK", page(node("b", "7"), version="7"))
    server.then("200 OK", b"")
    made.start()
    wait_until(lambda: made.lists == 2, "read anew", 30)
    wait_until(lambda: made.look()[0] == ["b"], "what there is now", 30)


def test_pages_are_put_together(mirror):
    made, server = mirror
    server.say("200 OK", page(node("a", "1"), **{"continue": "more"}))
    server.then("200 OK", page(node("b", "2")))
    server.then("200 OK", b"")
    made.start()
    assert made.look()[0] == ["a", "b"]
    assert "continue=more" in str(server.requests[1])


def test_after_a_break_nothing_is_told_until_all_changes_since_have_come(mirror):
    made, server = mirror
    server.say("200 OK", page(node("a", "1"), node("b", "2")))
    server.then("200 OK", b"")
    made.start()
    assert made.look()[0] == ["a", "b"]
    made.stop()
    made._thread.join()

    made._failed(ClusterError("cut"))
    made._take({"type": "DELETED", "object": node("a", "6")})
    with pytest.raises(ClusterError, match="cut"):
        made.look()
    made._take({"type": "DELETED", "object": node("b", "7")})
    made._take({"type": "BOOKMARK", "object": node("", "8")})
    assert made.look()[0] == []
