import subprocess
import sys

# Standard error belongs to the whole process, so each test takes one of its own.
PROGRAM = """
import logging, os, sys, time
from posture.worker.native_log import take_over_stderr
logging.basicConfig(level=sys.argv[1], format="%(levelname)s %(message)s",
                    stream=take_over_stderr())
os.write(2, b"native one\\nnative \\xff two\\n")
time.sleep(0.5)
logging.info("our own")
exec(sys.argv[2])
"""


def run(level, more=""):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, level, more],
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_native_code_writes_becomes_lines_of_the_log():
    lines = run("DEBUG").stderr.splitlines()

    assert lines == ["DEBUG native one", "DEBUG native \ufffd two", "INFO our own"]


def test_it_is_not_shown_at_the_usual_level():
    assert run("INFO").stderr == "INFO our own\n"


def test_a_fatal_signal_still_says_where_it_happened():
    ended = run("INFO", "os.abort()")

    assert "Fatal Python error: Aborted" in ended.stderr
    assert ended.returncode < 0


def test_an_error_that_nobody_handles_is_told():
    ended = run("INFO", "raise RuntimeError('nobody thought of this')")

    assert "RuntimeError: nobody thought of this" in ended.stderr
    assert ended.returncode == 1
