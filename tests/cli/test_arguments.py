"""Options as people write them: in every spelling, by variable, with values that are odd."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.cli.arguments import Spelling, join_pairs, split_variable
from tests.conftest import Faults, Nr

SENT = {"temperature": 0.5, "stop": "a b"}
TABLE = {
    "-o": Spelling("option", True),
    "--option": Spelling("option", True),
    "-s": Spelling("system", True),
    "--system": Spelling("system", True),
    "-x": Spelling("x", False),
    "--xl": Spelling("xl", False),
}


def sent(faults: Faults, words: str) -> dict:
    """Returns the body of the request that carried these words."""
    return next(row["json"] for row in faults.requests("ok") if words in str(row["json"]))


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["-o", "temperature", "0.5", "-o", "stop", "a b"], {}),
        (["-o", "temperature=0.5", "-o", "stop=a b"], {}),
        (["-otemperature", "0.5", "-ostop=a b"], {}),
        (["--option=temperature", "0.5", "--option", "stop", "a b"], {}),
        (["-xo", "temperature", "0.5", "-xqo", "stop=a b"], {}),
        ([], {"NR_OPTION": "temperature 0.5\nstop a b\n"}),
        ([], {"NR_OPTION": "temperature=0.5\n\n  stop=a b  "}),
    ],
    ids=["two words", "equals", "attached", "long", "cluster", "variable", "variable, equals"],
)
def test_an_option_of_the_model_is_read_in_every_spelling(
    nr: Nr, faults: Faults, arguments: list[str], env: dict[str, str], request
) -> None:
    words = f"spelt {request.node.name}"
    done = nr("ask", *arguments, words, env=env)
    assert done.exit == 0, done.err
    body = sent(faults, words)
    assert {name: body.get(name) for name in SENT} == SENT


def test_the_rows_of_a_batch_take_options_likewise(nr: Nr, faults: Faults) -> None:
    row = b'{"prompt": "batched options"}'
    done = nr("batch", "--option", "temperature", "0.5", "--option=stop", "a b", stdin=row)
    assert done.exit == 0
    body = sent(faults, "batched options")
    assert {name: body.get(name) for name in SENT} == SENT


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["-s", "-o", "hello", "world"], "hello world"),
        (["--", "-o", "a", "b"], "-o a b"),
        (["a", "--", "--option", "b"], "a --option b"),
        (["-t", "-o"], None),
    ],
    ids=["the value of another option", "after --", "after -- in the middle", "a template's name"],
)
def test_what_only_looks_like_an_option_of_the_model_is_none(
    nr: Nr, arguments: list[str], asked: str | None
) -> None:
    done = nr("ask", "-m", "cat/x", *arguments)
    assert "not a name with a value" not in done.err
    if asked is not None:
        assert done.out.decode().endswith(asked + "\n")


@given(
    st.lists(
        st.sampled_from(
            ["-o", "-s", "-x", "-xo", "--xl", "--option", "--system=a", "w", "k=v", "--"]
        )
    )
)
def test_joining_twice_is_joining_once(words: list[str]) -> None:
    joined, given = join_pairs(words, TABLE)
    again, given_again = join_pairs(joined, TABLE)
    assert "".join(joined).replace("=", "") == "".join(words).replace("=", "")
    if "-o" not in joined[-1:] and "--option" not in joined[-1:]:
        assert (again, given_again) == (joined, given)


def test_a_dotted_name_reaches_into_an_object(nr: Nr, faults: Faults) -> None:
    options = ["-o", "provider", '{"sort": "price"}', "-o", "provider.order.first", "a"]
    assert nr("ask", *options, "dotted names").exit == 0
    assert sent(faults, "dotted names")["provider"] == {"sort": "price", "order": {"first": "a"}}
    done = nr("ask", "-o", "stop", "x", "-o", "stop.at", "y", "hi")
    assert done.exit == 2
    assert "already a value" in done.err
    done = nr("ask", "-o", "stop.at", "y", "-o", "stop", "x", "hi")
    assert done.exit == 2
    assert "holds values already" in done.err


def test_a_variable_of_files_holds_one_a_line(nr: Nr, home) -> None:
    (home / "my file.txt").write_text("first")
    (home / "b.txt").write_text("second")
    env = {"NR_FILE": "my file.txt\nb.txt\n"}
    done = nr("ask", "-m", "cat/x", env=env)
    assert done.out.index(b"first") < done.out.index(b"second")
    done = nr("ask", "-m", "cat/x", "-f", "b.txt", env=env)
    assert b"first" not in done.out, "the command line stands over the variable"


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("tag", "a b\nc", ["a", "b", "c"]),
        ("file", "a b\nc", ["a b", "c"]),
        ("option", "a 1\nb=2 3", ["a=1", "b=2 3"]),
        ("option", "a=1 b=2", ["a=1", "b=2"]),
        ("option", 'stop ["x=1", "y"]', ['stop=["x=1", "y"]']),
        ("option", "alone", ["alone"]),
        ("param", "tone dry humour", ["tone=dry humour"]),
    ],
)
def test_a_variable_with_many_values_is_split_by_its_kind(
    name: str, value: str, parts: list[str]
) -> None:
    assert split_variable(name, value) == parts


@pytest.mark.parametrize(
    "value",
    ["NaN", "-Infinity", "1e999", '{"a": [NaN]}', "1" * 400, "1" * 5000, "1e300",
     "[" * 100_000, "[" * 150 + "]" * 150, '{"a": "\\ud800"}'],
    ids=["nan", "infinity", "beyond", "inside", "digits", "too many", "huge", "endless", "deep",
         "half"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["max_tokens", "temperature"])
def test_a_value_that_no_backend_takes_is_refused(nr: Nr, name: str, value: str) -> None:
    done = nr("ask", "-o", name, value, "hi")
    assert (done.exit, done.out) == (2, b"")
    assert f"-o {name}: " in done.err


@pytest.mark.parametrize("value", ["nan", '"NaN"', "18446744073709551615", "[[1]]", "1e-400"])
def test_a_text_or_an_honest_number_is_no_odd_value(nr: Nr, value: str) -> None:
    assert nr("ask", "-o", "custom", value, "hi").exit == 0


@pytest.mark.parametrize(
    ("arguments", "env", "cache"),
    [
        (["--cache", "only"], {"NR_NO_CACHE": "1"}, 81),
        (["--no-cache"], {"NR_CACHE": "only"}, 0),
        (["--cache", "only", "--no-cache"], {}, 2),
        ([], {"NR_CACHE": "only", "NR_NO_CACHE": "1"}, 2),
        (["--jsonl"], {"NR_JSON": "1"}, 0),
        (["--route", "default"], {"NR_MODEL": "cat/x"}, 0),
        (["-m", "cat/x"], {"NR_ROUTE": "default"}, 0),
        (["--schema-multi", "a"], {"NR_SCHEMA": "b", "NR_DRY_RUN": "1"}, 0),
    ],
)
def test_a_flag_stands_over_the_variable_of_its_rival(
    nr: Nr, arguments: list[str], env: dict[str, str], cache: int
) -> None:
    assert nr("ask", *arguments, "rivals", env=env).exit == cache


@pytest.mark.parametrize(
    ("arguments", "env", "is_json"),
    [
        (["ask", "-m", "nosuch", "q"], {"NR_JSON": "1"}, True),
        (["ask", "--bogus"], {"NR_JSON": "true"}, True),
        (["nosuch"], {"NR_JSON": "1"}, True),
        (["ask", "-m", "nosuch", "q"], {"NR_JSON": "0"}, False),
        (["ask", "-m", "nosuch", "--", "say", "--json"], {}, False),
        (["ask", "-m", "nosuch", "--json", "--", "say"], {}, True),
    ],
)
def test_a_failure_is_a_document_where_json_is_wanted(
    nr: Nr, arguments: list[str], env: dict[str, str], is_json: bool
) -> None:
    done = nr(*arguments, env=env)
    assert done.exit == 2
    if is_json:
        assert json.loads(done.out)["error"]["exit"] == 2
        assert done.err == ""
    else:
        assert done.out == b""
        assert done.err.startswith("nr: ")


def test_verbose_on_the_command_line_is_not_silenced_by_a_variable(nr: Nr) -> None:
    assert "→ cat/x" in nr("ask", "-v", "-m", "cat/x", "hi", env={"NR_QUIET": "1"}).err
    assert nr("ask", "-q", "-m", "cat/x", "hi", env={"NR_VERBOSE": "1"}).err == ""
