"""Checking a policy: every fault in one run, each with its code at its place."""

import json
import re
from pathlib import Path
from typing import cast

import jsonschema
import pytest

from nr_cli.catalog.lookup import Catalog
from nr_cli.errors import ConfigError
from nr_cli.policy.builtin import Choice, builtin
from nr_cli.policy.check import check
from nr_cli.policy.document import Document, merge
from nr_cli.policy.editors import json_schema
from nr_cli.policy.load import load
from nr_cli.policy.policy import Policy
from nr_cli.policy.values import read_count, read_duration, read_number
from nr_cli.types.json import Json
from nr_cli.types.policy import Route, Use

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "routes.example.yaml"
FOUND = [
    Choice("openai/gpt-5", frozenset(), 88, 3.4),
    Choice("openai/gpt-5-mini", frozenset(), 65, 0.7),
    Choice("openai/gpt-5-nano", frozenset(), 45, 0.1),
]
HEAD = "version: 1\ndefault: {use: openai/gpt-5}\n"


def read(text: str) -> Document:
    return load(text.encode(), "r.yaml")


def codes(text: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.code) for finding in check(read(text), Catalog())]


def test_the_example_has_no_findings() -> None:
    assert check(load(EXAMPLE.read_bytes(), "routes.example.yaml"), Catalog()) == []


