"""Every command in the documentation is run, or there is a reason why it cannot be."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.fixtures.make import in_this_environment
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.postgres import running_postgres
from tests.fixtures.scripts import ROOT, help_of

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?:^ {4,}\S.*\n(?:^\s*\n(?= {4,}\S))?)+", re.MULTILINE)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

CANNOT = {
    "curl": "asks a Prometheus of the reader's",
    "docker": "needs an engine: tests/docker runs compose and builds the images",
    "git": "asks the place where the project is published",
    "helm": "changes a cluster that has to be there",
    "mosquitto_pub": "is one camera of many; publish_test_images.py is run",
    "kubectl": "changes the reader's cluster; tests/placement applies the manifests",
    "eval": "changes the reader's shell; tests/command completes a line",
    "pip": "asks the package index; installed what these tests run with",
    "pipx": "asks the package index",
    "python3": "makes the environment that these tests run in",
    "sudo": "changes the reader's machine; tests/deploy walks on one of its own",
    "rpicam-still": "needs a Raspberry Pi's camera",
}
CAME = """
INSERT INTO posture_log (pi_id, received_time, posture_status)
SELECT name, now() AT TIME ZONE 'utc', 'Good' FROM unnest(ARRAY['pi1', 'desk3']) name"""
SHELL = ("set", "export", ".", "cp", "mkdir")


def blocks():
    for path in DOCUMENTS:
        for block in BLOCK.findall(FENCED.sub(_indented, path.read_text())):
            yield path.name, re.sub("^ +", "", block, flags=re.MULTILINE)


def _indented(fenced):
    """A fenced block as an indented one; none of one in another language."""
    language, text = fenced.groups()
    return "" if language else re.sub("^", "    ", text, flags=re.MULTILINE)


def commands():
    """Each document with each of its commands, as words; assignments are left out."""
    found = {}
    for name, block in blocks():
        if block.startswith("#!"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            words = _words(line)
            if words and (words[0] in KNOWN or shutil.which(words[0])):
                found[name, " ".join(words)] = (name, words)
    return list(found.values())


def _words(line):
    try:
        words = shlex.split(line.split(" #")[0])
    except ValueError:  # a drawing
        return []
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    if words and words[0] in (".venv/bin/python", ".venv/bin/posture"):
        words[0] = words[0].removeprefix(".venv/bin/")
    return words


class Reader:
    """Somebody who types what is written, with a broker and a database of his own."""

    def __init__(self, folder, broker, postgres):
        self.folder = folder
        self.broker = broker
        self.postgres = postgres
        for name in ("deploy", "tests", "models"):
            (folder / name).symlink_to(ROOT / name)
        sample = ROOT / "tests" / "images" / "good_1280_000.jpg"
        shutil.copy(sample, folder / "my-picture.jpg")

    def run(self, command, *arguments, text=None):
        here = [each.replace("192.168.1.79", "127.0.0.1") for each in arguments]
        environ = os.environ | self.broker.environ | self.postgres.environ
        environ |= {"MQTT_CLIENT_ID": "documented", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [*command, *here],
            cwd=self.folder,
            env=environ,
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (command, arguments, done.stdout, done.stderr)
        return done.stdout

    def python(self, *words):
        script, *rest = words
        if script == "-m":
            self.run([sys.executable], *words)
        elif script == "publish_test_images.py" or (
            script == "mqtt_posture_analyzer_with_db.py" and rest
        ):
            self.run([sys.executable, str(ROOT / script)], *rest)
        elif "--make-hash" in rest:
            self.run([sys.executable, str(ROOT / script)], *rest, text="sit upright\n")
        else:
            # What serves or changes a cluster is run by tests of its own: here its
            # flags are looked up.
            told = help_of(script)
            flags = [each for each in rest if each.startswith("-")]
            assert all(flag.partition("=")[0] in told for flag in flags)

    def posture(self, *words):
        self.run([sys.executable, "-m", "command"], *words)

    def make(self, target, *arguments):
        words = ["make", "-C", str(ROOT), "--dry-run", *in_this_environment()]
        self.run([*words, target], *arguments)

    def psql(self, place, *arguments):
        assert place == "$DATABASE_URL"
        socket = f"host={self.postgres.folder} port={self.postgres.port}"
        self.run(["psql", f"{socket} user=postgres dbname=posture"], *arguments)

    def cp(self, source, _target):
        assert (ROOT / source).exists()


RUN = ("python", "posture", "make", "psql", "cp")
KNOWN = {*RUN, *CANNOT, *SHELL}


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader")
    (folder / "home").mkdir()
    with (
        running_mosquitto(folder / "broker") as broker,
        running_postgres() as postgres,
    ):
        postgres.execute(CAME)
        # Whoever calibrates is the owner; here nobody else is either.
        postgres.execute((ROOT / "deploy" / "posture_baseline.sql").read_text())
        postgres.execute("GRANT ALL ON posture_baseline TO analyzer")
        yield Reader(folder / "home", broker, postgres)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(name, words, id=f"{name}: {' '.join(words)}")
        for name, words in commands()
    ],
)
def test_a_documented_command_can_be_typed(reader, document, words):
    command, *arguments = words
    for each in arguments:
        if each.startswith(("deploy/", "tests/")) and "page-secret" not in each:
            assert (ROOT / each).exists()
    if command in RUN:
        getattr(reader, command)(*arguments)
    else:
        assert command in KNOWN, f"{document}: say how {command} is checked"


def test_the_blocks_are_shell():
    for name, block in blocks():
        first = _words(block.splitlines()[0])
        if first and first[0] in KNOWN:
            done = subprocess.run(
                ["sh", "-n"], input=block, text=True, capture_output=True, check=False
            )
            assert not done.stderr, (name, block, done.stderr)
