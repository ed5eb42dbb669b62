"""What every command of ours begins and ends with: flags, settings, log, exit code."""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from common import options
from common.errors import OperatorError
from common.options import SettingsError
from common.parser import Parser

TIMED = "%(asctime)s %(levelname)-7s %(message)s"
"""Lines of a log that goes on for long."""

WRONG_SETTINGS = 2
"""An exit code; 0 is a good end, 1 a failure, others are each command's own."""

Settings = TypeVar("Settings")


def parser(document: str, epilog: str | None = None, prog: str | None = None) -> Parser:
    """A parser for the command whose module has this docstring.

    `epilog` is shown as it is; without one it is what follows the first paragraph.
    `prog` is what is typed for it; without one it is the script's name.
    """
    summary, _, details = document.partition("\n\n")
    return Parser(
        prog=prog,
        description=summary,
        epilog=details.rstrip() if epilog is None else epilog,
    )


def read(settings: type[Settings], arguments: argparse.Namespace) -> Settings:
    """The settings that flags and this process's environment give.

    Raises:
        SettingsError: something is missing or wrong; names all of it.
    """
    return options.read(settings, arguments, os.environ)


def log_to_stderr(level: str, form: str = TIMED) -> None:
    """Begin to log; `level` as in the setting LOG_LEVEL."""
    logging.basicConfig(level=level.upper(), format=form)


def print_error(text: str) -> None:
    """Say something on stderr, for commands whose log goes elsewhere."""
    print(text, file=sys.stderr)  # noqa: T201


def exit_code(run: Callable[[], int], say: Callable[[str], object]) -> int:
    """What `run` gives; what an operator has to know is said in a sentence.

    Wrong settings are shown on stderr, for there is no log yet; all else by `say`.
    """
    try:
        return run()
    except SettingsError as error:
        print_error(f"settings:\n{error}")
        return WRONG_SETTINGS
    except OperatorError as error:
        say(str(error))
        return error.exit_code
