"""Variables in values: one pass, values only, an error only where a value is used."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_an_unset_variable_is_an_error_only_when_its_value_is_used() -> None:
    content = b"providers:\n  p: {kind: openai, base_url: '${NOWHERE}'}\n  q: {kind: local}\n"
    policy = Policy(load(content, "r.yaml"), {}, NoCatalog())
    assert policy.provider("q").kind == "local"
    with pytest.raises(ConfigError, match=r"r\.yaml:2:21: NR130 .*NOWHERE"):
        policy.provider("p")
