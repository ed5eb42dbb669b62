"""The flags of a command, made of its settings: its own ones, and those of connections.

A settings class with `apart = True` is of no command alone, such as how to reach the
broker: its flags are a group of their own, which only --help-all shows.
"""

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from common.parser import Parser
from common.values import boolean

if TYPE_CHECKING:
    from common.options import Option


def add_arguments(parser: argparse.ArgumentParser, settings: type) -> None:
    """Give `parser` one flag for each option of `settings`."""
    # --supabase-password would be --supabase-password-file, and take the secret.
    parser.allow_abbrev = False
    groups: dict[str, argparse._ArgumentGroup] = {}
    for title, each in _in_groups(settings):
        if not title:
            _add(parser, each)
            continue
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        action = _add(groups[title], each)
        if isinstance(parser, Parser):
            parser.put_apart(action)


def _in_groups(settings: type, title: str = "") -> Iterator[tuple[str, "Option"]]:
    """Every option with the title of its group, empty for the command's own."""
    if not title and getattr(settings, "apart", False):
        first = (settings.__doc__ or "").partition("\n")[0]
        title = first[:1].lower() + first[1:].rstrip(".")
    for field in dataclasses.fields(settings):
        if "section" in field.metadata:
            yield from _in_groups(field.metadata["section"], title)
        else:
            yield title, field.metadata["option"]


def _add(target: argparse._ActionsContainer, each: "Option") -> argparse.Action:
    # A switch may be given bare; everything is parsed later, all errors at once.
    switch: dict[str, Any] = {"nargs": "?", "const": "true"}
    action = target.add_argument(
        each.flag,
        metavar=_metavar(each),
        help=_help(each),
        **(switch if each.parse is boolean else {}),
    )
    if each.old_flag:
        target.add_argument(
            each.old_flag,
            dest=each.destination,
            action=_OldFlag,
            new=each.flag,
            help=argparse.SUPPRESS,
        )
    return action


class _OldFlag(argparse.Action):
    """Takes a flag by the name that it had in the version before."""

    def __init__(self, *, new: str, **how: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(**how)
        self._new = new

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,  # noqa: ANN401
        option_string: str | None = None,
    ) -> None:
        print(  # noqa: T201 - there is no log yet
            f"{option_string} is called {self._new} now, and will not be known by its "
            "old name in the next version",
            file=sys.stderr,
        )
        setattr(namespace, self.dest, values)


def _metavar(each: "Option") -> str:
    return "PATH" if each.secret else each.env.split("_")[-1]


def _help(each: "Option") -> str:
    words = f"file that holds the {each.help}" if each.secret else each.help
    variable = f"{each.env} or {each.env}_FILE" if each.secret else each.env
    if each.required:
        tail = "required"
    elif each.default is None:
        tail = "optional"
    else:
        tail = f"default {each.default}"
    return f"{words} [{variable}; {tail}]".replace("%", "%%")
