"""Plain facts of a text: tokens, language, shapes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.features.language import detect
from nr_cli.features.shapes import find, holds_secret
from nr_cli.features.tokens import estimate


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("The quick brown fox jumps over the lazy dog.", 8, 13),
        ("日本の首都は東京です", 6, 12),
        ("Привет, как дела сегодня?", 6, 12),
        ("word " * 100_000, 100_000, 140_000),
    ],
    ids=["empty", "letter", "english", "japanese", "russian", "long"],
)
def test_tokens_are_estimated_by_script(text: str, low: int, high: int) -> None:
    assert low <= estimate(text) <= high


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "What is the difference between the two of them?"),
        ("es", "¿Cuál es la diferencia entre los dos?"),
        ("fr", "Quelle est la différence entre les deux ?"),
        ("de", "Was ist der Unterschied und wie finde ich ihn?"),
        ("it", "Che cosa è la differenza e come la trovo?"),
        ("pl", "Jaka jest różnica i co to znaczy dla mnie?"),
        ("ru", "В чём разница между ними?"),
        ("uk", "Яка різниця між ними?"),
        ("zh", "它们有什么区别"),
        ("ja", "違いは何ですか"),
        ("ko", "차이점이 무엇인가요"),
        ("ar", "ما الفرق بينهما"),
        ("hi", "इनमें क्या अंतर है"),
        ("th", "ต่างกันอย่างไร"),
        (None, "xyzzy"),
        (None, "12345"),
    ],
)
def test_a_language_is_named_by_script_or_by_common_words(code: str | None, text: str) -> None:
    assert detect(text) == code


PEM = "-----BEGIN RSA PRIVATE " + "KEY-----"


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("code", "```\nx\n```"),
        ("code", "def f(x):\n    return x"),
        ("diff", "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@"),
        ("stacktrace", 'Traceback (most recent call last):\n  File "a.py", line 1'),
        ("stacktrace", "java.lang.Error\n    at a.b.C.d(C.java:3)"),
        ("table", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("url", "see https://example.org/x"),
        ("api_key", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("api_key", "token ghp_" + "a1" * 18),
        ("private_key", PEM),
        ("pii", "write to ann.lee@example.org"),
        ("pii", "card 4111 1111 1111 1111"),
        ("pii", "DE89 3704 0044 0532 0130 00"),
    ],
)
def test_a_shape_is_found(shape: str, text: str) -> None:
    assert shape in find(text)
    assert holds_secret(text) == (shape in ("api_key", "private_key"))


@pytest.mark.parametrize(
    "text", ["The quick brown fox, and so on.", "call me at 5", "1234 5678 9012 3456", "a @ b", ""]
)
def test_plain_words_have_no_shape(text: str) -> None:
    assert find(text) == frozenset()


@given(st.text(max_size=200))
@settings(deadline=None)
def test_no_text_breaks_a_feature(text: str) -> None:
    assert estimate(text) >= 0
    find(text)
    detect(text)
