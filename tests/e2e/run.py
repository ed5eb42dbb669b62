"""One run: the stage, its scenes, and the account."""

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.account import Account, Played
from tests.e2e.plan import Step, draw
from tests.e2e.scenes import LAST, SCENES
from tests.e2e.stage import WORKER, Stage, open_stage
from tests.e2e.witness import most_at_once
from tests.fixtures.tally import tally


def run(
    programs: Path,
    scenes: Sequence[str],
    seconds: float,
    seed: int,
    rate: float,
    environ: Mapping[str, str],
) -> Account:
    """Play every scene, and again until the seconds are over; what happens is told."""
    begun = time.monotonic()
    played: list[Played] = []
    with (
        tempfile.TemporaryDirectory(prefix="e2e-") as folder,
        open_stage(Path(folder), programs, rate, environ, _tell) as stage,
    ):
        most = [each for each in scenes if each != LAST]
        for step in draw(seed, most) if most else ():
            if len(played) >= len(most) and time.monotonic() - begun > seconds:
                break
            played.append(_play(stage, step, begun))
        stage.rest()
        if LAST in scenes:
            played.append(_play(stage, Step(LAST, 0), begun))
        workers = [each for each in stage.kubelets.history if each.app == WORKER]
        return Account(
            tally(stage.cameras, stage.database),
            len(stage.witness.jobs),
            stage.witness.moves,
            most_at_once(workers),
            time.monotonic() - begun,
            played,
        )


def _play(stage: Stage, step: Step, begun: float) -> Played:
    at, before = time.monotonic(), _counts(stage)
    _tell(f"{at - begun:6.1f} s  {step.scene} ...")
    good = True
    try:
        said = SCENES[step.scene](stage, step.hold)
    except AssertionError as error:
        said, good = str(error), False
        stage.explain(_tell)
    pictures, jobs, moves = (
        now - then for now, then in zip(_counts(stage), before, strict=True)
    )
    lasted = time.monotonic() - at
    done = Played(
        at - begun, step.scene, lasted, pictures, jobs, moves, said, good=good
    )
    _tell(str(done))
    return done


def _counts(stage: Stage) -> tuple[int, int, int]:
    pictures = stage.cameras.acknowledged.total()
    return pictures, len(stage.witness.jobs), stage.witness.moves


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
