"""An engine and its registry: those of this machine, or the tests' own."""

import os
from collections.abc import Iterator

import pytest

from tests.fixtures.docker_engine import (
    DockerEngine,
    NoEngineError,
    running_docker_engine,
)
from tests.fixtures.engine import Registry, answers


@pytest.fixture(scope="package")
def engine() -> Iterator[DockerEngine | None]:
    """`docker` reaches an engine, and TEST_REGISTRY names its registry.

    None: it is this machine's own, which is not ours to stop.
    """
    if os.environ.get("TEST_REGISTRY"):
        yield None
        return
    if os.environ.get("TEST_ENGINE") != "own":
        pytest.skip(
            "no Docker engine is named: TEST_REGISTRY names the registry of one that "
            "runs, TEST_ENGINE=own makes one"
        )
    if answers():
        pytest.skip("`docker` reaches an engine: name its registry in TEST_REGISTRY")
    with pytest.MonkeyPatch.context() as patched:
        try:
            with running_docker_engine() as own:
                for name, text in own.environ.items():
                    patched.setenv(name, text)
                yield own
        except NoEngineError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="package")
def registry(engine: DockerEngine | None) -> Registry:
    return Registry(os.environ["TEST_REGISTRY"])
