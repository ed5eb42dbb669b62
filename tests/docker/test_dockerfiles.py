"""What the Dockerfiles beside the worker's have in common, seen without an engine."""

import pytest

from tests.docker.test_files import ROOT, final_stage, instructions

DOCKERFILES = [ROOT / "deploy" / f"{name}.Dockerfile" for name in ("page", "placement")]


@pytest.fixture(params=DOCKERFILES, ids=lambda path: path.stem)
def dockerfile(request):
    return request.param


def test_nothing_of_the_target_runs_while_it_is_built(dockerfile):
    stages = [rest for word, rest in instructions(dockerfile) if word == "FROM"]
    assert stages[0].startswith("--platform=$BUILDPLATFORM ${PYTHON_IMAGE}")
    assert all(stage.startswith("build AS") for stage in stages[1:-1])
    assert "RUN" not in [word for word, _ in final_stage(dockerfile)]


def test_it_stands_on_the_same_python_as_the_worker(dockerfile):
    ours, worker = (
        next(rest for word, rest in lines if word == "ARG")
        for lines in (instructions(dockerfile), instructions())
    )
    assert ours == worker


def test_it_does_not_run_as_root_and_starts_without_a_shell(dockerfile):
    words = dict(final_stage(dockerfile))
    assert words["USER"] == "10001:10001"
    assert words["ENTRYPOINT"].startswith('["python3"')
