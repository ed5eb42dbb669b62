"""Settings declared once, with flag, environment variable, default and help together.

Every room keeps its settings in frozen dataclasses whose fields are made by
`option()` (one value) or `section()` (another such dataclass). From that one table
come the `--help` of every script, the reading and the messages about what is missing
or wrong.

A flag wins over the environment variable, which wins over the default. A secret has no
flag that takes its value, for an argument list is readable by every user of a machine:
it is read from its variable, or from the file that `<VARIABLE>_FILE` or `--<flag>-file`
names. Secrets are left out of the `repr` of a settings object.
"""

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from common.flags import add_arguments as add_arguments
from common.secret_files import read_secret
from common.texts import check_characters, without_login, without_secrets
from common.values import boolean as boolean
from common.values import decimal as decimal
from common.values import integer as integer
from common.values import one_of as one_of

_REQUIRED = object()
Settings = TypeVar("Settings")


class SettingsError(ValueError):
    """All settings that are missing or wrong, one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclasses.dataclass(frozen=True)
class Option:
    """How one setting is named, explained and understood."""

    env: str
    flag: str
    help: str
    parse: Callable[[str], Any]
    default: Any
    secret: bool
    old_flag: str | None = None
    """What the flag was called before; it is taken with a warning."""

    @property
    def destination(self) -> str:
        """Name of the value in the parsed arguments."""
        return self.flag.removeprefix("--").replace("-", "_")

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is _REQUIRED

    @property
    def names(self) -> str:
        """Both names, as a message shows them."""
        return f"{self.env} ({self.flag})"


def option(
    env: str,
    flag: str,
    help: str,
    *,
    default: Any = _REQUIRED,
    parse: Callable[[str], Any] = str,
    secret: bool = False,
    old_flag: str | None = None,
) -> Any:
    """A dataclass field that is read from `flag`, `env` or the default.

    `default` is text as a user would type it, read by `parse` like any other; None
    makes the setting optional. `parse` raises ValueError saying what it expected.
    """
    shown = f"{flag}-file" if secret else flag
    made = Option(env, shown, help, parse, default, secret, old_flag)
    return dataclasses.field(metadata={"option": made}, repr=not secret)


def same(settings: type, name: str) -> Any:
    """A dataclass field that is declared in another class, under this name."""
    [found] = [each for each in dataclasses.fields(settings) if each.name == name]
    return dataclasses.field(metadata=found.metadata, repr=found.repr)


def section(settings: type) -> Any:
    """A dataclass field that is itself a dataclass of options."""
    return dataclasses.field(metadata={"section": settings})


def options_of(settings: type) -> Iterator[Option]:
    """Every option of a settings class, those of its sections included."""
    for field in dataclasses.fields(settings):
        if "section" in field.metadata:
            yield from options_of(field.metadata["section"])
        else:
            yield field.metadata["option"]


def read(
    settings: type[Settings],
    arguments: argparse.Namespace,
    environ: Mapping[str, str],
) -> Settings:
    """The settings that `arguments` and `environ` give.

    Raises:
        SettingsError: something is missing, wrong or no more; names all of it.
    """
    problems = list(_gone(settings, environ))
    made = _read(settings, vars(arguments), environ, problems)
    if problems:
        # One may stand in the place of something else.
        secrets = [
            environ.get(each.env) for each in options_of(settings) if each.secret
        ]
        raise SettingsError([without_secrets(each, secrets) for each in problems])
    return made


def refuse_gone(settings: type, environ: Mapping[str, str]) -> None:
    """Make sure that nobody relies on a setting that this class had once.

    A class names those in `gone`: variable, and what to do instead.

    Raises:
        SettingsError: they are set; says what there is instead.
    """
    if problems := list(_gone(settings, environ)):
        raise SettingsError(problems)


def _gone(settings: type, environ: Mapping[str, str]) -> Iterator[str]:
    gone: Mapping[str, str] = getattr(settings, "gone", {})
    for name, instead in gone.items():
        if environ.get(name):
            yield f"{name} is a setting no more: {instead} (docs/upgrading.md)"
    for field in dataclasses.fields(settings):
        if "section" in field.metadata:
            yield from _gone(field.metadata["section"], environ)


def given(
    settings: type, arguments: argparse.Namespace, environ: Mapping[str, str]
) -> list[tuple[Option, str]]:
    """Every option that is set by flag or variable, and its text; no defaults.

    Raises:
        SettingsError: the file of a secret cannot be read.
    """
    return given_of(options_of(settings), arguments, environ)


def given_of(
    every: Iterable[Option], arguments: argparse.Namespace, environ: Mapping[str, str]
) -> list[tuple[Option, str]]:
    """As `given`, for these options."""
    found, problems = [], []
    for each in every:
        try:
            text = _set(each, vars(arguments), environ)
        except ValueError as problem:
            problems.append(str(problem))
        else:
            if text is not None:
                found.append((each, text))
    if problems:
        raise SettingsError(problems)
    return found


def _read(
    settings: type[Settings],
    arguments: Mapping[str, str | None],
    environ: Mapping[str, str],
    problems: list[str],
) -> Settings:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        if "section" in field.metadata:
            inner = field.metadata["section"]
            values[field.name] = _read(inner, arguments, environ, problems)
        else:
            try:
                values[field.name] = _value(
                    field.metadata["option"], arguments, environ
                )
            except ValueError as problem:
                problems.append(str(problem))
    return settings(**values) if not problems else None  # type: ignore[return-value]


def _value(
    each: Option, arguments: Mapping[str, str | None], environ: Mapping[str, str]
) -> Any:
    text = _text(each, arguments, environ)
    if text is None:
        if each.required:
            raise ValueError(f"{each.names} is not set: {each.help}")
        return None
    try:
        check_characters(text)
        return each.parse(text)
    except ValueError as problem:
        shown = "wrong" if each.secret else repr(without_login(text))
        raise ValueError(f"{each.names} is {shown}: expected {problem}") from None


def _text(
    each: Option, arguments: Mapping[str, str | None], environ: Mapping[str, str]
) -> str | None:
    found = _set(each, arguments, environ)
    if found is None and not each.required:
        found = each.default
    return found


def _set(
    each: Option, arguments: Mapping[str, str | None], environ: Mapping[str, str]
) -> str | None:
    # An empty variable counts as absent: `FOO= command` and compose files mean that.
    given = arguments.get(each.destination)
    if each.secret:
        path = given or environ.get(f"{each.env}_FILE")
        given = _secret(each, path) if path else None
    if given is None:
        given = environ.get(each.env) or None
    return given


def _secret(each: Option, path: str) -> str:
    try:
        return read_secret(path)
    except ValueError as problem:
        raise ValueError(f"{each.names}: cannot read {path}: {problem}") from None


port = integer(1, 65535)


def log_level() -> Any:
    """A dataclass field for how much is logged, the same in every script."""
    return option(
        "LOG_LEVEL",
        "--log-level",
        "debug, info, warning or error",
        default="info",
        parse=_level,
    )


_level = one_of("debug", "info", "warning", "error")
