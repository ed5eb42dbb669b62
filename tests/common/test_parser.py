"""What somebody sees who asks for help, or has mistyped something."""

import subprocess
import sys
from importlib import import_module

import pytest

from common.version import VERSION
from tests.fixtures.scripts import ROOT, run_here

COMMANDS = sorted(path.name for path in ROOT.glob("*.py") if "_pb2" not in path.name)
MODULES = ["-m posture.models", "-m node_agent"]
SECRET = "not-for-everybody"


def run(command, *flags):
    return subprocess.run(
        [sys.executable, *command.split(), *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS + MODULES)
def test_a_typo_gets_a_few_lines_and_what_was_meant(command, tmp_path):
    if command in COMMANDS:  # --version starts them, below
        main = import_module(command.removesuffix(".py")).main
        done = run_here(main, "--hlep", folder=tmp_path)
    else:
        done = run(command, "--hlep")
    assert done.returncode == 2
    assert "--hlep is not known here; did you mean --help?" in done.stderr
    assert len(done.stderr.splitlines()) <= 3
    assert not done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_version_is_that_of_the_package(command):
    assert run(command, "--version").stdout == f"{command} {VERSION}\n"


def test_a_flag_of_a_connection_is_known_though_help_does_not_show_it():
    done = run("retention.py", "prune", "--suppabase-host", "db")
    assert "did you mean --supabase-host?" in done.stderr


def test_a_command_that_does_not_exist_is_answered_with_the_one_that_was_meant():
    done = run("retention.py", "forgt")
    assert "did you mean forget?" in done.stderr
    assert len(done.stderr.splitlines()) <= 3


@pytest.mark.parametrize(
    "flags",
    [
        (f"--supabase-password={SECRET}",),
        ("--supabase-password", SECRET),
        ("--broker-pasword", SECRET),
    ],
)
def test_a_secret_behind_a_flag_that_does_not_exist_is_not_shown(flags):
    done = run("retention.py", "prune", *flags)
    assert done.returncode == 2
    assert SECRET not in done.stderr
    assert "-password-file?" in done.stderr


def test_help_has_what_is_the_commands_own_and_help_all_the_connections_too():
    short, long = run("live_page.py", "--help"), run("live_page.py", "--help-all")
    assert "--page-port" in short.stdout
    assert "--help-all" in short.stdout
    assert "--supabase-host" not in short.stdout
    for flag in ("--page-port", "--supabase-host", "--broker-tls"):
        assert flag in long.stdout
    assert "how to reach PostgreSQL" in long.stdout
    assert len(short.stdout.splitlines()) < len(long.stdout.splitlines())


def test_a_script_without_connections_has_one_help_alone():
    assert "--help-all" not in run("run_local.py", "--help").stdout
