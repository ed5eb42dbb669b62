"""What came of a run: a line for each scene, and what was counted."""

from dataclasses import dataclass, field

from tests.fixtures.tally import Tally, some


@dataclass(frozen=True)
class Played:
    """One scene: when it began, what it said, and what came of it."""

    at: float  # seconds since the start
    scene: str
    lasted: float
    pictures: int
    jobs: int
    moves: int
    said: str
    good: bool = True

    def __str__(self) -> str:
        return (
            f"{self.at:6.1f} s  {self.scene:16} {self.lasted:5.1f} s  "
            f"{self.pictures:4} pictures {self.jobs:2} Jobs {self.moves:2} moves  "
            f"{'' if self.good else 'NOT GOOD: '}{self.said}"
        )


@dataclass
class Account:
    """Everything that was counted."""

    tally: Tally
    jobs: int
    moves: int
    at_once: int
    """The most workers that ran at the same time."""

    seconds: float
    scenes: list[Played] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing lost, nothing doubled, and every scene as it should be."""
        counted = self.tally
        return not (counted.lost or counted.twice) and all(
            each.good for each in self.scenes
        )

    def __str__(self) -> str:
        counted = self.tally
        lines = [
            *map(str, self.scenes),
            "",
            f"pictures published  {counted.acknowledged}",
            f"unanswered          {counted.unanswered} (may have a row or not)",
            f"rows                {counted.rows}",
            f"lost                {some(counted.lost)}",
            f"doubled             {some(counted.twice)}",
            f"Jobs                {self.jobs}",
            f"moves               {self.moves}",
            f"workers at once     {self.at_once}",
            f"seconds             {self.seconds:.0f}",
            "nothing lost, nothing doubled" if self.good else "NOT GOOD",
        ]
        return "\n".join(lines)
