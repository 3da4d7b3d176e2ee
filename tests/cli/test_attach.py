"""`-a`: a file goes along, known by its content, and only to a model that can take it in."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.features.media import is_text, sniff
from tests.conftest import Faults, Nr

PNG = b"\x89PNG\r\n\x1a\n" + zlib.compress(b"pixels")
PDF = b"%PDF-1.7\n1 0 obj <</Type /Page>> endobj\n2 0 obj <</Type/Page>>\n3 <</Type /Pages>>"
WAV = b"RIFF\x24\0\0\0WAVEfmt "
KINDS = {
    "png": (PNG, ("image", "image/png")),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF", ("image", "image/jpeg")),
    "gif": (b"GIF89a\1\0\1\0", ("image", "image/gif")),
    "webp": (b"RIFF\x1a\0\0\0WEBPVP8 ", ("image", "image/webp")),
    "wav": (WAV, ("audio", "audio/wav")),
    "mp3": (b"ID3\4\0\0", ("audio", "audio/mpeg")),
    "pdf": (PDF, ("pdf", "application/pdf")),
    "pdf after rubbish": (b"\n\n" + PDF, ("pdf", "application/pdf")),
    "text": (b"BM is how this text begins", None),
    "html": (b"<html>", None),
    "a riff of another kind": (b"RIFF\0\0\0\0AVI ", None),
}  # fmt: skip
MODELS = """models:
  blind: {id: cat/blind, caps: [tools]}
  eye: {id: cat/eye, caps: [vision]}
  reader: {id: fs/ok, caps: [document, vision]}
"""


@pytest.fixture
def seeing(policy: Path) -> None:
    text = policy.read_text().replace("{use: fs/ok}", "{use: [blind, eye, reader]}")
    policy.write_text(text + MODELS)


@pytest.mark.parametrize("name", KINDS)
def test_the_content_says_what_a_file_is(name: str) -> None:
    content, kind = KINDS[name]
    assert sniff(content) == kind


@given(st.text(max_size=60))
def test_no_text_in_utf_8_is_taken_for_a_picture(text: str) -> None:
    content = text.encode()
    if is_text(content):
        assert sniff(content) in (None, ("pdf", "application/pdf"), ("audio", "audio/mpeg"))


@pytest.mark.usefixtures("seeing")
@pytest.mark.parametrize(
    ("name", "content", "chain", "needs"),
    [
        ("a.png", PNG, ["eye", "reader"], ["vision"]),
        ("lies.txt", PNG, ["eye", "reader"], ["vision"]),
        ("a.pdf", PDF, ["reader"], ["document"]),
    ],
    ids=["image", "a lying name", "pdf"],
)
def test_a_file_needs_a_model_that_can_take_it_in(
    nr: Nr, home: Path, name: str, content: bytes, chain: list[str], needs: list[str]
) -> None:
    (home / name).write_bytes(content)
    record = nr("route", "--json", "-a", name, "what is this?").document
    assert (record["chain"], record["needs"]) == (chain, needs)


@pytest.mark.usefixtures("seeing")
def test_no_model_for_a_kind_is_a_refusal(nr: Nr, home: Path) -> None:
    (home / "a.wav").write_bytes(WAV)
    done = nr("ask", "-a", "a.wav", "who speaks?")
    assert (done.exit, done.out) == (80, b"")
    assert "cannot do audio" in done.err


@pytest.mark.usefixtures("seeing")
def test_a_picture_is_sent_and_counts_in_the_cache_by_content(
    nr: Nr, home: Path, faults: Faults
) -> None:
    for name, content in (("a.png", PNG), ("b.png", PNG), ("c.png", PNG + b"x")):
        (home / name).write_bytes(content)
    status = [
        nr("ask", "--json", "-m", "reader", "-a", name, "seen?").document["cache"]["status"]
        for name in ("a.png", "b.png", "c.png")
    ]
    assert status == ["miss", "hit", "miss"]
    row = next(row for row in faults.requests("ok") if "seen?" in str(row["json"]))
    assert base64.b64encode(PNG).decode() in str(row["json"]["messages"])


@pytest.mark.usefixtures("seeing")
def test_rules_can_ask_what_goes_along(nr: Nr, home: Path, policy: Path) -> None:
    rules = "routes:\n  - {name: pages, when: {has: [pdf]}, use: reader}\n"
    policy.write_text(policy.read_text() + rules)
    (home / "a.pdf").write_bytes(PDF)
    record = nr("route", "--json", "-a", "a.pdf", "sum up").document
    assert record["route"] == "pages"
    assert record["estimate"]["input_tokens"] > 4000, "two pages"


@pytest.mark.parametrize(
    ("arguments", "stdin", "asked"),
    [
        (["-a", "note.md", "look"], None, "look\n\nnote.md:\n```md\nwords\n```\n"),
        (["-a", "-", "look"], b"piped", "look\n\nstdin:\n```\npiped\n```\n"),
        (["-a", "note.md"], None, "note.md:\n```md\nwords\n```\n"),
    ],
    ids=["file", "stdin", "alone"],
)
def test_a_text_goes_into_the_prompt(
    nr: Nr, home: Path, arguments: list[str], stdin: bytes | None, asked: str
) -> None:
    (home / "note.md").write_text("words\n")
    done = nr("ask", "-m", "cat/x", *arguments, stdin=stdin)
    assert (done.exit, done.out.decode()) == (0, asked)


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, 66), (b"", 65), (b"\0\1\2\3", 65), (b"PK\3\4" + bytes(30), 65)],
    ids=["missing", "empty", "binary", "zip"],
)
def test_what_no_model_reads_is_refused_before_sending(
    nr: Nr, home: Path, content: bytes | None, code: int
) -> None:
    if content is not None:
        (home / "file").write_bytes(content)
    done = nr("ask", "-m", "cat/x", "-a", "file", "hi")
    assert (done.exit, done.out) == (code, b"")
    assert "-a file" in done.err


def test_a_huge_file_is_refused(nr: Nr, home: Path) -> None:
    with (home / "huge.png").open("wb") as file:
        file.write(PNG)
        file.truncate(51 << 20)
    done = nr("ask", "-m", "cat/x", "-a", "huge.png", "hi")
    assert done.exit == 65
    assert "50 MiB" in done.err


def test_a_url_is_fetched(nr: Nr, faults: Faults) -> None:
    url = f"http://127.0.0.1:{faults.port}/v1/models"
    done = nr("ask", "-m", "cat/x", "--no-cache", "-a", url, "look")
    assert b'"object"' in done.out
    assert nr("ask", "-m", "cat/x", "-a", "http://127.0.0.1:1/x", "look").exit == 66


def test_rows_of_route_carry_files_too(nr: Nr, home: Path, seeing: None) -> None:
    (home / "a.png").write_bytes(PNG)
    rows = b'{"prompt": "x", "attachments": ["a.png"]}\n{"prompt": "x", "attachments": "a.png"}\n'
    done = nr("route", "--jsonl", stdin=rows)
    assert done.exit == 3
    assert b'"needs": ["vision"]' in done.out.splitlines()[0]
    assert b"not a list" in done.out.splitlines()[1]


CLOUD = """version: 1
models:
  claude: {id: anthropic/claude-x, caps: [vision, document]}
  gpt: {id: openai/gpt-x, caps: [vision, document]}
  blind: {id: cat/x, caps: [tools]}
