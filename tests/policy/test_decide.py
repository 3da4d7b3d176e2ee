"""Deciding: pins, the walk, candidates, picks, refusals."""

import time

import pytest

from nr_cli.cli.explain import explain
from nr_cli.errors import ConfigError, ExitCode, NoCredential, Refused, UsageError
from nr_cli.policy.conditions import compile_when
from nr_cli.policy.decide import decide
from nr_cli.types.facts import Classification, Complexity, Fact, Intent
from nr_cli.types.policy import Keeping, Model, Pool, Price, Provider, Route, Use
from nr_cli.types.prompt import Ask, Prompt
from nr_cli.types.recovery import Recovery

CLOUD = Provider("cloud", "openai")
JSON = frozenset({"json"})
MODELS = [
    Model("small", CLOUD, "s", JSON, 8_000, price=Price(0.1, 0.4), quality=30),
    Model("big", CLOUD, "b", JSON | {"reasoning"}, 200_000, 512, Price(3, 15), 90),
    Model("mystery", CLOUD, "m"),
    Model("same", CLOUD, "s", JSON, 8_000, price=Price(0.1, 0.4), quality=30),
]


def when(node):
    found = compile_when(node, (), lambda *finding: pytest.fail(str(finding)))
    assert found
    return found


ROUTES = [
    Route("off", Use(("small",)), enabled=False),
    Route("coded", Use(("big",)), when({"has": "code"}), {"max_tokens": 100}),
    Route("unsure", Use(("big",)), when({"intent": "math"})),
    Route("long", Use(("big", "small")), when({"tokens": ">5k"})),
    Route("tagged", Use(("mystery",)), when({"tag": "x"})),
]


class Rules:
    """A policy made of values; counts the routes that were asked for."""

    digest = "d1"
    keeping = Keeping()
    recovery = Recovery()
    guards = ()
    budgets = ()

    def __init__(self, routes=(), default=None, pools=()):
        self.list, self.default, self.reached = list(routes), default, 0
        self.pools = {pool.name: pool for pool in pools}
        self.models = {model.name: model for model in MODELS}

    def names(self):
        routes = tuple(route.name for route in self.list)
        kinds = {"models": tuple(self.models), "pools": tuple(self.pools), "routes": routes}
        return {**kinds, "providers": ("cloud",)}

    def ids(self):
        return iter(("cloud/Grand-1", "cloud/other"))

    def routes(self):
        for route in self.list:
            self.reached += 1
            yield route

    def route(self, name):
        return {"default": self.default, **{route.name: route for route in self.list}}[name]

    def model(self, name):
        vendor, _, wire = name.partition("/")
        if vendor == "cloud":
            return Model(name, CLOUD, wire)
        if name not in self.models:
            raise ConfigError(f'unknown provider "{vendor}"')
        return self.models[name]

    def pool(self, name):
        return self.pools[name]


class Known:
    """Facts from a map."""

    def __init__(self, **values):
        self.values = {"tokens": 1000, "needs": frozenset(), "has": frozenset(), **values}

    def get(self, name):
        value = self.values.get(name)
        return Fact(value, "test", 0.0, "" if value is not None else "not sure enough")


def run(rules, ask=None, barred=lambda _: None, classification=None, **facts):
    ask = ask or Ask(Prompt("hello"))
    return decide(rules, ask, Known(**facts), barred, lambda n: n - 1, classification)


def use(*names, pick="first"):
    return Rules(default=Route("default", Use(names, pick)))


def chain(decision):
    return [model.name for model in decision.chain]


def dropped(decision):
    return {c.model.name: c.reason for c in decision.candidates if c.state == "dropped"}


def ask(**changes):
    return Ask(Prompt("hello"), **changes)


DEFAULT = Route("default", Use(("mystery",)))


