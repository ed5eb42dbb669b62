"""The matrix of docs/brokers.md, `python -m tests.brokers.matrix [BROKER ...]`.

Each field is what was lost and what was doubled, of the pictures that were accepted.
With --write the lines of these brokers are replaced in the documentation.
"""

import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from common import cli
from tests.brokers.scene import STEPS, playing, verdict
from tests.brokers.servers import SERVERS
from tests.brokers.servers.server import MissingError, Server
from tests.fixtures.ended import end_on_signals
from tests.fixtures.postgres import Postgres, running_postgres

PAGE = Path(__file__).parents[2] / "docs" / "brokers.md"


def main(argv: list[str] | None = None) -> int:
    """Print a line for each broker as soon as it is known."""
    parser = cli.parser(__doc__)
    parser.add_argument("broker", nargs="*", help=f"of {', '.join(SERVERS)}; or all")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name} too")
    arguments = parser.parse_args(argv)
    end_on_signals()
    if unknown := set(arguments.broker) - SERVERS.keys():
        parser.error(f"no such broker: {', '.join(sorted(unknown))}")
    print("| broker | " + " | ".join(STEPS) + " | comes again under | tried |")
    print("|---" * (len(STEPS) + 3) + "|")
    with running_postgres() as postgres:
        for name in arguments.broker or SERVERS:
            kind = SERVERS[name]
            try:
                kind.prepare()
            except MissingError as missing:
                print(f"{name}: skipped: {missing}", file=sys.stderr)
                continue
            line = _line(kind, postgres)
            print(line, flush=True)
            if arguments.write:
                PAGE.write_text(with_line(PAGE.read_text(), kind.name, line))
    return 0


def with_line(page: str, name: str, line: str) -> str:
    """The page with this broker's line of the matrix in the place of the old one.

    A broker that has none yet comes last.
    """
    head, mark, matrix = page.partition("| tried |\n")
    assert mark, f"{PAGE}: no matrix"
    table, end, tail = matrix.partition("\n\n")
    lines = table.split("\n")
    old = re.compile(rf"\| {re.escape(name)} (\S+|\S+ [0-9.]+) \|")
    found = [number for number, each in enumerate(lines) if old.match(each)]
    if found:
        lines[found[0]] = line
    else:
        lines.append(line)
    return head + mark + "\n".join(lines) + end + tail


def _line(kind: type[Server], postgres: Postgres) -> str:
    fields = [_played(kind, step, postgres) if kind.keeps else "" for step in STEPS]
    fields.append(_probed(kind, postgres))
    fields.append(f"{datetime.now(UTC):%Y-%m-%d}")
    return f"| {kind.name} {kind.version} | {' | '.join(fields)} |"


def _played(kind: type[Server], step: str, postgres: Postgres) -> str:
    with (
        tempfile.TemporaryDirectory() as folder,
        playing(kind, postgres, Path(folder)) as scene,
    ):
        try:
            STEPS[step](scene)
            lost, doubled = scene.counted()
        except AssertionError as error:
            return f"failed: {error}".splitlines()[0]
        said = lost and "the broker has no session for us" in scene.workers[-1].log
        return f"{lost}/{doubled}{', said' if said else ''}"


def _probed(kind: type[Server], postgres: Postgres) -> str:
    with (
        tempfile.TemporaryDirectory() as folder,
        playing(kind, postgres, Path(folder)) as scene,
    ):
        said = verdict(scene.settings.broker)
        if kind.verdict not in said:
            return said
        return f"by a timer, after about {kind.late} s" if kind.late else kind.verdict


if __name__ == "__main__":
    raise SystemExit(main())
