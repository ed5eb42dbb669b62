"""The parser of every command: a short help, and few words for a typo."""

import argparse
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from common.version import VERSION

_WRONG = 2
_LONGEST = 300  # characters of a message
_UNKNOWN = re.compile(r"unrecognized arguments: (.*)", re.DOTALL)
_FLAG = re.compile(r"--?[a-z]")
_NO_CHOICE = re.compile(r"invalid choice: '([^']*)'")


class Parser(argparse.ArgumentParser):
    """A parser whose --help has a command's own flags, and --help-all every one."""

    def __init__(self, **how: Any) -> None:  # noqa: ANN401 - argparse's own keywords
        super().__init__(
            add_help=False,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **how,
        )
        self._apart: list[tuple[argparse.Action, str | None]] = []
        self._given: list[str] = []
        self._completing = False
        self.add_argument("-h", "--help", action="help", help="show the flags, and end")
        self._all = self.add_argument(
            "--help-all", action=_HelpAll, nargs=0, help=argparse.SUPPRESS
        )
        self.add_argument(
            "--version",
            action="version",
            version=f"%(prog)s {VERSION}",
            help="show the version, and end",
        )

    def put_apart(self, action: argparse.Action) -> None:
        """Show this flag with --help-all alone."""
        self._apart.append((action, action.help))
        action.help = argparse.SUPPRESS
        self._all.help = "show the flags for connections and rarer wishes too, and end"

    def show_all(self) -> None:
        """From now on --help has every flag."""
        for action, text in self._apart:
            action.help = text

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401
        """As argparse does; a shell that asks how a line goes on is answered."""
        self._given = sys.argv[1:] if args is None else list(args)
        if "_ARGCOMPLETE" in os.environ and not self._completing:
            self._completing = True
            import argcomplete

            argcomplete.autocomplete(self)
        return super().parse_known_args(args, namespace)

    def format_help(self) -> str:
        """The help, with a usage that fits a line."""
        self.usage = self._usage()
        return super().format_help()

    def _usage(self) -> str:
        words = [_shown(each) for each in self._get_positional_actions()]
        return " ".join([self.prog, "[flags]", *words]).replace("%", "%%")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in two lines, and end."""
        said = " ".join(self._explained(message).split())[:_LONGEST]
        self.exit(
            _WRONG, f"{self.prog}: {said}\n{self.prog} --help shows what there is\n"
        )

    def _explained(self, message: str) -> str:
        unknown = self._unknown_flag()
        if unknown and ("required" in message or _UNKNOWN.search(message)):
            return f"{unknown} is not known here{did_you_mean(unknown, self._flags())}"
        if found := _UNKNOWN.search(message):
            return f"{found[1].split()[0]} is more than is understood here"
        if found := _NO_CHOICE.search(message):
            return f"{message}{did_you_mean(found[1], self._choices())}"
        return message

    def _unknown_flag(self) -> str:
        """The first flag that is none; what follows it, or its =, may be a secret."""
        known = {flag for each in self._actions for flag in each.option_strings}
        names = (each.partition("=")[0] for each in self._given)
        return next((n for n in names if _FLAG.match(n) and n not in known), "")

    def _flags(self) -> list[str]:
        apart = {id(action) for action, _ in self._apart}
        return [
            flag
            for each in self._actions
            for flag in each.option_strings
            if id(each) in apart or each.help != argparse.SUPPRESS
        ]

    def _choices(self) -> list[str]:
        return [str(one) for each in self._actions for one in each.choices or ()]


class _HelpAll(argparse.Action):
    """Shows every flag."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        _values: str | Sequence[Any] | None,
        _option_string: str | None = None,
    ) -> None:
        if isinstance(parser, Parser):
            parser.show_all()
        parser.print_help()
        parser.exit()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest of the known words as a question, empty if none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(action: argparse.Action) -> str:
    """A positional argument in a usage line."""
    name = str(action.metavar or action.dest.upper())
    if action.choices and not action.metavar:
        name = "|".join(map(str, action.choices))
    match action.nargs:
        case "?":
            return f"[{name}]"
        case "*":
            return f"[{name} ...]"
        case "+":
            return f"{name} ..."
    return name