def test_the_example_obeys_the_json_schema() -> None:
    schema = json.loads(json.dumps(json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    tree = json.loads(json.dumps(load(EXAMPLE.read_bytes(), "r.yaml").tree))
    jsonschema.Draft202012Validator(schema).validate(tree)


USE = "name: r, use: openai/gpt-5"
BY = "classify: {u: {use: examples, labels: "
WORDS = "use: keywords"


@pytest.mark.parametrize(
    "text",
    ["routes: [{name: a, use: x/y, fallbak: 1}]", "pools: {a: {models: [x/y], pick: never}}",
     "routes: [{name: '${N:-a}', use: x/y}]", "routes: [{name: a, use: x/y, override: '${O}'}]",
     "models: {a: {}}", "providers: {a: {timeout: {total: -1}}}",
     "providers: {openai: {api_key_env: '${K:-OPENAI_API_KEY}'}}"],
)  # fmt: skip
def test_the_json_schema_refuses_what_the_check_refuses(text: str) -> None:
    schema = json.loads(json.dumps(json_schema()))
    document = read(f"version: 1\n{text}\n")
    assert any(finding.severity == "error" for finding in check(document, Catalog()))
    assert not jsonschema.Draft202012Validator(schema).is_valid(document.tree)


@pytest.mark.parametrize("shape", ["cache: {ttl: %s}", "models: {a: {id: x/y, context: %s}}"])
@pytest.mark.parametrize(
    "number",
    ["5", "1e3", "+5", "'5'", "'1e3'", "'+5'", "'5.'", "'1..2'", "'.'", "'08'", "'-5'", "'0x10'",
     "'1_0'", "' 5'", "five"],
)  # fmt: skip
@pytest.mark.parametrize("unit", ["", "s", "k"])
def test_the_json_schema_reads_numbers_as_the_check_does(
    shape: str, number: str, unit: str
) -> None:
    value = f"'{number.strip(chr(39))}{unit}'" if unit else number
    document = read(f"version: 1\n{shape % value}\n")
    taken = not any(finding.code == "NR111" for finding in check(document, Catalog()))
    schema = json.loads(json.dumps(json_schema()))
    # A negative number is out of bounds for the one, of no notation for the other.
    taken = taken and "-" not in value
    assert jsonschema.Draft202012Validator(schema).is_valid(document.tree) == taken


def test_the_bound_of_a_long_duration_is_told_in_days() -> None:
    findings = check(read(HEAD + "cache: {ttl: 9999d}\n"), Catalog())
    assert [finding.message for finding in findings] == ["ttl must be at most 3660d"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("models:", "NR111", id="section without a value"),
        pytest.param("models: [a]", "NR111", id="list for a map"),
        pytest.param("routes: {a: b}", "NR111", id="map for a list"),
        pytest.param("routes: [{use: openai/x}]", "NR115", id="route without a name"),
        pytest.param("routes: [{name: a}]", "NR115", id="route without use"),
        pytest.param("routes: [{name: a, use: []}]", "NR111", id="empty use"),
        pytest.param("routes: [{name: a, use: nobody}]", "NR120", id="unknown model"),
        pytest.param("routes: [{name: a, use: opanai/x}]", "NR122", id="unknown provider"),
        pytest.param("routes: [{name: a, use: openai/x, when: {tokns: 1}}]", "NR112", id="when"),
        pytest.param("routes: [{name: a, use: openai/x, when: {}}]", "NR131", id="empty when"),
        pytest.param("routes: [{name: a, use: openai/x, cascade: {}}]", "NR113", id="later key"),
        pytest.param("routes: [{name: default, use: openai/x}]", "NR124", id="default"),
        pytest.param("routes: [{name: '${N:-a}', use: openai/x}]", "NR119", id="name's variable"),
        pytest.param("routes: [{name: a, override: '${N}', use: openai/x}]", "NR119", id="fixed"),
        pytest.param("log: {}", "NR113", id="log"),
        pytest.param("models: {a: {id: openai/x}}\npools: {a: {models: [a]}}", "NR124", id="names"),
        pytest.param("models: {a: {id: x}}", "NR120", id="id without provider"),
        pytest.param("models: {a/b: {id: openai/x}}", "NR117", id="slash in a name"),
        pytest.param("models: {a: {id: openai/x, context: 12 k}}", "NR111", id="count"),
        pytest.param("models: {a: {id: openai/x, context: 010}}", "NR111", id="leading zero"),
        pytest.param("models: {a: {id: openai/x, quality: .nan}}", "NR111", id="not a number"),
        pytest.param("models: {a: {id: openai/x, quality: 101}}", "NR131", id="range"),
        pytest.param("models: {a: {id: openai/x, caps: [sight]}}", "NR133", id="capability"),
        pytest.param("models: {a: {id: openai/x, params: {tempreature: 1}}}", "NR112", id="param"),
        pytest.param("models: {a: {id: openai/x, params: {top_k: .inf}}}", "NR104", id="inf"),
        pytest.param("models: {a: {id: openai/x, params: {p: [.NaN]}}}", "NR104", id="nan inside"),
        pytest.param("models: {a: {id: openai/x, price: {in: 1}}}", "NR115", id="half a price"),
        pytest.param("models: {a: {id: openai/x, system: '${A${B}}'}}", "NR119", id="nested"),
        pytest.param("pools: {a: {models: {openai/x: 1}}}", "NR113", id="weights"),
        pytest.param("pools: {a: {models: [openai/x], pick: fastest}}", "NR113", id="later pick"),
        pytest.param("pools: {a: {models: b}, b: {models: openai/x}}", "NR121", id="nested pool"),
        pytest.param("providers: {a: {kind: opnai}}", "NR133", id="unknown kind"),
        pytest.param("providers: {a: {base_url: 'https://x.example/v1'}}", "NR115", id="no kind"),
        pytest.param("providers: {a: {kind: openai}}", "NR115", id="no address"),
        pytest.param("providers: {a: {kind: anthropic}}", "NR115", id="no address, anthropic"),
        pytest.param("providers: {a: {kind: gemini}}", "NR115", id="no address, gemini"),
        pytest.param("providers: {a: {kind: command}}", "NR115", id="no program"),
        pytest.param("providers: {openai: {timeout: {total: -1}}}", "NR131", id="negative time"),
        pytest.param("providers: {openai: {timeout: {total: 3 weeks}}}", "NR111", id="duration"),
        pytest.param("providers: {openai: {local: yes}}", "NR111", id="yes is a word"),
        pytest.param("classify: {intent: {labels: {}}}", "NR135", id="no labels"),
        pytest.param("classify: {intent: {map: {}}}", "NR113", id="map of intents"),
        pytest.param(BY + "{}}}", "NR135", id="none by example"),
        pytest.param(BY + "{a: []}}}", "NR111", id="no example"),
        pytest.param(BY + "{a: {not: [b]}}}}", "NR115", id="all not"),
        pytest.param(BY + "{a: [x y], b: [' X  y']}}}", "NR135", id="twice"),
        pytest.param(BY + "{a: {examples: x, not: X}}}}", "NR135", id="refused"),
        pytest.param(BY + "{a: {exampels: [x]}}}}", "NR112", id="key"),
        pytest.param(f"classify: {{u: {{{WORDS}, labels: {{a: {{not: x}}}}}}}}", "NR111", id="map"),
        pytest.param(f"classify: {{u: {{{WORDS}, min_confidence: 0, labels: {{a: x}}}}}}", "NR112",
                     id="sure"),
        pytest.param(f"routes: [{{when: {{intent: coding}}, {USE}}}]", "NR133", id="intent"),
        pytest.param(
            f"{BY}{{a: x}}}}}}\nroutes: [{{when: {{label: {{u: c}}}}, {USE}}}]", "NR133", id="label"
        ),
        pytest.param("classify: {u: {use: regex, labels: {a: '(a+)+$'}}}", "NR132", id="regex"),
        pytest.param("classify: {complexity: {bands: {easy: 0.9}}}", "NR134", id="bands"),
        pytest.param("classify: {complexity: {calibration: gone}}", "NR136", id="calibration"),
        pytest.param("requires: 0.1", "NR111", id="requires without >="),
        pytest.param("requires: '>=99'", "NR116", id="requires a newer nr"),
    ],
)  # fmt: skip
def test_each_fault_has_its_code(text: str, code: str) -> None:
    assert code in [found for _, found in codes(f"{HEAD}{text}\n")]


@pytest.mark.parametrize(
    ("text", "code"),
    [("name: x\n", "NR115"), ("version: 2\nnew: 1\n", "NR116"), ("version: one\n", "NR116")],
)
def test_the_version_must_be_one_this_nr_reads(text: str, code: str) -> None:
    assert [found for _, found in codes(text)] == [code]


def test_an_empty_policy_is_right() -> None:
    assert codes("") == []


def test_all_faults_come_at_once_sorted_by_place() -> None:
    text = HEAD + "nmae: x\nmodels:\n  a: {id: openai/x, quality: high}\nroutes:\n  - {name: 1}\n"
    assert codes(text) == [(3, "NR112"), (5, "NR111"), (7, "NR115")]


def test_a_message_names_the_key_that_was_meant() -> None:
    text = HEAD + "routes:\n  - name: vision\n    use: openai/x\n    fallbak: 1\n"
    found = str(check(read(text), Catalog())[0])
    assert found == (
        'r.yaml:6:5: NR112 unknown key "fallbak" in route "vision" (did you mean "fallback"?)'
    )


SECRET = "sk-CANARY0123456789"


@pytest.mark.parametrize(
    "entry",
    [f"api_key: {SECRET}", f"api_key_env: {SECRET}", f"token: {SECRET}", f"proxy: http://u:{SECRET}@h",
     f"headers: {{Authorization: Bearer {SECRET}}}", f"base_url: https://u:{SECRET}@h/v1",
     "api_key: '${OPENAI_API_KEY}'", "api_key_env: '${KEY_NAME:-OPENAI_API_KEY}'"],
)  # fmt: skip
def test_a_key_in_the_file_is_refused_without_being_shown(entry: str) -> None:
    found = check(read(f"{HEAD}providers:\n  openai: {{{entry}}}\n"), Catalog())
    assert [finding.code for finding in found if finding.code in ("NR141", "NR142")]
    assert "CANARY" not in "".join(map(str, found))


@pytest.mark.parametrize(
    ("entry", "safe"),
    [
        ("base_url: 'http://localhost:1/v1', api_key_env: K", True),
        ("base_url: 'http://127.0.0.1:1/v1', api_key_env: K", True),
        ("base_url: 'http://[::1]:1/v1', api_key_env: K", True),
        ("base_url: 'https://api.example/v1', api_key_env: K", True),
        ("base_url: 'http://api.example/v1'", True),
        ("base_url: 'http://10.0.0.2/v1', local: true", True),
        ("base_url: 'http://api.example/v1', api_key_env: K", False),
        ("base_url: 'http://10.0.0.2/v1', api_key_env: K", False),
        ("base_url: 'http://localhost.evil.example/v1', api_key_env: K", False),
        ("base_url: 'http://127.0.0.1.evil.example/v1', local: true", False),
        ("base_url: 'http://localhost@evil.example/v1', local: true", False),
        ("base_url: 'http://8.8.8.8/v1', local: true", False),
        ("base_url: 'http://0.0.0.0/v1', local: true", False),
        ("base_url: 'ftp://localhost/v1'", False),
        ("base_url: 'http:///v1'", False),
        ("base_url: 'http://[::1/v1'", False),
    ],
)  # fmt: skip
def test_a_key_travels_over_tls_or_stays_on_this_machine(entry: str, safe: bool) -> None:
    found = codes(f"{HEAD}providers:\n  box: {{kind: openai, {entry}}}\n")
    assert found == ([] if safe else [(4, "NR142")])


def test_an_address_from_a_variable_is_judged_when_it_is_used() -> None:
    text = "providers: {p: {kind: openai, base_url: '${U}', api_key_env: K}}\n"
    policy = Policy(read(HEAD + text), {"U": "http://evil.example/v1"}, Catalog())
    assert codes(HEAD + text) == []
    with pytest.raises(ConfigError, match="NR142"):
        policy.provider("p")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("routes: [{name: a, use: openai/x}, {name: b, use: openai/x}]", "NR301"),
        ("routes: [{name: a, when: {tag: t}, use: openai/x},"
         " {name: b, when: {tag: t}, use: openai/x}]", "NR301"),
        ("models: {m: {id: openai/x, caps: [json]}}\n"
         "routes: [{name: a, when: {needs: [vision]}, use: m}]", "NR304"),
    ],
)  # fmt: skip
def test_lint_warns_of_what_will_not_happen(text: str, code: str) -> None:
    found = check(read(f"{HEAD}{text}\n"), Catalog())
    assert [(finding.code, finding.severity) for finding in found] == [(code, "warning")]


