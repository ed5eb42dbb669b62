"""The matrix of docs/brokers.md, `python -m tests.brokers.matrix [BROKER ...]`.

Each field is what was lost and what was doubled, of the pictures that were accepted.
"""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from common import cli
from posture.mqtt.probe import probe
from tests.brokers.scene import STEPS, playing
from tests.brokers.servers import SERVERS
from tests.brokers.servers.server import MissingError, Server
from tests.fixtures.postgres import Postgres, running_postgres


def main(argv: list[str] | None = None) -> int:
    """Print a line for each broker as soon as it is known."""
    parser = cli.parser(__doc__)
    parser.add_argument("broker", nargs="*", help=f"of {', '.join(SERVERS)}; or all")
    names = parser.parse_args(argv).broker
    if unknown := set(names) - SERVERS.keys():
        parser.error(f"no such broker: {', '.join(sorted(unknown))}")
    print("| broker | " + " | ".join(STEPS) + " | comes again under |")
    print("|---" * (len(STEPS) + 2) + "|")
    with running_postgres() as postgres:
        for name in names or SERVERS:
            kind = SERVERS[name]
            try:
                kind.prepare()
            except MissingError as missing:
                print(f"{name}: skipped: {missing}", file=sys.stderr)
                continue
            fields = [_played(kind, step, postgres) for step in STEPS]
            fields.append(_probed(kind, postgres))
            print(f"| {kind.name} {kind.version} | {' | '.join(fields)} |", flush=True)
    print(f"\nMeasured on {datetime.now(UTC):%Y-%m-%d}.")
    return 0


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
        return f"{lost}/{doubled}"


def _probed(kind: type[Server], postgres: Postgres) -> str:
    with (
        tempfile.TemporaryDirectory() as folder,
        playing(kind, postgres, Path(folder)) as scene,
    ):
        said = probe(scene.settings.broker)
        return kind.verdict if kind.verdict in said else said


if __name__ == "__main__":
    raise SystemExit(main())
