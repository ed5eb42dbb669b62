"""Pin the ScaledJob's manifest to the least loaded GPU node.

Reads posture-job.yaml and writes patched-job.yaml; nothing in the cluster is changed.

Exit codes: 0 written, 1 cannot be done (manifest, Prometheus or cluster), 2 wrong
settings, 3 no node can be chosen.
"""

import argparse
import logging
import os
import sys
import time
from pathlib import Path

from common import options
from common.errors import OperatorError
from common.files import write_text
from kube import scaledjobs
from kube.settings import node_name
from placement.settings import PatchSettings

log = logging.getLogger("placement.patch")


def main(argv: list[str] | None = None) -> int:
    """Patch the manifest once."""
    arguments = _parser().parse_args(argv)
    try:
        settings = options.read(PatchSettings, arguments, os.environ)
        named = node_name(arguments.node) if arguments.node is not None else None
    except options.SettingsError as error:
        print(f"settings:\n{error}", file=sys.stderr)  # noqa: T201 - logging is not up
        return 2
    except ValueError as error:
        print(f"--node is {arguments.node!r}: expected {error}", file=sys.stderr)  # noqa: T201
        return 2
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(levelname)-7s %(message)s"
    )
    try:
        return _patch(settings, named, arguments)
    except OperatorError as error:
        log.error("%s", error)  # noqa: TRY400 - a message, not a traceback
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n\n")[0], allow_abbrev=False
    )
    parser.add_argument("--node", help="pin to this node, whatever its load")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the manifest, write nothing"
    )
    parser.add_argument(
        "--show-loads", action="store_true", help="print nodes and loads on stderr"
    )
    options.add_arguments(parser, PatchSettings)
    return parser


def _patch(
    settings: PatchSettings, named: str | None, arguments: argparse.Namespace
) -> int:
    scaledjob = scaledjobs.read_manifest(settings.manifest.base)
    if not scaledjobs.keeps_running_jobs(scaledjob):
        log.warning(
            "%s: without spec.rollout.strategy: gradual KEDA ends running Jobs at "
            "every change",
            settings.manifest.base,
        )
    node, hostname = named, named
    if named is None or arguments.show_loads:
        chosen = _choose(settings, scaledjob, show=arguments.show_loads)
        node, hostname = (named, named) if named else chosen
    if node is None or hostname is None:
        return 3
    scaledjobs.pin(scaledjob, node, hostname)
    _write(settings.manifest.patched, scaledjobs.dump(scaledjob), arguments.dry_run)
    return 0


def _choose(
    settings: PatchSettings, scaledjob: scaledjobs.ScaledJob, *, show: bool
) -> tuple[str | None, str | None]:
    # Imported here so that --help, --node and wrong settings answer at once.
    from kube.client import Cluster
    from placement.chooser import Chooser
    from placement.loads.prometheus import Prometheus
    from placement.table import table

    cluster = Cluster(settings.cluster)
    prometheus = Prometheus(settings.prometheus)
    nodes = cluster.nodes()
    survey = prometheus.survey(nodes, settings.loads)
    jobs = cluster.jobs()
    decision = Chooser(settings.choice).choose(
        nodes, survey.readings, scaledjob, jobs, time.monotonic()
    )
    if show:
        print(table(decision, survey), file=sys.stderr)  # noqa: T201 - asked for
    (log.info if decision.node else log.error)("%s", decision)
    return decision.node, decision.hostname


def _write(path: Path, text: str, dry_run: bool) -> None:
    if dry_run or path == Path("-"):
        sys.stdout.write(text)
        return
    write_text(path, text)
    log.info("written: %s", path)


if __name__ == "__main__":
    raise SystemExit(main())