LABELS = "classify: {team: {use: keywords, labels: {billing: [bill], ops: [outage]}}}\n"


@pytest.mark.parametrize(
    ("when", "meant"),
    [
        ("{label: {taem: ops}}", "team"),
        ("{label: {team: opps}}", "ops"),
        ("{any: [{tag: x}, {not: {label: {team: [ops, biling]}}}]}", "billing"),
        ("{label: {team: 'z*'}}", "billing, ops"),
        ("{label: {intent: code}}", "add it under classify"),
    ],
)
def test_a_label_that_no_classifier_gives_is_an_error(when: str, meant: str) -> None:
    text = f"{HEAD}{LABELS}routes: [{{name: a, use: openai/x, when: {when}}}]\n"
    [found] = check(read(text), Catalog())
    assert (found.line, found.code, meant in found.message) == (4, "NR133", True)


@pytest.mark.parametrize("port", ["99999", "0", "abc"])
def test_a_port_that_cannot_be_one_is_found(port: str) -> None:
    text = f"{HEAD}providers: {{a: {{kind: openai, base_url: 'http://127.0.0.1:{port}/v1'}}}}\n"
    assert codes(text) == [(3, "NR142")]


@pytest.mark.parametrize("label", ["ops", "[billing, ops]", "'o*'", "'${TEAM}'"])
def test_a_label_that_a_classifier_gives_is_right(label: str) -> None:
    route = f"{{name: a, use: openai/x, when: {{label: {{team: {label}}}}}}}"
    assert codes(f"{HEAD}{LABELS}routes: [{route}]\n") == []