def test_the_first_route_that_matches_wins_with_every_rule_traced():
    decision = run(Rules(ROUTES, DEFAULT), has=frozenset({"code"}), tags=frozenset({"x"}))
    assert decision.route == "coded"
    results = [rule.result for rule in decision.rules]
    assert results == ["disabled", "match", *["not reached"] * 3]
    assert decision.rules[1].because == "has code"


def test_the_walk_stops_at_the_match():
    rules = Rules(ROUTES, DEFAULT)
    run(rules, has=frozenset({"code"}))
    assert rules.reached == 2


def test_a_rule_that_is_unknown_does_not_match():
    decision = run(Rules(ROUTES, DEFAULT), tags=frozenset({"x"}))
    assert decision.route == "tagged"
    assert decision.rules[2].result == "unknown"
    assert decision.rules[2].because == "intent is unknown: not sure enough"


def test_without_a_match_the_default_answers():
    decision = run(Rules(ROUTES, DEFAULT), tags=frozenset())
    assert (decision.route, chain(decision)) == ("default", ["mystery"])


def test_without_a_match_or_a_default_it_is_refused_with_the_trace():
    with pytest.raises(Refused, match="no route matches") as raised:
        run(Rules(ROUTES), tags=frozenset())
    assert raised.value.exit == ExitCode.REFUSED
    assert len(raised.value.decision.rules) == 5


def test_only_facts_that_were_read_are_recorded():
    decision = run(Rules(ROUTES, DEFAULT), has=frozenset({"code"}), language="en")
    assert set(decision.facts) == {"has", "tokens", "needs"}


def test_the_classification_is_read_once_for_the_record():
    calls = []

    def classify():
        calls.append(1)
        return Classification(Intent("code", 0.9), Complexity("hard", 0.7), ("names a theorem",))

    decision = run(use("big"), classification=classify)
    assert (decision.intent.label, decision.complexity.band, len(calls)) == ("code", "hard", 1)


@pytest.mark.parametrize(
    ("pin", "route", "models"),
    [
        ({"model": "small"}, None, ["small"]),
        ({"model": "cloud/new"}, None, ["cloud/new"]),
        ({"model": "both"}, None, ["big", "small"]),
        ({"model": "long"}, "long", ["big", "small"]),
        ({"model": "default"}, "default", ["mystery"]),
        ({"route": "coded"}, "coded", ["big"]),
        ({"route": "default"}, "default", ["mystery"]),
    ],
    ids=str,
)
def test_a_pin_decides_without_a_walk(pin, route, models):
    rules = Rules(ROUTES, DEFAULT, [Pool("both", ("big", "small"))])
    decision = run(rules, ask(**pin))
    assert (decision.route, chain(decision), rules.reached) == (route, models, 0)


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        ({"model": "smal"}, 'did you mean "small"?'),
        ({"model": "SMALL"}, 'did you mean "small"?'),
        ({"model": "grand-1"}, 'did you mean "cloud/Grand-1"?'),
        ({"model": "GRAND2"}, 'did you mean "cloud/Grand-1"?'),
        ({"model": "clout/x"}, "unknown provider"),
        ({"route": "codet"}, 'did you mean "coded"?'),
        ({"route": "off"}, "disabled"),
        ({"model": "big", "route": "long"}, "give one"),
    ],
    ids=str,
)
def test_a_pin_that_names_nothing_is_a_usage_error(pin, said):
    with pytest.raises(UsageError) as raised:
        run(Rules(ROUTES, DEFAULT), ask(**pin))
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("pick", "order"),
    [
        ("first", ["mystery", "big", "small"]),
        ("cheapest", ["small", "big", "mystery"]),
        ("best", ["big", "small", "mystery"]),
        ("random", ["small", "big", "mystery"]),
    ],
)
def test_pick_orders_the_candidates_with_the_unknown_last(pick, order):
    assert chain(run(use("mystery", "big", "small", pick=pick))) == order


