"""One run: the stage, the plan, and the account."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.account import Account, Outage, close_account
from tests.chaos.faults import FAULTS, possible
from tests.chaos.plan import Step, draw, longest_for
from tests.chaos.stage import Stage, open_stage
from tests.fixtures.cameras import mostly_empty_pictures, small_pictures


def run(
    seconds: float,
    seed: int,
    *,
    rate: float,
    workers: int,
    longest: float | None = None,
    only: Sequence[str] = (),
    burst: int = 0,
    broker: str = "mosquitto",
    few_people: bool = False,
) -> Account:
    """Make faults for so many seconds and count; what happens is told on stderr."""
    outages: list[Outage] = []
    pictures = mostly_empty_pictures() if few_people else small_pictures()
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        open_stage(Path(folder), pictures, rate, workers, broker) as stage,
    ):
        names = [each for each in possible(stage) if not only or each in only]
        where = "on this machine" if broker == "mosquitto" else f"with {broker}"
        if longest is None:
            longest = longest_for(seconds, len(names))
        for missing in FAULTS.keys() - possible(stage).keys():
            _tell(f"cannot be made {where}: {missing}")
        begun = time.monotonic()
        stage.recovery()
        for step in draw(seed, seconds, names, workers, longest):
            if len(outages) >= len(names) and time.monotonic() - begun > seconds:
                break
            outages.append(_make(stage, step, begun))
        if burst:
            _burst(stage, burst)
        stage.finish()
        return close_account(stage, outages)


def _make(stage: Stage, step: Step, begun: float) -> Outage:
    time.sleep(step.pause)
    at, stage.also_killed, stage.slowest_return = time.monotonic(), False, 0
    FAULTS[step.fault](stage, step)
    lasted = time.monotonic() - at
    recovery = max(stage.recovery(), stage.slowest_return)
    outage = Outage(at - begun, step.fault, lasted, recovery)
    stage.see_to_the_fallen()
    _tell(
        f"{outage.at:6.1f} s  {outage.fault} for {lasted:.1f} s"
        f"{', a worker killed in its midst' if stage.also_killed else ''}; "
        f"all workers write again after {outage.recovery:.1f} s"
    )
    return outage


def _burst(stage: Stage, count: int) -> None:
    """Many pictures at once while every worker is down."""
    for worker in stage.fleet:
        worker.stop()
    stage.cameras.burst(count)
    _tell(f"{count} pictures at once while no worker runs")
    for index in range(stage.workers):
        stage.start(index)
    stage.wait_for_all()


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
