"""From a workstation to a running system: builds the image, deploys it, watches it.

Run it again at any time. While it waits, ESC, ENTER or a signal takes everything down
again, as stop.py does.

Exit codes: 0 done, 1 a step failed, 2 wrong settings, 3 the checks found something and
nothing was changed, 130 interrupted between two steps.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from common import cli, options, processes
from common.errors import OperatorError
from common.keyboard import listening
from kube.cluster import Cluster, Opened
from launcher import placement_objects
from launcher.adoption import Adoption
from launcher.checks.worker import declare_session, worker_checks
from launcher.deploy import Deployment
from launcher.doctor import Doctor, examine_without
from launcher.image.build import Shipping
from launcher.image.docker import Docker
from launcher.image.parts import Parts
from launcher.in_cluster import helpers_for
from launcher.interrupts import Interrupted, Interrupts
from launcher.launch import Launch, with_switches
from launcher.preflight import Finding, failed
from launcher.run_dir import Trace
from launcher.settings import (
    ImageSettings,
    LauncherSettings,
    StopSettings,
    TraceSettings,
)
from launcher.steps import Step, run_all, run_in_order
from launcher.teardown import Stopping
from launcher.values import Given, Values
from posture.settings import SessionSettings, WorkerSettings

ROOT = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Settings:
    """What the launcher is told, and what the worker will be told."""

    launcher: LauncherSettings = options.section(LauncherSettings)
    worker: WorkerSettings = options.section(WorkerSettings)


@dataclass(frozen=True)
class BuildSettings:
    """What building the image needs, and no more: no database, no cluster."""

    image: ImageSettings = options.section(ImageSettings)
    trace: TraceSettings = options.section(TraceSettings)
    model: str = options.same(WorkerSettings, "model")


def main(argv: list[str] | None = None) -> int:
    """Do what the command line asks for."""
    parser = with_switches(__doc__)
    options.add_arguments(parser, LauncherSettings)
    arguments = parser.parse_args(argv)
    interrupts = Interrupts()
    interrupts.listen()
    try:
        return cli.exit_code(lambda: _run(arguments, interrupts), _show)
    except Interrupted as error:
        if not error.taken_over:
            _show("\ninterrupted: run it again to go on, or undo it: python stop.py")
        return 130


def _run(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    if arguments.doctor:
        return _doctor(arguments, interrupts)
    if arguments.only == "build":
        return _build(arguments)
    run = _Run(arguments, cli.read(Settings, arguments), interrupts)
    return run.preview() if arguments.dry_run else run.launch()


def _doctor(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    try:
        settings = cli.read(Settings, arguments)
    except options.SettingsError as error:
        findings = examine_without(arguments, error.problems)
    else:
        findings = _Run(arguments, settings, interrupts).examine()
    _show("\n".join(map(str, findings)))
    return 3 if failed(findings) else 0


def _build(arguments: argparse.Namespace) -> int:
    """Build and push the image, and nothing else."""
    settings = cli.read(BuildSettings, arguments)
    trace = Trace(settings.trace)
    trace.log_here()
    docker = Docker(trace.log)
    shipping = Shipping(
        settings.image, settings.model, ROOT, trace.image, docker, arguments.rebuild
    )
    ship = shipping.preview if arguments.dry_run else shipping.ship
    with trace.locked():
        outcome = run_in_order([Step("build", "build and push the image", ship)], _show)
    return 1 if outcome else 0


class _Run:
    """One call of this script: its doors, and what it was asked for."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        settings: Settings,
        interrupts: Interrupts,
    ) -> None:
        launcher = settings.launcher
        self._arguments = arguments
        self._settings = settings
        self._interrupts = interrupts
        self._trace = Trace(launcher.trace)
        self._trace.log_here()
        self._cluster = Opened(lambda: Cluster(launcher.cluster))
        self._docker = Docker(self._trace.log)
        self._doctor = Doctor(
            launcher,
            self._cluster,
            self._docker,
            self._trace,
            worker_checks(argparse.Namespace()),
            arguments.skip_build,
            arguments.adopt,
        )

    def examine(self) -> list[Finding]:
        """Check everything."""
        findings = self._doctor.examine()
        if self._arguments.try_pod:
            findings += self._doctor.try_pods(self._launch())
        return findings

    def preview(self) -> int:
        """Show what a launch would do."""
        outcomes = run_all(self._launch().preview(), _show)
        return 1 if any(each.failed for each in outcomes) else 0

    def launch(self) -> int:
        """Do the steps, then wait."""
        if not (self._arguments.yes or self._agreed()):
            return 2
        with self._trace.locked():
            processes.write_record(self._trace.launcher, sys.orig_argv)
            try:
                return self._do_steps(self._launch())
            finally:
                self._trace.launcher.unlink(missing_ok=True)

    def _do_steps(self, launch: Launch) -> int:
        only = self._arguments.only
        steps = [each for each in launch.steps() if only in (None, each.name)]
        if only not in (None, "preflight"):
            self._trace.remember(self._target())
        outcome = run_in_order(steps, self._show)
        if outcome:
            _show(
                "\nnot done: mend it and run it again, or undo it: python stop.py; all "
                f"of it is in {self._trace.log}"
            )
            return 3 if outcome.step.name == "preflight" else 1
        if only or self._arguments.detach or self._settings.launcher.in_cluster:
            return 0
        return self._wait_and_stop(launch)

    def _show(self, line: str) -> None:
        _show(line)
        self._interrupts.check()

    def _wait_and_stop(self, launch: Launch) -> int:
        stop = self._interrupts.came
        try:
            with listening(stop.set) as terminal:
                how = "ESC or ENTER" if terminal else "SIGTERM or python stop.py"
                self._show(f"\nrunning; {how} takes it down again")
                launch.helpers.follow(_show, stop)
                self._interrupts.check()
        except Interrupted as error:
            if error.taken_over:
                raise
        _show("\nstopping")
        outcomes = run_all(launch.stopping.steps(settings_too=False), _show)
        return 1 if any(each.failed for each in outcomes) else 0

    def _launch(self) -> Launch:
        launcher = self._settings.launcher
        told = options.given(WorkerSettings, argparse.Namespace(), os.environ)
        session = options.read(SessionSettings, argparse.Namespace(), os.environ)
        shipping = self._shipping()
        environ = self._environ()
        adopt: bool = self._arguments.adopt
        helpers = helpers_for(
            launcher, self._cluster, self._trace, environ, adopt=adopt
        )
        taken = Adoption(self._cluster, launcher.cluster.scaledjob, self._trace.adopted)
        return Launch(
            preflight=lambda: self._doctor.preflight(self._remember),
            declare=declare_session(session),
            stopping=self._stopping(),
            shipping=shipping,
            parts=self._parts(shipping, told, environ),
            deployment=Deployment(launcher, told, shipping.image, self._cluster, adopt),
            helpers=helpers,
            skip_build=self._arguments.skip_build,
            adoption=taken if adopt else None,
        )

    def _stopping(self) -> Stopping:
        launcher = self._settings.launcher
        return Stopping(
            self._cluster,
            self._docker,
            self._trace,
            launcher.cluster.scaledjob,
            launcher.manifest.patched,
            dry_run=self._arguments.dry_run,
        )

    def _shipping(self) -> Shipping:
        return Shipping(
            self._settings.launcher.image,
            self._settings.worker.model,
            ROOT,
            self._trace.image,
            self._docker,
            self._arguments.rebuild,
        )

    def _parts(
        self, shipping: Shipping, told: Given, environ: Mapping[str, str]
    ) -> Parts:
        nothing = argparse.Namespace()
        placement = options.given_of(placement_objects.options(), nothing, environ)
        pods = self._settings.launcher.pods
        launcher = self._settings.launcher
        return Parts(
            launcher.image,
            launcher.with_parts(skip_build=self._arguments.skip_build),
            pods.pull_secret,
            shipping.image,
            ROOT,
            self._trace.parts,
            Values(self._trace.values, told, placement, pods).write,
            self._docker,
            self._arguments.rebuild,
        )

    def _remember(self) -> None:
        """Keep for a stop where this goes; not for a dry run."""
        if not self._arguments.dry_run:
            # The context's namespace may be another one when it is to be stopped.
            there = {"NAMESPACE": self._cluster().namespace}
            self._trace.remember(there | self._target())

    def _target(self) -> dict[str, str]:
        told = options.given(StopSettings, self._arguments, os.environ)
        return {each.env: text for each, text in told}

    def _environ(self) -> dict[str, str]:
        """That of the helpers: ours, and what flags say."""
        told = options.given(LauncherSettings, self._arguments, os.environ)
        return {**os.environ, **{each.env: text for each, text in told}}

    def _agreed(self) -> bool:
        try:
            cluster = self._cluster()
        except OperatorError as error:
            _show(str(error))
            return False
        context = self._settings.launcher.cluster.context or "current"
        place = f"context {context}, namespace {cluster.namespace}"
        _show(f"cluster {cluster.host}, {place}")
        if not sys.stdin.isatty():
            _show("no terminal to ask at: give --yes if this is the right one")
            return False
        return input("Deploy there? [y/N] ").strip().lower() in ("y", "yes")


def _show(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is what the command is for


if __name__ == "__main__":
    raise SystemExit(main())
