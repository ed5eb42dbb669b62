"""What can run beside the workers: manifests that name an image by its digest."""

import re
import shutil

import pytest
import yaml

from common import options
from launcher.image.build import content_tag, inputs
from launcher.image.parts import PARTS, Parts, beside, completed
from launcher.settings import ImageSettings, PartSettings
from tests.fixtures.settings import read_settings
from tests.fixtures.worker import ROOT

DIGEST = "sha256:" + "ab" * 32
WORKER = f"me/posture-analyzer@{DIGEST}"


class Registry:
    """Stands in for Docker: notes what is built."""

    def __init__(self, *known):
        self.known = known
        self.built = []

    def digest(self, image):
        return DIGEST if image.partition(":")[0] in self.known else None

    def build(self, root, repository, tags, platforms, arguments, dockerfile, **_):
        assert (root / dockerfile).exists()
        self.built.append((repository, dockerfile))
        return DIGEST


def parts(folder, docker, names, pull_secret=None, noted=None):
    images = read_settings(ImageSettings, repository="me/posture-analyzer")
    settings = read_settings(PartSettings, names=names)
    note = {}.update if noted is None else noted.update
    return Parts(
        images, settings, pull_secret, lambda: WORKER, ROOT, folder, note, docker
    )


def pods(path):
    for each in yaml.safe_load_all(path.read_text()):
        spec = each.get("spec") or {}
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield spec["template"]["spec"]


def test_every_part_gets_its_image_by_digest(tmp_path):
    docker = Registry("me/posture-page")
    noted = {}
    said = parts(tmp_path, docker, ", ".join(PARTS), noted=noted).make()
    assert f"kubectl apply -f {tmp_path}" in said
    images = {
        path.stem: [c["image"] for pod in pods(path) for c in pod["containers"]]
        for path in tmp_path.glob("*.yaml")
    }
    assert images == {
        "node-agent": [f"me/posture-node-agent@{DIGEST}"],
        "nudge": [f"me/posture-page@{DIGEST}"],
        "page": [f"me/posture-page@{DIGEST}"],
        "placement": [f"me/posture-placement@{DIGEST}"] * 2,
        "offload": [f"me/posture-placement@{DIGEST}"],
        "retention": [WORKER],
    }
    assert noted == {
        "analyzer": WORKER,
        "nodeAgent": f"me/posture-node-agent@{DIGEST}",
        "page": f"me/posture-page@{DIGEST}",
        "placement": f"me/posture-placement@{DIGEST}",
    }
    # What the registry has is not built again.
    assert docker.built == [
        ("me/posture-node-agent", "deploy/node-agent/Dockerfile"),
        ("me/posture-placement", "deploy/placement.Dockerfile"),
    ]


def test_nothing_is_built_unless_it_is_asked_for(tmp_path):
    docker = Registry()
    assert parts(tmp_path, docker, "").make() == "none asked for (PARTS)"
    assert docker.built == []
    assert "would build page" in parts(tmp_path, docker, "page").preview()
    assert not list(tmp_path.iterdir())


def test_an_unknown_part_is_refused():
    with pytest.raises(options.SettingsError, match="not 'grafana'"):
        read_settings(PartSettings, names="page,grafana")


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_the_rest_of_a_manifest_stays_and_the_pull_secret_comes_in(part):
    text = (ROOT / part.manifest).read_text()
    once = completed(text, "r/i@sha256:1", None)
    changed = [
        (a, b)
        for a, b in zip(text.splitlines(), once.splitlines(), strict=True)
        if a != b
    ]
    count = len(re.findall(r"^ +image: ", text, re.M))
    assert len(changed) == count
    with_secret = completed(text, "r/i@sha256:1", "mine")
    assert (
        len(re.findall(r"^ +imagePullSecrets: \[\{name: mine\}\]$", with_secret, re.M))
        == count
    )
    list(yaml.safe_load_all(with_secret))


@pytest.mark.parametrize("name", [n for n, part in PARTS.items() if part.image])
def test_the_tag_of_a_part_says_all_that_its_build_sees(name, tmp_path):
    dockerfile = PARTS[name].dockerfile
    for each in inputs(ROOT, dockerfile):
        copy = shutil.copytree if (ROOT / each).is_dir() else shutil.copy
        (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / each, tmp_path / each)
    same = content_tag(ROOT, {}, dockerfile)
    assert content_tag(tmp_path, {}, dockerfile) == same
    (tmp_path / "common" / "options.py").write_text("# changed")
    assert content_tag(tmp_path, {}, dockerfile) != same


@pytest.mark.parametrize(
    ("repository", "wanted"),
    [("me/x", "me/n"), ("x", "n"), ("h:5/a/b", "h:5/a/n")],
)
def test_the_images_lie_beside_the_workers(repository, wanted):
    assert beside(repository, "n") == wanted
