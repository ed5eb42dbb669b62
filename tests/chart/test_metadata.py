"""What Chart.yaml says of the chart is so."""

import re

import pytest
import yaml

from common.version import VERSION
from tests.fixtures.helm import CHART

METADATA = yaml.safe_load((CHART / "Chart.yaml").read_text())
ABOUT = METADATA["annotations"]


def test_the_chart_has_the_version_of_all():
    assert METADATA["version"] == VERSION


def test_artifact_hub_is_told_the_images_that_run():
    told = yaml.safe_load(ABOUT["artifacthub.io/images"])
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert {each["name"] for each in told} == set(values["images"])
    texts = [each.read_text() for each in (CHART / "manifests").glob("*.yaml")]
    run = set(re.findall(r"^ +image: (\S+)$", "\n".join(texts), re.M))
    assert {f"docker.io/{each}:{METADATA['appVersion']}" for each in run} == {
        each["image"] for each in told
    }


@pytest.mark.parametrize("name", ["changes", "recommendations", "images"])
def test_what_is_yaml_in_a_text_is_yaml(name):
    assert all(
        isinstance(e, dict) for e in yaml.safe_load(ABOUT[f"artifacthub.io/{name}"])
    )


def test_changes_are_of_the_kinds_that_artifact_hub_knows():
    kinds = {"added", "changed", "deprecated", "removed", "fixed", "security"}
    changes = yaml.safe_load(ABOUT["artifacthub.io/changes"])
    assert {each["kind"] for each in changes} <= kinds