@pytest.mark.parametrize("enabled", ["false", "'${E:-true}'"])
def test_a_route_that_may_be_off_hides_none_below_it(enabled: str) -> None:
    routes = f"[{{name: a, enabled: {enabled}, use: openai/x}}, {{name: b, use: openai/y}}]"
    assert codes(f"{HEAD}routes: {routes}\n") == []


def test_lint_warns_of_routes_without_a_default() -> None:
    assert codes("version: 1\nroutes: [{name: a, use: openai/x}]\n") == [(2, "NR302")]


def test_no_message_carries_a_control_character() -> None:
    text = HEAD + 'routes: [{name: "\\e[31m", "\\e]0;x\\a": 1, use: "\\e[2J"}]\n'
    found = check(read(text), Catalog())
    assert found
    assert all(finding.message.isprintable() for finding in found)


def test_every_code_in_the_source_is_documented() -> None:
    told = set(re.findall(r"NR\d{3}", (ROOT / "docs" / "policy-errors.md").read_text()))
    sources = (ROOT / "nr_cli" / "policy").rglob("*.py")
    used = {code for path in sources for code in re.findall(r'"(NR\d{3})"', path.read_text())}
    assert used == told


def test_the_policy_overrides_the_catalog_key_by_key() -> None:
    text = "models: {m: {id: openai/gpt-5, quality: 1, context: 2k}}\n"
    policy = Policy(read(HEAD + text), {}, Catalog())
    known, own = policy.model("openai/gpt-5"), policy.model("m")
    assert (own.quality, own.context, own.price) == (1, 2000, known.price)
    assert own.id == known.id == "openai/gpt-5"
    assert own.provider.base_url.startswith("https://")


