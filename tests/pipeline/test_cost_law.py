"""The laws of cost, and of the kind that speaks for a spent chain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.errors import EXIT_OF_KIND, ExitCode, FailureKind, ruling_kind
from nr_cli.pipeline.cost import cost_of
from nr_cli.types.policy import Price
from nr_cli.types.record import Usage

COUNTS = st.integers(0, 10**9)
DOLLARS = st.floats(0, 1000)
KINDS = st.lists(st.sampled_from(FailureKind), min_size=1, max_size=5)

EXITS = {
    "rate_limit": 75, "overloaded": 75, "timeout": 75, "quota": 69, "server": 69, "network": 69,
    "model_not_found": 69, "unsupported": 69, "auth": 77, "bad_request": 65, "context_length": 65,
    "content_filter": 82, "invalid_response": 76, "stream_broken": 3,
}  # fmt: skip


@given(COUNTS, COUNTS, COUNTS, DOLLARS, DOLLARS)
def test_caching_never_makes_an_answer_dearer_where_its_price_is_lower(
    given_tokens: int, made: int, cached: int, price: float, cached_price: float
) -> None:
    low, high = sorted((cached_price, price))
    plain = cost_of(Usage(given_tokens, made), Price(high, 1.0, low))
    saved = cost_of(Usage(given_tokens, made, cached), Price(high, 1.0, low))
    assert plain is not None
    assert saved is not None
    assert 0 <= saved <= plain * (1 + 1e-9)


@given(COUNTS, COUNTS, DOLLARS, DOLLARS)
def test_a_cost_is_the_sum_of_its_parts(
    given_tokens: int, made: int, price: float, made_price: float
) -> None:
    whole = cost_of(Usage(given_tokens, made), Price(price, made_price))
    parts = [
        cost_of(Usage(given_tokens, 0), Price(price, made_price)),
        cost_of(Usage(0, made), Price(price, made_price)),
    ]
    assert whole == pytest.approx(sum(part for part in parts if part is not None))


def test_a_model_that_costs_nothing_is_free_rather_than_unknown() -> None:
    assert cost_of(Usage(5, 5), Price(0.0, 0.0)) == 0
    assert cost_of(Usage(5, 5), None) is None


def test_every_kind_has_the_exit_that_scripts_rely_on() -> None:
    assert {kind.value: int(code) for kind, code in EXIT_OF_KIND.items()} == EXITS


@given(KINDS)
def test_a_chain_says_try_later_exactly_when_one_of_its_attempts_does(
    kinds: list[FailureKind],
) -> None:
    any_later = any(EXITS[kind] == ExitCode.TRY_LATER for kind in kinds)
    assert (EXIT_OF_KIND[ruling_kind(kinds)] == ExitCode.TRY_LATER) == any_later
    if not any_later:
        assert ruling_kind(kinds) == kinds[-1]
