"""Tells what kind of file some bytes are, by the bytes alone."""

from __future__ import annotations

import re

from nr_cli.types.message import Attachment, Medium

# Where a format's mark stands, what it is, the media type it proves.
MARKS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (4, b"ftypM4A", "audio/mp4"),
)
PDF = b"%PDF-"
PDF_WITHIN = 1024  # bytes: readers accept rubbish before the mark, up to here
RIFF = frozenset({"image/webp", "audio/wav"})
# The smallest header of a bitmap: two letters alone begin many a text.
BITMAP_HEADER = 26

# Estimates where only a provider knows: tokens a picture, a page of a PDF, a second of sound
# (the vendors' pages say 258 to 1,600, 1,500 to 3,000, 32), bytes of sound a second (128 kbit/s).
IMAGE_TOKENS = 1100
PAGE_TOKENS = 2000
SECOND_TOKENS = 32
SECOND_BYTES = 16_000


def sniff(content: bytes) -> tuple[Medium, str] | None:
    """Returns (medium, media type), or None for what is no image, sound or PDF."""
    for at, mark, media_type in MARKS:
        if content.startswith(mark, at) and _is_sound(content, media_type):
            medium: Medium = "image" if media_type.startswith("image/") else "audio"
            return medium, media_type
    return ("pdf", "application/pdf") if PDF in content[:PDF_WITHIN] else None


def _is_sound(content: bytes, media_type: str) -> bool:
    """Tells whether what surrounds a mark fits it too."""
    if media_type in RIFF:
        return content.startswith(b"RIFF")
    if media_type == "image/bmp":
        return len(content) >= BITMAP_HEADER and content[6:10] == b"\0\0\0\0"
    return True


def is_text(content: bytes) -> bool:
    """Tells whether bytes are text in UTF-8, without a NUL."""
    if b"\0" in content:
        return False
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def estimate(file: Attachment) -> int:
    """Returns the estimated tokens that a file takes of a model's window."""
    if file.medium == "image":
        return IMAGE_TOKENS
    if file.medium == "pdf":
        pages = len(re.findall(rb"/Type\s*/Page(?![a-zA-Z])", file.content))
        return PAGE_TOKENS * max(1, pages)
    return max(1, SECOND_TOKENS * len(file.content) // SECOND_BYTES)