def test_text_fields_take_numbers_as_written() -> None:
    text = "providers: {p: {kind: local}}\nmodels: {3.10: {id: p/3.10, tags: [1.0, true]}}\n"
    policy = Policy(read(HEAD + text), {}, Catalog())
    assert policy.model("3.10").wire == "3.10"
    assert policy.model("3.10").tags == ("1.0", "true")


@pytest.mark.parametrize("ask", ["model", "pool", "route", "provider"])
def test_an_unknown_name_is_refused(ask: str) -> None:
    policy = Policy(read(HEAD), {}, Catalog())
    with pytest.raises(ConfigError, match=f'unknown {ask} "nobody"'):
        getattr(policy, ask)("nobody")


def test_default_fail_is_no_default() -> None:
    assert Policy(read("version: 1\ndefault: fail\n"), {}, Catalog()).default is None


def policy_with(text: str, *found: str) -> Policy:
    return Policy(merge(read(text), builtin(FOUND if found else ())), {}, Catalog())


def test_without_a_file_the_credentials_found_make_the_policy() -> None:
    alone = Policy(builtin(()), {}, Catalog())
    assert list(alone.routes()) == []
    assert cast(Route, alone.default).use == Use(("local/smollm2-135m",))
    keyed = Policy(builtin(FOUND), {}, Catalog())
    first = {name: keyed.route(name).use.names[0] for name in keyed.names()["routes"]}
    assert first == {"hard": "openai/gpt-5", "easy": "openai/gpt-5-nano"}
    assert cast(Route, keyed.default).use.names[0] == "openai/gpt-5-mini"


def test_the_builtin_routes_reach_another_provider_and_every_need_that_a_model_meets() -> None:
    deaf = Choice("deepseek/chat", frozenset(), 70, 0.1)
    able = Choice("openai/gpt-4o", frozenset({"vision", "audio"}), 68, 4.0)
    policy = Policy(
        builtin([deaf, deaf._replace(id="deepseek/x", quality=80), able]), {}, Catalog()
    )
    named = [policy.route(name) for name in policy.names()["routes"]]
    for route in (*named, cast(Route, policy.default)):
        assert "openai/gpt-4o" in route.use.names
        assert len({*route.use.names}) == len(route.use.names)


def test_the_builtin_routes_hold_only_while_no_file_defines_any() -> None:
    assert list(policy_with("version: 1\nmodels: {}\n", "openai").routes())
    assert not list(policy_with("version: 1\ndefault: fail\n", "openai").routes())


def test_a_policy_of_two_hundred_routes_gives_one_route_in_a_moment() -> None:
    routes = "".join(
        f"- {{name: r{at}, when: {{tag: t{at}}}, use: openai/x}}\n" for at in range(200)
    )
    stored = read(f"{HEAD}routes:\n{routes}").to_json()
    document = Document.from_json(stored)
    policy = Policy(document, {}, Catalog())
    assert next(policy.routes()).name == "r0"
    # Packed places show that building a route needed none of the thousands there are.
    assert document.places._entries is None  # type: ignore[attr-defined]  # that is the claim


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "1e999", "1e300"])
def test_a_number_without_an_end_is_no_number(value: Json) -> None:
    assert (read_number(value), read_count(value), read_duration(value)) == (None, None, None)
