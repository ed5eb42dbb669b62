"""A simulated day: noisy loads, one look every ten seconds, by a seeded chance."""

import random
from collections import deque
from itertools import pairwise

import pytest

from kube.jobs import Job, Pod
from kube.nodes import Node
from placement.chooser import Chooser
from placement.decision import Reading
from placement.settings import ChoiceSettings
from tests.fixtures.scaledjobs import scaledjob
from tests.fixtures.settings import read_settings

LOOK = 10  # seconds
HOUR, DAY = 3600, 86400
WORKER = 15  # points that the worker really adds to its node
RULES = read_settings(ChoiceSettings)


class World:
    """Nodes with a base load each, noise, short bursts, and our one worker."""

    def __init__(self, seed, bases, noise=14, bursts=1 / 360):
        self._chance = random.Random(seed)  # noqa: S311 - noise
        self._noise, self._bursts = noise, bursts  # points; one burst an hour
        self.bases = dict(bases)
        self._burst_until = dict.fromkeys(bases, 0)
        self._samples = {name: deque(maxlen=3) for name in bases}  # 30 s
        self.nodes = [Node(n, n, labels={"gpu-node": ""}) for n in bases]
        self.worker = None

    def readings(self, now):
        return {name: Reading(self._smoothed(name, now), 5.0) for name in self.bases}

    def _smoothed(self, name, now):
        samples = self._samples[name]
        samples.append(self._load(name, now))
        return sum(samples) / len(samples)

    def _load(self, name, now):
        if self._chance.random() < self._bursts:
            self._burst_until[name] = now + self._chance.uniform(10, 25)
        load = self.bases[name] + self._chance.gauss(0, self._noise)
        load += 60 if now < self._burst_until[name] else 0
        load += WORKER if name == self.worker else 0
        return min(100.0, max(0.0, load))


def moves_of_a_day(world, changes=()):
    """The times at which the choice moved; `changes` are (time, node, base load)."""
    waiting = sorted(changes)
    chooser, moves = Chooser(RULES), []
    for now in range(0, DAY, LOOK):
        while waiting and waiting[0][0] <= now:
            _, name, world.bases[name] = waiting.pop(0)
        pod = Pod("p", world.worker, None)
        jobs = [Job("j", "u", 0, None, (pod,))] if world.worker else []
        decision = chooser.choose(
            world.nodes, world.readings(now), scaledjob({}), jobs, now
        )
        if decision.node != world.worker:
            moves.append((now, decision.node))
            world.worker = decision.node  # the hand-over
    return moves


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "bases", [{"a": 30, "b": 30}, {"a": 20, "b": 28}, dict.fromkeys("abcd", 40)]
)
def test_noise_alone_never_moves_the_choice_more_than_once_an_hour(seed, bases):
    _, *moves = moves_of_a_day(World(seed, bases))  # the first is no move
    assert all(later - now >= HOUR for (now, _), (later, _) in pairwise(moves))


@pytest.mark.parametrize("seed", range(6))
def test_a_node_that_really_changes_moves_the_choice_once_and_in_time(seed):
    changes = [(6 * HOUR, "a", 80), (12 * HOUR, "b", 95), (12 * HOUR, "a", 10)]
    world = World(seed, {"a": 10, "b": 45}, noise=8, bursts=0)
    moves = moves_of_a_day(world, changes)
    assert [node for _, node in moves] == ["a", "b", "a"]
    slack = 30 + 2 * LOOK  # the window, and looks
    for (then, _), due in zip(moves, (0, 6 * HOUR, 12 * HOUR), strict=True):
        assert due <= then <= due + RULES.hold + slack
