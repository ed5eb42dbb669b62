"""Writes the tables of docs/architecture.md: every room and its files, as they say.

`python -m tools.rooms` after a file was added, moved or renamed; so does `make docs`.
"""

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[1]
TARGET = _ROOT / "docs" / "architecture.md"
_BEGIN = "<!-- Below: written by `python -m tools.rooms` from the docstrings. -->\n"
_NOT_OURS = {"tests", "benchmarks", "tools", "docs", "local", "models"}


def main(argv: list[str] | None = None) -> int:
    """Write the tables."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    TARGET.write_text(with_tables(TARGET.read_text()))
    return 0


def with_tables(page: str) -> str:
    """The page with the tables as they are to be, at its end."""
    kept = page.partition(_BEGIN)[0]
    tables = (_table(room) for room in rooms())
    return f"{kept}{_BEGIN}\n" + "\n".join(tables)


def rooms() -> list[Path]:
    """Every folder with code of ours that users run, those within others too."""
    found = (path.parent for path in _ROOT.glob("[a-z]*/**/__init__.py"))
    return sorted(each for each in found if _parts(each)[0] not in _NOT_OURS)


def _parts(path: Path) -> tuple[str, ...]:
    return path.relative_to(_ROOT).parts


def _table(room: Path) -> str:
    name = "/".join(_parts(room))
    rows = "".join(f"| `{file}` | {says} |\n" for file, says in _files(room))
    title = f"### {name}/\n\n{_first_line(room / '__init__.py')}\n"
    return f"{title}\n| file | its one job |\n|---|---|\n{rows}" if rows else title


def _files(room: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(room.glob("*.py")):
        if path.name != "__init__.py":
            yield path.name, _first_line(path)


def _first_line(path: Path) -> str:
    document = ast.get_docstring(ast.parse(path.read_text())) or ""
    return document.partition("\n")[0].replace("|", "\\|")


if __name__ == "__main__":
    raise SystemExit(main())
