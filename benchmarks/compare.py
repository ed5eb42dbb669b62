"""This worker against an earlier one, both alive at once, in turn with bare MediaPipe.

    python -m benchmarks.compare --base v1.0 --model full --rounds 8

`make bench` calls it. Whatever else a machine does then hits all of them alike, so
ratios can be trusted where seconds cannot. It fails where a ratio is worse by 5 %
(`--loss`) than the base's, or than the one in benchmarks/kept.json, which `--keep`
writes. Both workers have a broker and a database of their own, and the packages and the
models of this checkout. The ratio to bare is that of the bundle which both use.
"""

import argparse
import contextlib
import io
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import machine, processor_time
from benchmarks.throughput import (
    PICTURES,
    ROOT,
    Bare,
    latencies,
    payloads_of,
    stack,
    worker_window,
)
from posture.models import bundle_path
from posture.settings import MODELS, available_cores

KEPT = Path(__file__).with_name("kept.json")
# What is kept of a picture of 1280 x 720, and the settings for it.
CASES = {
    "all of it": {"STORE": "full"},
    "960 pixels wide": {"STORE": "full", "PICTURE_WIDTH": "960"},
    "nothing": {"STORE": "none"},
}
WARM = 64


@dataclass
class Side:
    """One of the two workers, and what it was seen to do."""

    parts: tuple
    rates: list[float] = field(default_factory=list)
    """Pictures a second, by round."""
    costs: list[float] = field(default_factory=list)
    """Milliseconds of processor time a picture, by round."""
    waits: list[float] = field(default_factory=list)
    """Milliseconds from publish to committed row, while it is idle."""

    def window(self, payloads: list[bytes], count: int, seconds: float) -> None:
        """Work off so many pictures, which take about so long."""
        process = self.parts[2].process.pid
        before = processor_time(process)
        self.rates.append(worker_window(self.parts, payloads, count, seconds))
        self.costs.append((processor_time(process) - before) / count)


def default_base() -> str:
    """The last release, or else the commit before this one."""
    return _git("describe", "--tags", "--abbrev=0", "HEAD") or "HEAD~1"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


@contextlib.contextmanager
def checkout_of(base: str) -> Iterator[Path]:
    """The files of that commit, or the folder of that name."""
    if Path(base).is_dir():
        yield Path(base).resolve()
        return
    archive = subprocess.run(
        ["git", "archive", base], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        why = archive.stderr.decode().strip()
        raise SystemExit(f"there is no {base} to compare with (BASE=...): {why}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def measure(
    case: str, model: str, checkout: Path, rounds: int, seconds: float
) -> dict[str, float]:
    """Figures of one case: medians, and of ratios the median over the rounds."""
    payloads = payloads_of(PICTURES)
    threads, settings = available_cores(), CASES[case]
    with contextlib.ExitStack() as running:
        enter = running.enter_context
        base = Side(enter(stack(model, threads, settings, checkout)))
        now = Side(enter(stack(model, threads, settings)))
        bare = Bare(bundle_path(ROOT / "models", model), threads)
        running.callback(bare.close)
        warm = [worker_window(each.parts, payloads, WARM) for each in (base, now)]
        count = max(8, round(min(warm) * seconds))
        bares: list[tuple[float, float]] = []
        for number in range(rounds):
            for each in (base, now) if number % 2 else (now, base):
                each.window(payloads, count, seconds)
            bares.append(bare_window(bare, seconds))
        for number in range(rounds):
            for each in (base, now) if number % 2 else (now, base):
                each.waits += latencies(each.parts, payloads, 4)
    return figures(base, now, bares)


def bare_window(bare: Bare, seconds: float) -> tuple[float, float]:
    """Pictures a second, and milliseconds of processor time for each."""
    process = bare.process.pid
    before = processor_time(process)
    rate = bare.per_second(seconds)
    return rate, (processor_time(process) - before) / (rate * seconds)


def figures(
    base: Side, now: Side, measured: list[tuple[float, float]]
) -> dict[str, float]:
    """What is told of a case; ratios above 1 are for the better.

    Processor time is compared by the least of each, which other programs change least.
    """
    median = statistics.median
    bares = [rate for rate, _ in measured]
    least = min(cost for _, cost in measured)

    def ratio(one: list[float], other: list[float]) -> float:
        return median(a / b for a, b in zip(one, other, strict=True))

    return {
        "bare, a second": median(bares),
        "base, a second": median(base.rates),
        "now, a second": median(now.rates),
        "base to bare": ratio(base.rates, bares),
        "now to bare": ratio(now.rates, bares),
        "now to bare, pictures per processor time": least / min(now.costs),
        "now to base, pictures a second": ratio(now.rates, base.rates),
        "now to base, pictures per processor time": ratio(base.costs, now.costs),
        "now to base, shortness of the way to a row": median(base.waits)
        / median(now.waits),
    }


def losses(
    told: dict[str, dict[str, float]], kept: dict[str, float], most: float
) -> list[str]:
    """Which ratios are worse than they may be, in words."""
    worse = []
    for case, values in told.items():
        ratios = {name: each for name, each in values.items() if "to base" in name}
        if case in kept:
            ratios["now to bare, of the kept"] = values["now to bare"] / kept[case]
        worse += [
            f"{case}: {name}: {ratio:.3f}"
            for name, ratio in ratios.items()
            if ratio < 1 - most
        ]
    return worse


def show(told: dict[str, dict[str, float]], kept: dict[str, float]) -> None:
    """Print it as Markdown, a column for each case."""
    rows = {"what is kept of a picture": [*told]}
    rows["---"] = ["---:"] * len(told)
    for name in next(iter(told.values())):
        digits = 1 if "second" in name and "to" not in name else 3
        rows[name] = [f"{values[name]:.{digits}f}" for values in told.values()]
    rows["kept: to bare"] = [str(kept.get(case, "")) for case in told]
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")


def main(argv: list[str] | None = None) -> int:
    """Measure, print and compare; 1 where something is worse."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument(
        "--base",
        default="",
        help="commit, tag or folder of the other worker (default: the last release, "
        "or else the commit before this one)",
    )
    parser.add_argument("--model", choices=MODELS, default="full")
    parser.add_argument("--cases", choices=CASES, nargs="+", default=[*CASES])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3, help="of a window")
    parser.add_argument("--loss", type=float, default=0.05, help="share that fails")
    parser.add_argument("--keep", action="store_true", help="write kept.json")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    whole = json.loads(KEPT.read_text())
    kept = whole["to bare"].get(arguments.model, {})
    base = arguments.base or default_base()
    with checkout_of(base) as checkout:
        told = {
            case: measure(
                case, arguments.model, checkout, arguments.rounds, arguments.seconds
            )
            for case in arguments.cases
        }
    if arguments.json:
        print(json.dumps(told | {"base": base, "machine": machine()}, indent=1))
    else:
        show(told, kept)
        print(f"\nbase: {base}; {machine()}")
    if arguments.keep:
        kept |= {case: round(each["now to bare"], 3) for case, each in told.items()}
        whole["to bare"][arguments.model] = kept
        whole["machine"] = machine()
        KEPT.write_text(json.dumps(whole, indent=1) + "\n")
        return 0
    worse = losses(told, kept, arguments.loss)
    for each in worse:
        print(f"worse: {each}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    raise SystemExit(main())