providers:
  anthropic: {kind: anthropic, base_url: "https://api.anthropic.com/v1", api_key_env: A_KEY}
  openai: {kind: openai, base_url: "https://api.openai.com/v1", api_key_env: O_KEY}
  near: {kind: anthropic, base_url: "http://127.0.0.1:1/v1", api_key_env: A_KEY, local: true}
  cat: {kind: command, command: [cat], local: true}
default: {use: [blind, claude, gpt]}
"""


def test_a_file_too_large_for_a_host_leaves_that_host_out(nr: Nr, home: Path, policy: Path) -> None:
    keys = {"A_KEY": "a", "O_KEY": "o"}
    policy.write_text(CLOUD)
    mb = 1 << 20
    (home / "small.png").write_bytes(PNG.ljust(5 * mb * 3 // 4, b"x"))
    (home / "big.png").write_bytes(PNG.ljust(5 * mb * 3 // 4 + 3, b"x"))
    assert nr("route", "--json", "-a", "small.png", "q", env=keys).document["chain"] == [
        "claude",
        "gpt",
    ]
    record = nr("route", "--json", "-a", "big.png", "q", env=keys).document
    assert record["chain"] == ["gpt"]
    reason = record["candidates"][1]["reason"]
    assert "big.png is 5.1 MB in base64, api.anthropic.com takes 5 MB an image" in reason


def test_a_file_too_large_for_all_ends_before_anything_is_sent(
    nr: Nr, home: Path, policy: Path
) -> None:
    policy.write_text(CLOUD)
    for name in ("a.pdf", "b.pdf"):
        (home / name).write_bytes(PDF.ljust(26 << 20, b" "))
    done = nr("ask", "-a", "a.pdf", "-a", "b.pdf", "q", env={"A_KEY": "a", "O_KEY": "o"})
    assert (done.exit, done.out) == (65, b"")
    assert "takes 32 MB a request" in done.err
    assert "takes 50 MB a request" in done.err
    assert len(done.err.splitlines()) <= 5
    record = nr("route", "--json", "-m", "near/x", "-a", "a.pdf", "q", env={"A_KEY": "a"})
    assert b"too large" not in record.out, "a server elsewhere has limits of its own"
