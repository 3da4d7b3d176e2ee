"""`--schema`: the answer is JSON that satisfies it, or there is no answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nr_cli.cli.shape import fields_schema
from tests.conftest import Faults, Nr

Answers = Callable[..., str]
FIELDS = "name, age int, tags [str]: what they are"
GOOD = '{"name": "Ann", "age": 3, "tags": ["x"]}'
WRONG = '{"name": "Ann", "age": "three", "tags": []}'


@pytest.fixture
def answers(home: Path, policy: Path) -> Answers:
    """Makes a program that gives these answers in turn, keeping what each was asked."""

    def make(*texts: str) -> str:
        for number, text in enumerate(texts):
            (home / f"answer{number}").write_text(text)
        script = 'n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) >n; cat >asked$n; cat "answer$n"'
        (home / "say.sh").write_text(script)
        policy.write_text(
            policy.read_text().replace(
                "default:", "  say: {kind: command, command: [sh, say.sh], local: true}\ndefault:"
            )
        )
        return "say/x"

    return make


@pytest.mark.parametrize(
    "answer",
    [GOOD, f"Sure, here it is:\n```json\n{GOOD}\n```\nAnything else?", f"\n  {GOOD}\n\n"],
    ids=["alone", "in prose", "in white space"],
)
def test_the_answer_is_the_json_alone(nr: Nr, answers: Answers, answer: str) -> None:
    done = nr("ask", "-m", answers(answer), "--schema", FIELDS, "who?")
    assert (done.exit, done.out.decode()) == (0, GOOD + "\n")


def test_one_repair_names_what_was_wrong(nr: Nr, answers: Answers, home: Path) -> None:
    model = answers(WRONG, GOOD)
    done = nr("ask", "-m", model, "--schema", FIELDS, "--json", "who?")
    assert json.loads(done.document["answer"]) == json.loads(GOOD)
    assert len(done.document["attempts"]) == 2
    repair = (home / "asked1").read_text()
    assert "$.age: 'three' is not of type 'integer'" in repair
    assert WRONG in repair
    assert nr("ask", "-m", model, "--schema", FIELDS, "who?").out.decode() == GOOD + "\n"
    assert (home / "n").read_text() == "2\n", "the second ask came from the cache"


@pytest.mark.parametrize(
    "texts", [(WRONG, WRONG), ("no", "no"), (GOOD + GOOD, "[NaN]")], ids=["wrong", "prose", "odd"]
)
def test_an_answer_that_fails_twice_is_no_answer(
    nr: Nr, answers: Answers, texts: tuple[str, str]
) -> None:
    model = answers(*texts)
    done = nr("ask", "-m", model, "--schema", FIELDS, "--json", "who?")
    assert (done.exit, done.document["answer"]) == (65, None)
    assert done.document["error"]["exit"] == 65
    assert len(done.document["attempts"]) == 2
    done = nr("ask", "-m", model, "--schema", FIELDS, "who?")
    assert done.exit != 0, "a failed answer is never kept"
    assert done.out == b""


@pytest.mark.parametrize(
    ("caps", "native"), [("[json]", True), ("[tools]", False)], ids=["native", "in words"]
)
def test_a_protocol_that_can_is_handed_the_schema_another_is_told(
    nr: Nr, policy: Path, faults: Faults, caps: str, native: bool
) -> None:
    policy.write_text(policy.read_text() + f"models: {{m: {{id: fs/ok, caps: {caps}}}}}\n")
    nr("ask", "-m", "m", "--schema", "name", "--no-cache", f"told {native}?")
    sent = [row["json"] for row in faults.requests("ok") if f"told {native}?" in str(row["json"])]
    assert ("response_format" in sent[0]) == native
    assert ("JSON Schema" in str(sent[0]["messages"])) == (not native)


def test_a_model_that_can_comes_first_and_one_that_cannot_is_told_if_alone(
    nr: Nr, policy: Path
) -> None:
    models = "models: {plain: {id: cat/a, caps: [tools]}, able: {id: cat/b, caps: [json]}}\n"
    policy.write_text(policy.read_text().replace("{use: fs/ok}", "{use: [plain, able]}") + models)
    assert nr("route", "--schema", "x", "--json", "hi").document["chain"] == ["able"]
    assert nr("route", "--schema", "x", "--json", "-m", "plain", "hi").document["chain"]
    refused = nr("route", "-o", 'response_format={"type":"json_object"}', "-m", "plain", "hi")
    assert refused.exit == 80


def test_a_list_of_such_stands_under_items(nr: Nr, answers: Answers) -> None:
    many = json.dumps({"items": [json.loads(GOOD)] * 2})
    done = nr("ask", "-m", answers(many), "--schema-multi", FIELDS, "who?")
    assert json.loads(done.out)["items"][1]["age"] == 3


def test_a_schema_may_be_a_file(nr: Nr, answers: Answers, home: Path) -> None:
    (home / "s.json").write_text('{"type": "array", "items": {"type": "integer"}}')
    assert nr("ask", "-m", answers("[1, 2]"), "--schema", "s.json", "count").out == b"[1, 2]\n"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ('{"type": 3}', 2), ("{", 2), ("a ! b", 2), ("a wat", 2), (" ", 2), ("missing.json", 66),
        ('{"$ref": "http://127.0.0.1/x.json"}', 2), ('{"a": {"$ref": "/etc/passwd"}}', 2),
        ('{"$ref": "#"}', 2), ('{"properties": {"a": {"anyOf": [{"$ref": "#/properties/a"}]}}}', 2),
        ('{"properties": {"a": {"$ref": "#/$defs/a"}}}', 2),
        ('{"not": ' * 600 + "{}" + "}" * 600, 2), ("a int, a str", 2),
        ('{"type": "string", "pattern": "^(a+)+$"}', 2),
        ('{"properties": {"x": {"patternProperties": {"^(a*)*$": {}}}}}', 2),
    ],
    ids=["no schema", "no json", "bad name", "bad type", "blank", "missing", "remote", "file",
         "circle", "circle within", "nowhere", "deep", "twice", "endless pattern", "endless name"],
)  # fmt: skip
def test_what_is_no_schema_is_refused_before_anything_is_sent(
    nr: Nr, given: str, code: int
) -> None:
    done = nr("ask", "-m", "cat/x", "--schema", given, "hi")
    assert (done.exit, done.out) == (code, b"")


def test_an_answer_deeper_than_its_schema_can_be_followed_is_a_bad_answer(
    nr: Nr, answers: Answers
) -> None:
    deep = '{"a": ' * 600 + "1" + "}" * 600
    done = nr(
        "ask", "-m", answers(deep, deep), "--schema", '{"properties": {"a": {"$ref": "#"}}}', "go"
    )
    assert (done.exit, done.out) == (65, b"")
    assert "nested too deep" in done.err


def test_a_pattern_may_begin_with_its_flags(nr: Nr, answers: Answers) -> None:
    schema = '{"type": "string", "pattern": "(?i)^ab+$"}'
    assert nr("ask", "-m", answers('"ABB"'), "--schema", schema, "go").exit == 0


@pytest.mark.parametrize(
    ("text", "code"), [("aA" * 3, 0), ("a" * 60 + "!", 65), ("b", 65)], ids=["fits", "slow", "not"]
)
def test_a_pattern_is_tried_for_a_bounded_time(
    nr: Nr, answers: Answers, text: str, code: int
) -> None:
    schema = '{"type": "string", "pattern": "^(?:aa|a|A)*$"}'
    answer = json.dumps(text)
    done = nr("ask", "-m", answers(answer, answer), "--schema", schema, "go")
    assert done.exit == code, done.err


TREE = """{"type": "object", "required": ["n"],
  "properties": {"n": {"$ref": "#/$defs/n"}, "of": {"type": "array", "items": {"$ref": "#"}}},
  "$defs": {"n": {"type": "integer"}}}"""


@pytest.mark.parametrize(("leaf", "code"), [("2", 0), ('"two"', 65)], ids=["fits", "fails below"])
def test_a_schema_that_refers_to_itself_may_be_that_of_a_list(
    nr: Nr, answers: Answers, leaf: str, code: int
) -> None:
    answer = f'{{"items": [{{"n": 1, "of": [{{"n": {leaf}}}]}}]}}'
    done = nr("ask", "-m", answers(answer, answer), "--schema-multi", TREE, "go")
    assert (done.exit, done.out.decode()) == (code, "" if code else answer + "\n")


def test_both_flags_at_once_are_refused(nr: Nr) -> None:
    assert nr("ask", "--schema", "a", "--schema-multi", "a", "hi").exit == 2


@pytest.mark.parametrize(
    ("text", "properties", "required"),
    [
        ("a", {"a": {"type": "string"}}, ["a"]),
        ("a int, b? float", {"a": {"type": "integer"}, "b": {"type": "number"}}, ["a"]),
        ("a [bool]", {"a": {"type": "array", "items": {"type": "boolean"}}}, ["a"]),
        ("a: one, b", {"a": {"type": "string", "description": "one"}, "b": {"type": "string"}},
         ["a", "b"]),
        ("a: one, two\nb int", {"a": {"type": "string", "description": "one, two"},
         "b": {"type": "integer"}}, ["a", "b"]),
    ],
    ids=["text", "optional", "list", "described", "lines"],
)  # fmt: skip
def test_a_line_of_fields_is_a_schema(
    text: str, properties: dict[str, object], required: list[str]
) -> None:
    schema = fields_schema(text)
    assert (schema["properties"], schema["required"]) == (properties, required)
