"""`posture COMMAND`: finds the command, reads .env, and hands over.

Only what is asked for is imported, so that --help answers at once.
"""

import os
import sys
from pathlib import Path
from typing import NamedTuple

_WRONG = 2
_HEAD = """\
usage: posture COMMAND [flags]

See when people at desks sit bent for long, and remind them.

"""
_FOOT = """
posture COMMAND --help has its flags, --help-all those of connections too.
A flag wins over the environment, which wins over .env in this folder.
"""


class Command(NamedTuple):
    """Where a command is: a module whose `main` takes the words, and words before."""

    summary: str
    module: str
    words: tuple[str, ...] = ()


COMMANDS = {
    "demo": Command("all of it on this machine, with sample pictures", "run_local"),
    "camera": Command("send a real camera's pictures", "camera"),
    "doctor": Command("check what is set up, and say what to mend", "command.doctor"),
    "why": Command("why nothing comes: the first broken link", "command.why"),
    "up": Command("start it on a cluster, from a checkout", "command.up"),
    "down": Command("take that away again", "stop"),
    "status": Command("who is at work, and what came last", "command.status"),
    "view": Command("whether a camera's pictures can be judged", "command.view"),
    "calibrate": Command("judge a camera by its own person", "command.calibrate"),
    "week": Command("the week of a desk", "command.week"),
    "export": Command("rows as CSV or Parquet", "command.export"),
    "nudge": Command("remind whoever has leaned for long", "posture_nudge"),
    "forget": Command("delete what is kept of a camera", "command.forget"),
    "page": Command("the live page for a browser", "live_page"),
}


def main(argv: list[str] | None = None) -> int:
    """Do what the first word says."""
    words = sys.argv[1:] if argv is None else argv
    if "_ARGCOMPLETE" in os.environ:
        words = _completed(words)
    name, *rest = words or ["--help"]
    if name in COMMANDS:
        return _run(name, rest)
    if name == "--version":
        from common.version import VERSION

        return _say(f"posture {VERSION}\n")
    if name in ("--help", "-h", "help", "--help-all"):
        return _say(_help())
    return _complain(name)


def _run(name: str, rest: list[str]) -> int:
    from importlib import import_module

    from command.env_file import read_env_file

    read_env_file(Path.cwd(), os.environ)
    command = COMMANDS[name]
    sys.argv = [f"posture {name}", *rest]  # how its messages call it
    code: int = import_module(command.module).main([*command.words, *rest])
    return code


def _help() -> str:
    lines = (f"  {name:<9} {each.summary}\n" for name, each in COMMANDS.items())
    return _HEAD + "".join(lines) + _FOOT


def _say(text: str) -> int:
    sys.stdout.write(text)
    return 0


def _complain(name: str) -> int:
    from common.parser import did_you_mean

    shown = name.partition("=")[0][:60]
    sys.stderr.write(
        f"posture: there is no command {shown}{did_you_mean(name, COMMANDS)}\n"
        "posture --help shows what there is\n"
    )
    return _WRONG


def _completed(words: list[str]) -> list[str]:
    """The words of a line that a shell wants completed, if they name a command."""
    typed = os.environ.get("COMP_LINE", "").split()[1:]
    if typed and typed[0] in COMMANDS:
        os.environ["_ARGCOMPLETE"] = "2"  # the command's own parser answers
        return typed[:1]
    import argparse

    import argcomplete

    parser = argparse.ArgumentParser("posture")
    parser.add_argument("command", choices=tuple(COMMANDS))
    argcomplete.autocomplete(parser)
    return words
