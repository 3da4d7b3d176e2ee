"""Variables in values: one pass, values only, an error only where a value is used."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.catalog.lookup import Catalog
from nr_cli.errors import ConfigError
from nr_cli.policy.load import load
from nr_cli.policy.policy import Policy
from nr_cli.policy.variables import Missing, expand, flaw
from nr_cli.types.json import JsonObject

ENV = {"A": "one", "EMPTY": "", "TRICK": "${A} $$ \n- x: {y}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"), ("${A}", "one"), ("<${A}${A}>", "<oneone>"), ("$$", "$"),
        ("$${A}", "${A}"), ("$A $", "$A $"), ("${B:-two}", "two"), ("${EMPTY:-two}", "two"),
        ("${EMPTY}", ""), ("${B:-}", ""), ("${A:-two}", "one"), ("${A:?say}", "one"),
        ("${B:-a:?b}", "a:?b"), ("${TRICK}", ENV["TRICK"]), ("^foo$", "^foo$"),
    ],
)  # fmt: skip
def test_references_are_replaced_in_one_pass(text: str, expected: str) -> None:
    assert flaw(text) is None
    assert expand(text, ENV) == expected


@pytest.mark.parametrize("text", ["${B}", "${B:?}", "${EMPTY:?}"])
def test_a_missing_variable_is_a_value_that_names_it(text: str) -> None:
    missing = expand(text, ENV)
    assert isinstance(missing, Missing)
    assert missing.variable in missing.message


def test_the_policy_author_words_what_is_missing() -> None:
    missing = expand("${B:?ask the platform team}", {})
    assert isinstance(missing, Missing)
    assert "ask the platform team" in missing.message


@pytest.mark.parametrize("text", ["${A${B}}", "${A", "${}", "${1A}", "${A-x}", "${B:-${A}}"])
def test_what_is_not_a_reference_has_a_flaw(text: str) -> None:
    assert flaw(text)


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_escaping_every_dollar_gives_the_text_back(text: str) -> None:
    assert expand(text.replace("$", "$$"), {}) == text


class NoCatalog:
    def names(self) -> tuple[str, ...]:
        return ()

    def provider(self, name: str) -> JsonObject | None:
        return None

    def model(self, provider: str, wire: str) -> JsonObject | None:
        return None

    def models(self, provider: str) -> Iterator[str]:
        return iter(())


def test_an_unset_variable_is_an_error_only_when_its_value_is_used() -> None:
    content = b"providers:\n  p: {kind: openai, base_url: '${NOWHERE}'}\n  q: {kind: local}\n"
    policy = Policy(load(content, "r.yaml"), {}, NoCatalog())
    assert policy.provider("q").kind == "local"
    with pytest.raises(ConfigError, match=r"r\.yaml:2:21: NR130 .*NOWHERE"):
        policy.provider("p")


ROUTE = "version: 1\nroutes: [{name: a, use: openai/x, %s}]\n"
MODEL = "version: 1\nmodels: {m: {id: openai/x, %s}}\n"


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        (ROUTE % "system_mode: '${V}'", "bogus", "NR133"),
        (ROUTE % "timeout: {total: '${V}'}", "0", "NR131"),
        (ROUTE % "timeout: {total: '${V}'}", "-5s", "NR131"),
        (ROUTE % "params: {temperature: '${V}'}", "3", "NR131"),
        (ROUTE % "params: {max_tokens: '${V}'}", "many", "NR111"),
        ("version: 1\nroutes: [{name: a, use: {models: openai/x, pick: '${V}'}}]\n", "cheapset",
         "NR133"),
        ("version: 1\nroutes: [{name: a, use: {models: openai/x, pick: '${V}'}}]\n", "fastest",
         "NR113"),
    ],
)  # fmt: skip
def test_what_a_variable_brings_to_a_route_is_held_to_the_same_bounds(
    text: str, value: str, code: str
) -> None:
    policy = Policy(load(text.encode(), "r.yaml"), {"V": value}, Catalog())
    with pytest.raises(ConfigError, match=rf"r\.yaml:2:\d+: {code}"):
        policy.route("a")


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        (MODEL % "context: '${V}'", "0", "NR131"),
        (MODEL % "context: '${V}'", "-1k", "NR131"),
        (MODEL % "caps: ['${V}']", "flying", "NR133"),
        (MODEL % "quality: '${V}'", "-5", "NR131"),
        (MODEL % "price: {in: '${V}', out: 1}", "-1", "NR131"),
        ("version: 1\nmodels: {m: {id: '${V}'}}\n", "gpt5", "NR120"),
        ("version: 1\nmodels: {m: {id: '${V}'}}\n", "opanai/x", "NR122"),
    ],
)  # fmt: skip
def test_what_a_variable_brings_to_a_model_is_held_to_the_same_bounds(
    text: str, value: str, code: str
) -> None:
    policy = Policy(load(text.encode(), "r.yaml"), {"V": value}, Catalog())
    with pytest.raises(ConfigError, match=rf"r\.yaml:2:\d+: {code}"):
        policy.model("m")


def test_a_number_from_a_variable_is_sent_as_a_number() -> None:
    text = ROUTE % "params: {temperature: '${T:-0.5}', max_tokens: 4k, user: '${U:-7}'}"
    policy = Policy(load(text.encode(), "r.yaml"), {}, Catalog())
    assert policy.route("a").params == {"temperature": 0.5, "max_tokens": 4000, "user": "7"}


def test_a_text_that_a_variable_leaves_empty_counts_as_left_out() -> None:
    text = "version: 1\nproviders: {openai: {proxy: '${P:-}', quota_group: '${Q:-}'}}\n"
    assert not Policy(load(text.encode(), "r.yaml"), {}, Catalog()).provider("openai").proxy


@pytest.mark.parametrize(
    ("use", "value", "code"),
    [("'${V}'", "fast", "NR120"), ("['${V}']", "opanai/x", "NR122"), ("p", "p", "NR121")],
)
def test_a_model_named_by_a_variable_is_missed_at_its_place(
    use: str, value: str, code: str
) -> None:
    text = f"version: 1\npools: {{p: {{models: '${{V}}'}}}}\nroutes: [{{name: a, use: {use}}}]\n"
    policy = Policy(load(text.encode(), "r.yaml"), {"V": value}, Catalog())
    with pytest.raises(ConfigError, match=rf"r\.yaml:\d:\d+: {code}"):
        [policy.pool(name) for name in policy.route("a").use.names]


def test_a_pattern_from_a_variable_is_judged_when_it_is_used() -> None:
    text = "version: 1\nclassify: {u: {use: regex, labels: {a: '${V}'}}}\n"
    policy = Policy(load(text.encode(), "r.yaml"), {"V": "(a+)+("}, Catalog())
    with pytest.raises(ConfigError, match=r"r\.yaml:2:\d+: NR132"):
        policy.classifiers  # noqa: B018 - reading it is what builds them
