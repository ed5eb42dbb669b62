"""The map is true: rooms, doors and the files at the top are what the documents say."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tools.rooms import TARGET, rooms, with_tables

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = SETTINGS["tool"]["importlinter"]
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py") if "_pb2" not in path.name)


def test_the_tables_of_the_rooms_are_written_from_the_files():
    # Otherwise: python -m tools.rooms
    assert with_tables(TARGET.read_text()) == TARGET.read_text()


def test_every_room_is_under_the_contracts():
    first = {room.relative_to(ROOT).parts[0] for room in rooms()}
    assert first == set(CONTRACTS["root_packages"])


def test_every_room_and_file_says_what_it_is_for():
    for room in rooms():
        for path in room.glob("*.py"):
            assert ast.get_docstring(ast.parse(path.read_text())), path


# import-linter knows packages alone, so the scripts at the top are looked at here.
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_at_the_top_opens_no_outside_system_itself(script):
    doors = {
        package
        for contract in CONTRACTS["contracts"]
        if contract["name"] == "Each outside system has one door"
        for package in contract["forbidden_modules"]
    }
    tree = ast.parse((ROOT / script).read_text())
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & doors


def test_the_readme_names_every_file_at_the_top():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    readme = (ROOT / "README.md").read_text()
    named = re.findall(r"`([^`\n]+)`", readme) + re.findall(r"\]\(([^)]+)\)", readme)
    for file in listed:
        if "/" not in file and not file.startswith(".") and file != "README.md":
            assert any(Path(file).match(each) for each in named if each), file


def test_every_file_that_answers_where_something_is_exists():
    page = TARGET.read_text()
    section = page.partition("## Where is ...?")[2].partition("\n## ")[0]
    files = re.findall(r"`([a-z_/]+/[a-z_]+\.py)`", section)
    assert len(files) >= 10
    for file in files:
        assert (ROOT / file).exists(), file
