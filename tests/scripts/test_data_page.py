"""docs/data.md: every snippet runs, on files and tables of the shipped form."""

import ast
import os
import re
import shutil
import subprocess
import sys

import pytest

from common.options import read
from page.export import COLUMNS
from page.minutes import of_one
from page.rows import Rows
from posture.settings import DatabaseSettings
from tests.fixtures.postgres import running_postgres
from tests.fixtures.scripts import ROOT

PAGE = (ROOT / "docs" / "data.md").read_text()
DEPLOY = ROOT / "deploy"
# Half of the pictures lean, one is on a whole second and nobody is in some.
FILL = """
INSERT INTO posture_log (pi_id, filename, received_time, analyzed_time, neck_angle,
    body_angle, posture_status, landmarks_detected, processed_by)
SELECT 'desk3', 'desk3_' || n || '.jpg', time, time + interval '40 ms',
    CASE WHEN n % 5 > 0 THEN 20 + n % 30 END, CASE WHEN n % 5 > 0 THEN n % 20 END,
    CASE WHEN n % 5 = 0 THEN 'No_Landmarks_Detected'
        WHEN n % 100 < 50 THEN 'Bad' ELSE 'Good' END,
    n % 5 > 0, 'jetson-1'
FROM generate_series(0, 1999) AS n,
    LATERAL (SELECT '2026-10-05 07:00'::timestamp + n * interval '20.25 s') AS at(time)
"""


def snippets(language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found


@pytest.fixture(scope="module")
def database():
    with running_postgres() as server:
        for name in ("posture_hourly", "posture_reader", "posture_log_reasons") * 2:
            server.execute((DEPLOY / f"{name}.sql").read_text())
        server.execute(FILL)
        server.execute("ALTER ROLE posture_reader PASSWORD 'reads'")
        yield server


@pytest.fixture(scope="module")
def files(database, tmp_path_factory):
    """A folder with what the two commands of the page write."""
    folder = tmp_path_factory.mktemp("data")
    flags = ("export", "desk3", "--month", "2026-10", "--timezone", "Europe/Berlin")
    for more in ((), ("--parquet",)):
        done = subprocess.run(
            [sys.executable, "-m", "command", *flags, *more],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
            | database.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "posture_desk3_2026-10" in done.stdout
    return folder


def test_the_dictionary_has_every_column_that_is_exported(files, database):
    (table,) = re.findall(r"## What the columns mean\n(.*?)\n## ", PAGE, re.DOTALL)
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(COLUMNS)
    head = (files / "posture_desk3_2026-10.csv").read_text().splitlines()[0]
    assert head.split(",") == list(COLUMNS)
    there = database.execute(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_name = 'posture_log'"
    )
    assert {name for (name,) in there} == set(COLUMNS)


def test_csv_and_parquet_say_the_same_as_the_table(files, database):
    # Not at the top: each process of a run imports that, for a second of a core.
    import pandas as pd
    from pyarrow import parquet

    csv = pd.read_csv(files / "posture_desk3_2026-10.csv")
    table = parquet.read_table(files / "posture_desk3_2026-10.parquet")
    assert len(csv) == table.num_rows == 2000
    assert table.schema.field("received_time").type.tz == "UTC"
    assert csv["neck_angle"].isna().sum() == 400
    assert table.column("neck_angle").null_count == 400
    assert csv["landmarks_detected"].sum() == 1600
    first = csv["received_time"].iloc[-1]
    assert first == "2026-10-05T07:00:00.000000+00:00"
    # A whole second among others is read as a time all the same.
    parsed = pd.read_csv(
        files / "posture_desk3_2026-10.csv", parse_dates=["received_time"]
    )
    assert str(parsed["received_time"].dtype).startswith("datetime64")


@pytest.mark.parametrize("code", snippets("python"))
def test_a_python_snippet_runs(files, code):
    ast.parse(code)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", snippets("duckdb"))
def test_a_duckdb_snippet_runs(files, code, monkeypatch):
    import duckdb

    monkeypatch.chdir(files)
    (row,) = duckdb.sql(code).fetchall()
    assert row[0] == "desk3"
    assert row[2] == 1600


@pytest.mark.parametrize("code", snippets("sql"))
def test_a_sql_snippet_runs_as_the_role_that_only_reads(database, code):
    environ = database.environ | {"PGPASSWORD": "reads"}
    place = f"host={database.folder} port={database.port} user=posture_reader"
    command = ["psql", f"{place} dbname=posture", "-v", "ON_ERROR_STOP=1", "-At"]
    done = subprocess.run(
        [*command, "-c", code], env=os.environ | environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("desk3|2026-10-05|")
    change = [*command, "-c", "DELETE FROM posture_log"]
    refused = subprocess.run(
        change, env=os.environ | environ, capture_output=True, text=True
    )
    assert "permission denied" in refused.stderr


@pytest.mark.parametrize("code", snippets("r"))
def test_the_r_snippet_runs(files, code):
    if not shutil.which("Rscript"):
        pytest.skip("there is no R on this machine")
    done = subprocess.run(
        ["Rscript", "-e", code], cwd=files, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_hours_of_the_view_are_those_of_the_page(database):
    from argparse import Namespace
    from datetime import UTC, datetime

    rows = Rows(read(DatabaseSettings, Namespace(), database.environ))
    begin, end = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC)
    minutes = [each for each in of_one(rows, "desk3", begin, end) if each.judged]
    ((judged, leaning, pictures, empty),) = database.execute(
        "SELECT sum(judged_minutes), sum(leaning_minutes), sum(judged_pictures), "
        "sum(empty_pictures) FROM posture_hourly WHERE pi_id = 'desk3'"
    )
    assert judged == len(minutes)
    assert leaning == sum(each.leans for each in minutes)
    assert pictures == sum(each.good + each.bad for each in minutes)
    assert empty == 400


def test_without_the_package_it_is_said_how_to_get_it(database, tmp_path):
    (tmp_path / "pyarrow.py").write_text("raise ModuleNotFoundError('pyarrow')")
    done = subprocess.run(
        [sys.executable, "-m", "command", "export", "--parquet"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}:{ROOT}"}
        | database.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install -r requirements-data.txt" in done.stderr
    assert not list(tmp_path.glob("*.parquet")) + list(tmp_path.glob(".*part"))
