"""The documents of a text, whatever reads them."""

import pytest
import yaml

from kube.yaml_text import documents


def test_each_document_is_read_and_what_is_empty_is_none():
    assert documents("a: 1\n---\n---\n# a comment\n---\n[b]\n") == [{"a": 1}, ["b"]]
    assert documents("") == []


def test_what_no_manifest_needs_is_refused():
    with pytest.raises(yaml.YAMLError):
        documents("!!python/object/apply:os.getcwd []")


def test_what_is_no_yaml_is_said():
    with pytest.raises(yaml.YAMLError):
        documents("a: [1")
