"""What came of the pictures: the account at the end of a run."""

from dataclasses import dataclass, field

from tests.chaos.stage import Stage
from tests.fixtures.tally import some, tally


@dataclass(frozen=True)
class Outage:
    """One fault that was made, when, and how long until all workers wrote again."""

    at: float  # seconds since the start
    fault: str
    lasted: float
    recovery: float


@dataclass
class Account:
    """Everything that was counted."""

    acknowledged: int
    unanswered: int
    rows: int
    lost: list[str]
    twice: list[str]
    files_without_row: list[str]
    rows_without_file: list[str]
    peak_mb: float
    unexpected: list[str]
    outages: list[Outage] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing lost, nothing twice, nothing more."""
        return not (
            self.lost
            or self.twice
            or self.files_without_row
            or self.rows_without_file
            or self.unexpected
        )

    @property
    def slowest(self) -> float:
        return max((each.recovery for each in self.outages), default=0.0)

    def __str__(self) -> str:
        lines = [
            f"{each.at:6.1f} s  {each.fault:22} {each.lasted:5.1f} s   "
            f"all workers write again after {each.recovery:4.1f} s"
            for each in self.outages
        ]
        lines += [
            "",
            f"acknowledged       {self.acknowledged}",
            f"unanswered         {self.unanswered} (may have a row or not)",
            f"rows               {self.rows}",
            f"lost               {some(self.lost)}",
            f"twice              {some(self.twice)}",
            f"files without row  {some(self.files_without_row)}",
            f"rows without file  {some(self.rows_without_file)}",
            f"slowest recovery   {self.slowest:.1f} s",
            f"largest worker     {self.peak_mb:.0f} MB",
            *self.unexpected,
            "nothing lost, nothing twice" if self.good else "NOT GOOD",
        ]
        return "\n".join(lines)


def close_account(stage: Stage, outages: list[Outage]) -> Account:
    """Compare what was acknowledged with the table and the files."""
    counted = tally(stage.cameras, stage.database)
    rows = stage.database.rows()
    names = {f"analyzed_images_from_{row['pi_id']}/{row['filename']}" for row in rows}
    files = {
        str(path.relative_to(stage.pictures))
        for path in stage.pictures.glob("analyzed_images_from_*/*")
    }
    return Account(
        acknowledged=counted.acknowledged,
        unanswered=counted.unanswered,
        rows=counted.rows,
        lost=counted.lost,
        twice=counted.twice,
        files_without_row=sorted(files - names),
        rows_without_file=sorted(names - files),
        peak_mb=stage.peak_mb,
        unexpected=stage.unexpected,
        outages=outages,
    )
