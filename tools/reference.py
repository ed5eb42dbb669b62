"""Writes docs/reference.md: every setting of every script, from its declaration.

`python -m tools.reference` after a setting was added or changed; so does `make docs`.
"""

import argparse
import dataclasses
import importlib
import inspect
import io
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from unittest.mock import patch

from common.options import Option

_ROOT = Path(__file__).parents[1]
TARGET = _ROOT / "docs" / "reference.md"
_HEAD = """\
<!-- Written by `python -m tools.reference`: change the declarations, not this. -->

# Every setting

A flag wins over the environment variable, which wins over the default. An empty
variable counts as not set. A secret has no flag for its value: it comes from its
variable, or from the first line of the file that `<VARIABLE>_FILE` or the flag names.
What is missing or wrong is shown all at once, and ends a script with exit code 2.

`build_and_push.py` also takes every variable of the worker, and puts it into the
worker's Secret and ConfigMap. `--help` of a script has what it can do, such as
`--dry-run`, and its own settings; `--help-all` has those of its connections too.
"""


def main(argv: list[str] | None = None) -> int:
    """Write the file."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    TARGET.write_text(reference())
    return 0


def reference() -> str:
    """The whole page."""
    users: dict[type, dict[str, None]] = {}
    scripts = list(_scripts())
    for script, settings in scripts:
        for group in _groups(settings):
            users.setdefault(group, {})[script] = None
    whole = {settings for _, settings in scripts}
    parts = [
        _section(group, list(of), group in whole and len(of) == 1)
        for group, of in users.items()
    ]
    return "\n".join([_HEAD, *filter(None, parts)])


def _scripts() -> Iterator[tuple[str, type]]:
    """Each script with the classes whose options its `--help` shows."""
    for path in sorted(_ROOT.glob("*.py")):
        if "options.add_arguments(" in path.read_text():
            for settings in _shown(path.stem):
                yield path.name, settings
    for settings in _shown("node_agent.__main__"):
        yield "python -m node_agent", settings


def _shown(script: str) -> list[type]:
    told: list[type] = []
    with (
        patch(
            "common.options.add_arguments",
            lambda _parser, settings: told.append(settings),
        ),
        redirect_stdout(io.StringIO()),
        suppress(SystemExit),
    ):
        importlib.import_module(script).main(["--help"])
    return told


def _groups(settings: type) -> Iterator[type]:
    """The classes that declare the options of `settings`, itself included."""
    for base in reversed(settings.__mro__):
        if dataclasses.is_dataclass(base):
            yield base
            for field in _own(base):
                if "section" in field.metadata:
                    yield from _groups(field.metadata["section"])


def _own(settings: type) -> list[dataclasses.Field[object]]:
    declared = inspect.get_annotations(settings)
    return [each for each in dataclasses.fields(settings) if each.name in declared]


def _section(group: type, scripts: list[str], alone: bool) -> str:
    options = [f.metadata["option"] for f in _own(group) if "option" in f.metadata]
    if not options:
        return ""
    # What belongs to a script alone is called by its name.
    users = ", ".join(f"`{each}`" for each in scripts)
    lines = [
        f"## {scripts[0] if alone else _title(group)}",
        "",
        *([] if alone else [f"Of {users}.", ""]),
        "| variable | flag | meaning | default |",
        "|---|---|---|---|",
        *map(_line, options),
        "",
    ]
    return "\n".join(lines)


def _title(group: type) -> str:
    return (group.__doc__ or "").partition("\n")[0].rstrip(".")


def _line(each: Option) -> str:
    variable = f"`{each.env}`" + (f" or `{each.env}_FILE`" if each.secret else "")
    expected = _expected(each)
    words = each.help + (f"; {expected}" if expected else "")
    cells = (variable, f"`{each.flag}`", words, _default(each))
    return f"| {' | '.join(_cell(each) for each in cells)} |"


def _expected(each: Option) -> str:
    """What its reader says that it expects, where it refuses anything at all."""
    try:
        each.parse("\n")
    except ValueError as expected:
        text = str(expected).partition(", not ")[0]
        names = text.removeprefix("one of ").split(", ")
        told = "(" in text or all(name in each.help for name in names)
        return "" if told else text
    return ""


def _default(each: Option) -> str:
    if each.required:
        return "required"
    if each.default in (None, ""):
        return ""
    # A path of this checkout is told as it would be in another.
    return f"`{each.default.removeprefix(f'{_ROOT}/')}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    raise SystemExit(main())
