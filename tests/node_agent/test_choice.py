"""End to end: agents on two boards, Prometheus, the API server, and the watcher."""

import pytest

from tests.fixtures.boards import busy, nano, orin_6
from tests.fixtures.node_agent import running_agent
from tests.fixtures.prometheus import running_prometheus
from tests.fixtures.scripts import running_script


@pytest.mark.parametrize(
    ("cpu_metrics", "chosen", "why"),
    [("cpu", "b", "{b}: 30.0 %"), ("none", "a", "{a}: 5.0 %")],
)
def test_the_agents_loads_choose_the_node(scene, tmp_path, cpu_metrics, chosen, why):
    one, other = orin_6(tmp_path / "one"), nano(tmp_path / "other")
    one.tell(50)
    other.tell(300)
    with (
        busy(one, 90),
        busy(other, 20),
        running_agent(tmp_path, NODE_NAME=scene.a, **one.environ) as first,
        running_agent(tmp_path, NODE_NAME=scene.b, **other.environ) as second,
        running_prometheus(tmp_path / "prometheus", first, second) as server,
    ):
        told = scene.environ | server.environ | {"CPU_METRICS": cpu_metrics}
        del told["GPU_METRICS"], told["NODE_MAP"]  # the defaults
        words = why.format(a=scene.a, b=scene.b)
        told |= {"WATCH_INTERVAL": "0.5", "HOLD": "1", "SETTLE": "0"}
        with running_script(
            "gpu_affinity_watcher.py", folder=tmp_path, **told
        ) as watcher:
            watcher.wait_for(words, 60)
            assert watcher.stop() == 0
    assert scene.pinned() == {"a": scene.a, "b": scene.b}[chosen]
