"""What happens to the system; each scene mends what it breaks, and says what it saw."""

import signal
import time
from collections.abc import Callable

from tests.e2e.nodes import remove_agents
from tests.e2e.stage import NAMESPACE, SCALER, STALENESS, WATCHER, Stage
from tests.e2e.witness import most_at_once
from tests.fixtures.net import wait_until

_HANDFUL = 10  # pictures
Scene = Callable[[Stage, float], str]


def life(stage: Stage, _: float) -> str:
    """From zero and back: the agents' loads choose the node, pictures wake a worker."""
    stage.wait_zero()
    node = stage.nodes.other(stage.witness.node or "")
    other = stage.nodes.other(node)
    # A node's load is the greater of GPU and CPU: the idle GPU has a drowning CPU.
    stage.nodes.tell(node, gpu=30, cpu=10)
    stage.nodes.tell(other, gpu=5, cpu=85)
    stage.wait_node(node)
    stage.wait_zero()
    begun, topics = time.monotonic(), stage.burst(_HANDFUL)
    worker = stage.wait_worker_on(node)
    stage.wait_recorded(topics)
    took = time.monotonic() - begun
    assert worker.machine.name == node
    stage.wait_zero()
    stage.nodes.favour(node)
    return f"chose {node} at 30 % before {other} at 85 %; last row after {took:.1f} s"


def hand_over(stage: Stage, _: float) -> str:
    """The load moves to the worker's board, and the worker to the other."""
    worker = stage.work()
    known = len(stage.kubelets.history)
    source = worker.machine.name
    stage.nodes.favour(stage.nodes.other(source))
    begun = time.monotonic()
    stage.wait_worker_on(stage.nodes.other(source))
    took = time.monotonic() - begun
    stage.rest()
    since = [each for each in stage.kubelets.history[known:] if each.app == worker.app]
    most = most_at_once([worker, *since])
    assert most == 1, f"{most} workers at once"
    return f"{source} to {stage.nodes.other(source)} in {took:.1f} s, never two at once"


def scaler_killed(stage: Stage, _: float) -> str:
    """One of two scalers dies at zero Jobs, and the other wakes the worker."""
    stage.wait_zero()
    refused = len(stage.keda.refused)
    victim = stage.kubelets.containers(SCALER)[0]
    victim.process.kill()
    begun, topics = time.monotonic(), stage.burst(_HANDFUL)
    stage.wait_recorded(topics)
    took = time.monotonic() - begun
    stage.wait_up(SCALER, 2)
    assert stage.keda.refused[refused:] == []
    return f"no poll refused, last row after {took:.1f} s"


def watcher_killed(stage: Stage, _: float) -> str:
    """The watcher that leads dies; the other takes its Lease and the ScaledJob on."""
    holder = stage.lease_holder()
    victim = next(
        each
        for each in stage.kubelets.containers(WATCHER)
        if holder.startswith(each.process.name)
    )
    begun = time.monotonic()
    victim.process.kill()
    target = stage.nodes.other(stage.witness.node or "")
    stage.nodes.favour(target)
    stage.wait_node(target)
    took = time.monotonic() - begun
    assert stage.lease_holder() != holder
    stage.wait_up(WATCHER, 2)
    return f"the other has moved the ScaledJob after {took:.1f} s"


def prometheus_hung(stage: Stage, hold: float) -> str:
    """Prometheus answers no more: no Job from a load that nobody knows."""
    stage.wait_zero()
    refused = len(stage.keda.refused)
    stage.prometheus.signal(signal.SIGSTOP)
    try:
        stage.wait_or(lambda: len(stage.keda.refused) > refused, 3 * STALENESS)
        known, topics = set(stage.witness.jobs), stage.burst(_HANDFUL)
        time.sleep(hold)
        assert stage.witness.jobs == known, "a Job from a load that nobody knows"
    finally:
        stage.prometheus.signal(signal.SIGCONT)
    begun = time.monotonic()
    stage.wait_recorded(topics)
    took = time.monotonic() - begun
    return f"no Job for {hold:g} s, then the last row after {took:.1f} s"


def node_dead(stage: Stage, _: float) -> str:
    """The board of the worker loses its power, and the next one works on the other."""
    victim = stage.work().machine
    other = stage.nodes.other(victim.name)
    stage.kubelets.power_off(victim)
    begun = time.monotonic()
    try:
        stage.wait_worker_on(other)
        before = stage.rows()
        wait_until(lambda: stage.rows() > before, f"rows from {other}", 60, 0.1)
        took = time.monotonic() - begun
        stage.rest()
    finally:
        stage.kubelets.power_on(victim)
    stage.wait_agents()
    return f"{victim.name} died, rows from {other} after {took:.1f} s"


def keda_restarted(stage: Stage, hold: float) -> str:
    """KEDA is gone while pictures come; back again it makes the Job."""
    stage.wait_zero()
    stage.keda.stop()
    try:
        topics = stage.burst(_HANDFUL)
        time.sleep(hold)
    finally:
        stage.keda.start()
    begun = time.monotonic()
    stage.wait_recorded(topics)
    took = time.monotonic() - begun
    return f"away for {hold:g} s, then the last row after {took:.1f} s"


def api_server_away(stage: Stage, hold: float) -> str:
    """The API server is gone: the worker goes on, and all others when it is back."""
    worker = stage.work()
    before = stage.rows()
    stage.plane.stop_api_server()
    try:
        time.sleep(hold)
        went_on = stage.rows() - before
    finally:
        stage.plane.start_api_server()
    assert went_on > 0, "no rows while it was away"
    target = stage.nodes.other(worker.machine.name)
    stage.nodes.favour(target)
    begun = time.monotonic()
    stage.wait_worker_on(target)
    took = time.monotonic() - begun
    stage.rest()
    return f"{went_on} rows in {hold:g} s without it, then a move in {took:.1f} s"


def uninstall(stage: Stage, _: float) -> str:
    """stop.py takes everything away; always the last, and nothing is left."""
    stage.rest()
    stage.take_down()
    stage.wait_or(lambda: not stage.objects() - stage.before, 60)
    left = sorted(stage.objects() - stage.before)
    assert not left, f"left: {', '.join(left)}"
    remove_agents(stage.plane)
    wait_until(lambda: not stage.kubelets.running, "no process is left", 90, 0.2)
    return f"{len(stage.launched)} objects gone, nothing left in {NAMESPACE}"


LAST = "uninstall"
SCENES: dict[str, Scene] = {
    made.__name__.replace("_", "-"): made
    for made in (
        life,
        hand_over,
        scaler_killed,
        watcher_killed,
        prometheus_hung,
        node_dead,
        keda_restarted,
        api_server_away,
        uninstall,
    )
}
