"""Pin the ScaledJob's manifest to the least loaded GPU node.

Reads posture-job.yaml and writes patched-job.yaml; nothing in the cluster is changed.

Exit codes: 0 written, 1 cannot be done (manifest, Prometheus or cluster), 2 wrong
settings, 3 no node can be chosen.
"""

import argparse
import logging
import sys
from pathlib import Path

from common import cli, options
from common.files import write_text
from kube import scaledjobs
from kube.settings import node_name
from placement.settings import PatchSettings

log = logging.getLogger("placement.patch")


def main(argv: list[str] | None = None) -> int:
    """Patch the manifest once."""
    arguments = _parser().parse_args(argv)
    return cli.exit_code(lambda: _patch(arguments), log.error)


def _parser() -> argparse.ArgumentParser:
    parser = cli.parser(__doc__)
    parser.add_argument("--node", help="pin to this node, whatever its load")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the manifest, write nothing"
    )
    parser.add_argument(
        "--show-loads", action="store_true", help="print nodes and loads on stderr"
    )
    options.add_arguments(parser, PatchSettings)
    return parser


def _patch(arguments: argparse.Namespace) -> int:
    settings = cli.read(PatchSettings, arguments)
    named = _named(arguments.node)
    cli.log_to_stderr(settings.log_level, "%(levelname)-7s %(message)s")
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


def _named(text: str | None) -> str | None:
    try:
        return None if text is None else node_name(text)
    except ValueError as error:
        raise options.SettingsError([f"--node is {text!r}: expected {error}"]) from None


def _choose(
    settings: PatchSettings, scaledjob: scaledjobs.ScaledJob, *, show: bool
) -> tuple[str | None, str | None]:
    # Imported here so that --help, --node and wrong settings answer at once.
    from kube.cluster import Cluster
    from placement.chooser import Chooser, choose_now
    from placement.loads.source import load_source
    from placement.table import table

    decision, survey = choose_now(
        Cluster(settings.cluster),
        load_source(settings.prometheus),
        settings.loads,
        Chooser(settings.choice),
        scaledjob,
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
