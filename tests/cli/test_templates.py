"""Templates: filled by an ask, kept from one, refused with a place where they are broken."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.errors import ConfigError, ExitCode
from nr_cli.policy.template import compose, flaw, parse_template, substitute, variables
from nr_cli.types.template import Template
from tests.conftest import Done, Faults, Nr

Write = Callable[[str, str], Path]


@pytest.fixture
def write(home: Path) -> Write:
    """Puts a template where `nr` looks for it."""

    def put(name: str, text: str) -> Path:
        path = home / ".config" / "nr" / "templates" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return put


@pytest.fixture
def echo(nr: Nr) -> Callable[..., Done]:
    """Asks a program that answers with its input: system text, blank line, prompt."""
    return lambda *arguments, **more: nr("ask", "-m", "cat/cat", *arguments, **more)


FILLED = {
    "input": ("prompt: 'Say: $input'", ["hi"], "Say: hi"),
    "braces": ("prompt: '${input}s'", ["hi"], "his"),
    "dollar": ("prompt: 'It is $$5, $input'", ["hi"], "It is $5, hi"),
    "param": ("prompt: 'In $tone: $input'", ["-p", "tone", "a dry one", "hi"], "In a dry one: hi"),
    "joined param": ("prompt: 'In $tone: $input'", ["-p", "tone=dry", "hi"], "In dry: hi"),
    "value with =": ("prompt: 'Of $a'", ["-p", "a", "b=c"], "Of b=c"),
    "empty value": ("prompt: 'Of $a.'", ["-p", "a", ""], "Of ."),
    "default": ("prompt: 'In $tone'\ndefaults: {tone: 3.10}", [], "In 3.10"),
    "over default": ("prompt: 'In $tone'\ndefaults: {tone: dry}", ["-p", "tone", "wet"], "In wet"),
    "no input named": ("prompt: Hello", ["there"], "Hello\n\nthere"),
    "by itself": ("prompt: Hello", [], "Hello"),
    "system": ("system: 'Be $how.'", ["-p", "how", "brief", "hi"], "Be brief.\n\nhi"),
    "own system": ("system: Be brief.", ["-s", "Be long.", "hi"], "Be long.\n\nhi"),
    "values stay": ("prompt: '$a $input'", ["-p", "a", "$b ${input}", "$a"], "$b ${input} $a"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILLED)
def test_a_template_is_filled(echo, write: Write, case: str) -> None:
    text, arguments, expected = FILLED[case]
    write("t", text)
    done = echo("-t", "t", *arguments)
    assert (done.exit, done.out.decode(), done.err) == (0, expected + "\n", "")


def test_stdin_is_the_input_of_a_template(echo, write: Write) -> None:
    write("t", "prompt: 'Sum up: $input'")
    assert echo("-t", "t", stdin=b"some log").out == b"Sum up: some log\n"
    assert echo("-t", "t", "the end of", stdin=b"a log").out == b"Sum up: the end of\n\na log\n"


def test_a_template_that_needs_input_is_no_prompt_without(echo, write: Write) -> None:
    write("t", "prompt: 'Sum up: $input'")
    done = echo("-t", "t")
    assert done.exit == ExitCode.USAGE
    assert "no prompt" in done.err


REFUSED = {
    "missing": (["-p", "tone", "dry"], 'needs a value for "reader"', "-p reader"),
    "all missing": ([], 'needs a value for "reader", "tone"', "-p reader … -p tone"),
    "unused": (["-p", "tnoe", "dry"], '"tnoe" (did you mean "tone"?)', "they are: reader, tone"),
    "input": (["-p", "input", "x"], 'no variable is called "input"', "they are: reader, tone"),
    "no pair": (["-p", "tone"], "-p tone: not a name with a value", "-p name value"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_variables_that_do_not_fit_are_named(echo, write: Write, case: str) -> None:
    arguments, message, hint = REFUSED[case]
    write("t", "prompt: 'For $reader in $tone: $input'")
    done = echo("hi", "-t", "t", *arguments)
    assert (done.exit, done.out) == (ExitCode.USAGE, b"")
    assert message in done.err
    assert hint in done.err


def test_values_without_a_template_are_refused(echo) -> None:
    done = echo("-p", "tone", "dry", "hi")
    assert (done.exit, done.out) == (ExitCode.USAGE, b"")
    assert "-t" in done.err


def test_an_unknown_template_is_named_with_the_nearest(echo, write: Write) -> None:
    write("summary", "prompt: Sum up")
    done = echo("-t", "sumary", "hi")
    assert done.exit == ExitCode.USAGE
    assert 'template sumary: there is none (did you mean "summary"?)' in done.err


@pytest.mark.parametrize("name", ["../t", ".t", "", "t\n", "x" * 65])
def test_a_name_is_no_path(nr: Nr, write: Write, name: str) -> None:
    write("t", "prompt: Hi")
    for flag in ("--template", "--save"):
        done = nr("ask", "hi", f"{flag}={name}")
        assert (done.exit, done.out) == (ExitCode.USAGE, b"")
        assert ": not a name" in done.err
    assert nr("template", "show", "--", name).exit == ExitCode.USAGE


BROKEN = {
    "unknown key": ("promt: Hi", '1:1: NR112 unknown key "promt"', '(did you mean "prompt"?)'),
    "bare dollar": ("prompt: It is $5.", "1:1: NR119 prompt: ", '"$5." is no variable'),
    "no map": ("- a", "1:1: NR106 a template is a map of its parts, not a list", ""),
    "empty": ("", "1:1: NR115 the template is empty", ""),
    "twice": ("prompt: a\nprompt: b", "2:1: NR102 ", ""),
    "tag": ("prompt: !!python/name:os.system a", "1:9: NR105 ", ""),
    "default": ("prompt: '$tone'\ndefaults: {tnoe: a}", '2:12: NR112 ', '(did you mean "tone"?)'),
    "default of input": ("prompt: $input\ndefaults: {input: a}", "2:12: NR117 ", ""),
    "no text": ("prompt: [a]", "1:1: NR111 prompt must be text", ""),
    "empty key": ("system:", "1:1: NR111 system must be text", ""),
    "extract": ("prompt: a\nextract: all", "2:1: NR133 extract must be first, last", ""),
    "option": ("prompt: a\noptions: {a-b: 1}", "2:11: NR117 ", '"a-b" cannot be a name'),
    "endless": ("prompt: a\noptions: {a: {b: [.NaN]}}", "2:19: NR104 ", "finite number"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_template_is_refused_with_its_place(nr: Nr, write: Write, case: str) -> None:
    text, place, more = BROKEN[case]
    path = write("t", text)
    done = nr("ask", "-t", "t", "hi")
    assert (done.exit, done.out) == (ExitCode.CONFIG, b"")
    assert f"{path}:{place}" in done.err
    assert more in done.err
    assert len(done.err.splitlines()) <= 5
    rows = nr("template", "list", "--json").document
    assert rows[0]["problem"].startswith(f"{path}:{place}")


def test_a_broken_template_stops_no_other(nr: Nr, write: Write) -> None:
    write("bad", "promt: Hi")
    write("good", "prompt: |\n  Sum   up\n  this")
    done = nr("template", "list")
    assert done.exit == 0
    assert [line.split()[0] for line in done.out.decode().splitlines()] == ["bad", "good"]
    assert "Sum up this" in done.out.decode()


def test_flags_win_over_a_template_which_wins_over_the_policy(
    nr: Nr, write: Write, policy: Path, faults: Faults
) -> None:
    policy.write_text(
        policy.read_text().replace(
            "default: {use: fs/ok}",
            "routes: [{name: side, when: {tag: never}, use: cat/side}]\n"
            "default: {use: fs/ok, params: {temperature: 0.9, seed: 1, top_p: 1}}",
        )
    )
    write(
        "t", "prompt: $input\noptions: {temperature: 0.2, seed: 2}\nextract: first\nmodel: cat/cat"
    )
    block = "a\n```\nb\n```\nc\n```\nd\n```"
    assert nr("ask", "-t", "t", block).out == b"b\n"
    assert nr("ask", "-t", "t", "--xl", block).out == b"d\n"
    assert nr("route", "-t", "t", "--route", "side", "--json", "hi").document["route"] == "side"
    assert nr("ask", "-t", "t", "-m", "fs/ok", "-o", "temperature", "0.4", "hi").exit == 0
    sent = faults.requests("ok")[-1]["json"]
    assert (sent["temperature"], sent["seed"]) == (0.4, 2)


def test_a_decision_reads_the_filled_prompt(nr: Nr, write: Write) -> None:
    write("t", "prompt: 'Write a Python function that $input'")
    routed = nr("route", "-t", "t", "--json", "adds two numbers").document
    assert routed["intent"]["value"] == "code"
    assert nr("route", "-t", "t", "--jsonl", stdin=b'{"prompt": "a"}').exit == ExitCode.USAGE


@pytest.mark.parametrize("schema", ["{type: object}", "name, age int"], ids=["map", "fields"])
def test_a_schema_of_the_template_holds_the_answer(echo, write: Write, schema: str) -> None:
    write("t", f"prompt: $input\nschema: {schema}")
    done = echo("-t", "t", "hi")
    assert (done.exit, done.out) == (ExitCode.BAD_DATA, b"")
    assert "does not satisfy its schema" in done.err


def test_saving_keeps_the_flags_and_asks_nothing(nr: Nr, home: Path) -> None:
    done = nr("ask", "Put it $how: {{stdin}}", "-s", "Be 1e3 brief", "-o", "seed", "3", "-x",
              "-m", "cat/cat", "-p", "how", "plainly", "--tag", "a", "--save", "plain")  # fmt: skip
    assert (done.exit, done.out) == (0, b"")
    assert "not kept: --tag" in done.err
    assert nr("log", "list", "--json").document == []
    path = home / ".config" / "nr" / "templates" / "plain.yaml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert nr("template", "show", "plain", "--json").document == {
        "name": "plain", "prompt": "Put it $how: $input", "system": "Be 1e3 brief",
        "defaults": {"how": "plainly"}, "schema": None, "options": {"seed": 3},
        "extract": "first", "model": "cat/cat", "route": None,
    }  # fmt: skip
    asked = nr("ask", "-t", "plain", "now\n```\nhi\n```")
    assert asked.out == b"hi\n"


def test_saving_never_overwrites(nr: Nr, write: Write) -> None:
    path = write("t", "prompt: Hi")
    for command in (["ask", "Ho", "--save", "t"], ["template", "new", "t"]):
        done = nr(*command)
        assert done.exit == ExitCode.USAGE
        assert "template t: there is one already" in done.err
        assert path.read_text() == "prompt: Hi"


def test_saving_what_could_not_be_read_is_refused(nr: Nr, home: Path) -> None:
    done = nr("ask", "It costs $5", "--save", "t")
    assert done.exit == ExitCode.USAGE
    assert "--save t: prompt: " in done.err
    assert not (home / ".config" / "nr" / "templates" / "t.yaml").exists()


def test_saving_over_a_template_by_another_name_joins_them(nr: Nr, write: Write) -> None:
    write("t", "prompt: 'In $a $b'\ndefaults: {a: x, b: y}\noptions: {seed: 1, top_p: 0.5}")
    assert nr("ask", "-t", "t", "-p", "b", "z", "-o", "seed", "2", "--save", "u").exit == 0
    saved = nr("template", "show", "u", "--json").document
    assert saved["defaults"] == {"a": "x", "b": "z"}
    assert saved["options"] == {"seed": 2, "top_p": 0.5}


def test_a_new_template_comes_from_stdin_checked(nr: Nr) -> None:
    assert nr("template", "new", "t", stdin=b"promt: Hi").exit == ExitCode.CONFIG
    made = nr("template", "new", "t", stdin="prompt: Grüß $input\n".encode())
    assert made.exit == 0
    assert Path(made.out.decode().rstrip("\n")).read_text() == "prompt: Grüß $input\n"
    assert nr("template", "show", "t").out == "prompt: Grüß $input\n".encode()


def test_a_new_template_from_the_pattern_works_as_it_is(nr: Nr, echo) -> None:
    assert nr("template", "new", "t").exit == 0
    assert echo("-t", "t", "this").out == b"Summarize in 50 words: this\n"


def test_editing_runs_the_editor_s_words_without_a_shell(nr: Nr, write: Write, home: Path) -> None:
    path = write("t", "prompt: Hi")
    editor = home / "my editor.sh"
    editor.write_text('#!/bin/sh\necho "$1" > "$0.seen"\necho "system: [" >> "$2"\n')
    editor.chmod(0o755)
    done = nr("template", "edit", "t", env={"VISUAL": f"'{editor}' '$(touch x);'", "EDITOR": "no"})
    assert done.exit == ExitCode.CONFIG
    assert f"{path}:" in done.err
    assert "NR101" in done.err
    assert (home / "my editor.sh.seen").read_text() == "$(touch x);\n"
    assert path.read_text() == "prompt: Hisystem: [\n"


@pytest.mark.parametrize(
    ("editor", "exit"),
    [("", ExitCode.USAGE), ("'", ExitCode.USAGE), ("/no/such/editor", ExitCode.CONFIG),
     ("false", ExitCode.CONFIG), ("true", ExitCode.OK)],
)  # fmt: skip
def test_an_editor_that_does_not_serve_is_named(
    nr: Nr, write: Write, editor: str, exit: ExitCode
) -> None:
    write("t", "prompt: Hi")
    done = nr("template", "edit", "t", env={"EDITOR": editor})
    assert done.exit == exit
    assert bool(done.err) == (exit != 0)


def test_a_terminal_sees_no_control_characters_of_a_template(nr: Nr, write: Write) -> None:
    write("t", 'prompt: "a \\e[31m b"')
    assert b"\x1b" not in nr("template", "list").out


def test_a_template_may_be_a_link_but_no_device(nr: Nr, write: Write, home: Path) -> None:
    real = home / "real.yaml"
    real.write_text("prompt: Hi")
    folder = write("other", "prompt: Ho").parent
    os.symlink(real, folder / "link.yaml")
    os.mkfifo(folder / "pipe.yaml")
    assert nr("template", "show", "link").out == b"prompt: Hi"
    assert nr("template", "show", "pipe").exit == ExitCode.CONFIG


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
names = st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True).filter(lambda name: name != "input")
values = st.recursive(
    st.booleans() | st.integers(-(10**17), 10**17) | texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(texts, inner, min_size=1),
    max_leaves=5,
)  # fmt: skip


@given(
    st.lists(texts | names.map("${{{}}}".format), min_size=1).map("".join),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.dictionaries(names, values, max_size=3),
    st.sampled_from(["first", "last", None]),
)
def test_what_is_written_is_read_as_it_was(prompt, default, options, extract) -> None:
    if flaw(prompt):
        prompt = prompt.replace("$", "$$")
    kept = {name: default for name in variables(prompt) if name != "input"}
    template = Template(prompt=prompt, defaults=kept, options=options, extract=extract)
    assert parse_template(compose(template).encode(), "t.yaml") == template


@given(st.text(), st.text())
def test_a_text_is_either_refused_or_filled(text: str, value: str) -> None:
    if flaw(text) is None:
        substitute(text, dict.fromkeys(variables(text), value))
    else:
        with pytest.raises(ValueError, match="placeholder"):
            substitute(text, {})


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_break_the_reading(content: bytes) -> None:
    try:
        template = parse_template(content, "t.yaml")
    except ConfigError:
        return
    assert template != Template()