def test_a_pool_orders_its_members_where_it_stands_and_a_model_counts_once():
    pools = [Pool("cheap", ("big", "same", "small"), "cheapest")]
    rules = Rules(default=Route("default", Use(("mystery", "cheap", "big"))), pools=pools)
    assert chain(run(rules)) == ["mystery", "same", "big"]


def test_a_pool_drops_what_is_below_its_quality_above_its_price_or_not_known():
    pools = [
        Pool("good", ("small", "mystery", "big"), min_quality=50),
        Pool("cheap", ("big", "mystery", "small"), max_price=1),
    ]
    good = run(Rules(default=Route("default", Use(("good",))), pools=pools))
    assert chain(good) == ["big"]
    assert dropped(good) == {
        "small": "quality is 30, pool good wants 50",
        "mystery": "quality is not known, pool good wants 50",
    }
    assert chain(run(Rules(default=Route("default", Use(("cheap",))), pools=pools))) == ["small"]


@pytest.mark.parametrize(
    ("needs", "kept"),
    [
        ({"json"}, ["small", "big"]),
        ({"reasoning"}, ["big"]),
        ({"long_context"}, ["small", "big", "mystery"]),
        (set(), ["small", "big", "mystery"]),
    ],
    ids=str,
)
def test_a_model_must_be_known_to_do_what_is_needed(needs, kept):
    assert chain(run(use("small", "big", "mystery"), needs=frozenset(needs))) == kept


@pytest.mark.parametrize(("tokens", "kept"), [(6976, True), (6977, False)])
def test_a_window_must_hold_the_prompt_with_the_answer(tokens, kept):
    decision = run(use("small", "mystery"), tokens=tokens)
    assert ("small" in chain(decision)) is kept
    if not kept:
        assert dropped(decision)["small"] == "6977 + 1024 tokens exceed its context of 8000"


@pytest.mark.parametrize(
    ("model", "params", "output"),
    [
        ("small", {}, 1024),
        ("big", {}, 512),
        ("small", {"max_tokens": 7}, 7),
        ("small", {"max_tokens": 9000}, 1024),
    ],
)
def test_the_estimate_takes_the_smallest_limit_of_the_answer(model, params, output):
    decision = run(use(model), ask(params=params))
    assert decision.output_tokens == output
    price = decision.chain[0].price
    expected = (1000 * price.input + output * price.output) / 1e6
    assert decision.est_cost == pytest.approx(expected)


def test_an_unknown_price_is_an_unknown_cost():
    assert run(use("mystery")).est_cost is None


def test_a_prompt_too_long_for_all_is_refused_with_both_numbers():
    with pytest.raises(Refused, match=r"300000 tokens.* holds 200000"):
        run(use("small", "big"), tokens=300_000)


def test_when_every_key_is_missing_it_is_an_auth_error():
    with pytest.raises(NoCredential, match="no key: X is not set") as raised:
        run(use("small", "big"), barred=lambda _: "no key: X is not set")
    assert raised.value.exit == ExitCode.AUTH
    assert raised.value.decision.route == "default"


def test_other_refusals_name_each_candidate_but_never_try_the_next_route():
    rules = Rules([Route("local", Use(("small", "big")))], DEFAULT)
    reasons = {"small": "no key: X is not set", "big": "offline"}
    with pytest.raises(Refused) as raised:
        run(rules, barred=lambda model: reasons.get(model.name))
    assert 'route "local"' in raised.value.message
    assert "small: no key: X is not set" in raised.value.message
    assert "big: offline" in raised.value.message


def test_an_error_names_three_candidates_at_most():
    names = [f"cloud/m{number}" for number in range(9)]
    with pytest.raises(Refused) as raised:
        run(use(*names), barred=lambda _: "offline")
    assert len(raised.value.message.splitlines()) == 5
    assert "and 6 more" in raised.value.message


def test_without_fallback_the_chain_is_one_long():
    decision = run(use("small", "big"), ask(fallback=False))
    assert (chain(decision), len(decision.candidates)) == (["small"], 2)


