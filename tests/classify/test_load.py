"""A classifier is found by the name of its file."""

from __future__ import annotations

import pytest

from nr_cli.classify import command, keywords, llm, load, regex, structure


@pytest.mark.parametrize(
    "module", [command, keywords, llm, regex, structure], ids=lambda m: m.__name__
)
def test_each_classifier_is_loaded_by_name(module: object) -> None:
    assert load(getattr(module, "__name__", "").rpartition(".")[2]) is module


@pytest.mark.parametrize(
    "name", ["nothing", "bands", "cues", "lexicon", "verdict", "../errors", "a.b", ""]
)
def test_what_is_no_classifier_is_not_found(name: str) -> None:
    with pytest.raises(LookupError):
        load(name)


def test_after_a_pattern_whose_search_could_not_tell_no_later_label_is_given() -> None:
    spec = {"labels": {"slow": ["a"], "sure": ["b"]}}
    assert regex.compile(spec, lambda pattern, text: None if pattern == "a" else True)("") is None
    assert regex.compile(spec, lambda pattern, text: None if pattern == "b" else True)("") == "slow"


@pytest.mark.parametrize("spec", [{}, {"labels": {}}, {"labels": {"empty": []}}])
def test_a_classifier_without_words_labels_nothing(spec: dict[str, dict[str, list[str]]]) -> None:
    assert keywords.compile(spec)("anything") is None
    assert regex.compile(spec, lambda pattern, text: True)("anything") is None
