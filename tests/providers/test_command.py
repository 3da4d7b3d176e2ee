"""A program as a backend: where the prompt goes, what its exit status means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.errors import FailureKind
from nr_cli.providers import command
from nr_cli.providers.codec import Blame
from nr_cli.types.events import Finished, Text
from nr_cli.types.message import Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, ProcessCall


def encoded(argv: tuple[str, ...], prompt: str = "P", system: str = "") -> ProcessCall:
    provider = Provider("prog", "command", argv=argv)
    messages = [Message("system", system)] if system else []
    request = Request(
        Model("m", provider, "wire"), (*messages, Message("user", prompt)), {}, Timeouts()
    )
    return command.encode(request, Credential(None, "none"))


@pytest.mark.parametrize(
    ("argv", "system", "filled", "stdin"),
    [
        (("cat",), "", ("cat",), b"P"),
        (("cat",), "S", ("cat",), b"S\n\nP"),
        (("say", "{prompt}"), "", ("say", "P"), b""),
        (("say", "{prompt}"), "S", ("say", "P"), b"S"),
        (("say", "-s{system}"), "S", ("say", "-sS"), b"P"),
        (("say", "{model}:{prompt}/{prompt}"), "", ("say", "wire:P/P"), b""),
        (("say", "{other}"), "", ("say", "{other}"), b"P"),
    ],
    ids=["stdin", "both", "argument", "system left", "system named", "twice", "unknown"],
)
def test_what_no_argument_names_goes_to_stdin_system_first(
    argv: tuple[str, ...], system: str, filled: tuple[str, ...], stdin: bytes
) -> None:
    assert encoded(argv, system=system) == ProcessCall(filled, stdin)


@given(st.text(st.sampled_from("{}promtsyel; $'\"|"), max_size=30))
def test_a_prompt_is_one_argument_and_is_never_filled_in_itself(prompt: str) -> None:
    call = encoded(("say", "{prompt}"), prompt="{system}{model}" + prompt, system="S")
    assert call.argv == ("say", "{system}{model}" + prompt)


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [
        (Ended(0), Finished("stop", None)),
        (Ended(0, "warning\n"), Finished("stop", None)),
        (Ended(1, "first\nlast words\n"), Blame(FailureKind.SERVER, "exit status 1: last words")),
        (Ended(64), Blame(FailureKind.BAD_REQUEST, "exit status 64")),
        (Ended(65), Blame(FailureKind.BAD_REQUEST, "exit status 65")),
        (Ended(75), Blame(FailureKind.OVERLOADED, "exit status 75")),
        (Ended(77), Blame(FailureKind.AUTH, "exit status 77")),
        (Ended(-9), Blame(FailureKind.SERVER, "exit status -9")),
        (Ended(None), Blame(FailureKind.SERVER, "exit status None")),
    ],
    ids=lambda value: str(value.exit) if isinstance(value, Ended) else "",
)
def test_only_status_zero_makes_an_answer_whole(ended: Ended, verdict: object) -> None:
    decoder = command.decoder({})
    assert decoder.feed(b"out") == [Text("out")]
    assert decoder.end(ended) == [verdict]


@given(st.text(max_size=20), st.data())
def test_text_is_the_same_wherever_its_bytes_are_cut(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    place = data.draw(st.integers(0, len(raw)))
    decoder = command.decoder({})
    deltas = decoder.feed(raw[:place]) + decoder.feed(raw[place:]) + decoder.end(Ended(0))
    assert "".join(delta.text for delta in deltas if isinstance(delta, Text)) == text


def test_half_a_character_at_the_end_becomes_the_replacement_character() -> None:
    decoder = command.decoder({})
    deltas = decoder.feed(b"a\xc3") + decoder.end(Ended(0))
    assert deltas == [Text("a"), Text("\ufffd"), Finished("stop", None)]