def test_two_hundred_routes_are_walked_in_a_few_milliseconds():
    several = [
        Route(f"r{n}", Use(("big",)), when({"tokens": "<10", "contains": f"word{n}"}))
        for n in range(200)
    ]
    rules = Rules(several, DEFAULT)
    spent = []
    for _ in range(5):
        began = time.perf_counter()
        run(rules, text="some words " * 100)
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.005


def reading():
    reasons = ("asks for a proof of a named theorem, step by step",) * 3
    return Classification(Intent("code", 0.83), Complexity("hard", 0.71), reasons)


def test_an_explanation_shows_everything_that_was_weighed():
    decision = run(
        Rules(ROUTES, DEFAULT),
        classification=reading,
        tokens=7500,
        tags=frozenset(),
    )
    text = explain(decision._replace(overhead_ms=1.25))
    for said in (
        "code (confidence 0.83)",
        "hard (score 0.71)",
        "about 7500 tokens",
        "intent is unknown: not sure enough",
        "tokens 7500 is > 5k",
        "not reached",
        "7500 + 1024 tokens exceed its context of 8000",
        "chain       big",
        "7500 tokens in, 512 out, $0.0302",
    ):
        assert said in text
    assert max(map(len, text.splitlines())) <= 100


def test_an_explanation_of_a_refusal_says_that_nothing_can_be_asked():
    with pytest.raises(Refused) as raised:
        run(use("small"), barred=lambda _: "offline")
    assert "nothing can be asked" in explain(raised.value.decision)


def test_an_explanation_is_harmless_on_a_terminal():
    evil = Route("red\x1b[31m\n", Use(("small",)))
    text = explain(run(Rules([evil])))
    assert "\x1b" not in text
    assert "red^[[31m" in text


@pytest.mark.parametrize(
    ("names", "facts", "kept"),
    [
        (("small", "roomy"), {"tokens": 50_000}, ["roomy"]),
        (("small", "able"), {"needs": frozenset({"vision"})}, ["able"]),
        (("small", "roomy", "able"), {}, ["small"]),
        (("fine", "all"), {}, ["small"]),
        (("fine", "small"), {}, ["small"]),
    ],
    ids=["window", "abilities", "all can", "another pool", "the route itself"],
)
def test_of_two_names_for_one_request_the_one_that_can_serve_counts(names, facts, kept):
    pools = [Pool("fine", ("small",), min_quality=80), Pool("all", ("small", "same"))]
    rules = Rules(default=Route("default", Use(names)), pools=pools)
    small = rules.models["small"]
    rules.models["roomy"] = small._replace(name="roomy", context=100_000)
    rules.models["able"] = small._replace(name="able", caps=JSON | {"vision"})
    assert chain(run(rules, **facts)) == kept


def test_a_model_that_was_dropped_is_told_once_however_often_it_is_named():
    with pytest.raises(Refused) as raised:
        run(use("small", "same", "small"), tokens=300_000)
    assert len(raised.value.decision.candidates) == 1


def test_many_rules_that_were_not_reached_are_counted():
    rest = [Route(f"r{number}", Use(("small",))) for number in range(50)]
    assert "49 more rules  not reached" in explain(run(Rules(rest)))


def test_the_columns_of_an_explanation_hold_whatever_the_width_of_a_name():
    from rich.cells import cell_len

    names = ("plain", "翻訳ルート", "cafe\u0301", "見" * 40)
    routes = [Route(name, Use(("small",)), when({"tag": "無" * 90})) for name in names]
    lines = explain(run(Rules(routes, Route("default", Use(("small",)))), tags=frozenset()))
    rows = lines.split("rules\n")[1].split("\n\n")[0].splitlines()
    verdicts = [row for row in rows if "  no  " in row]
    assert len({cell_len(row.partition("  no  ")[0]) for row in verdicts}) == 1
    assert len(verdicts) == len(names)
    assert max(map(cell_len, rows)) <= 100
    assert sum(row.count("無") for row in rows) > 0
