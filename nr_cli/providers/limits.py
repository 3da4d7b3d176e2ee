"""How large the files of a request may be, by the host that states it.

A limit belongs to a server, not to its protocol: what speaks like a vendor elsewhere has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from nr_cli.types.message import Attachment
from nr_cli.types.policy import Provider

MB = 1024 * 1024


class Limits(NamedTuple):
    """Bytes that a host takes at most, None where it states nothing.

    `request` is the whole of the files with the text, as it travels in base64; `files` is the
    whole of the files as they are on disk; `image` is one image in base64.
    """

    request: int | None = None
    files: int | None = None
    image: int | None = None


HOSTS: dict[str, Limits] = {
    # the page on vision and its errors ("image exceeds 5 MB maximum"), 2026-07
    "api.anthropic.com": Limits(request=32 * MB, image=5 * MB),
    # the page on file inputs: all files of a request together, 2026
    "api.openai.com": Limits(files=50 * MB),
    # raised from 20 MB in 2026-01
    "generativelanguage.googleapis.com": Limits(request=100 * MB),
}


def oversize(provider: Provider, files: Sequence[Attachment], text: str) -> str | None:
    """Returns what of a request is larger than its provider takes, None if nothing is."""
    from urllib.parse import urlsplit

    host = urlsplit(provider.base_url).hostname or ""
    limits = HOSTS.get(host)
    if limits is None or not files:
        return None
    for file in files:
        size = encoded(file)
        if limits.image is not None and file.medium == "image" and size > limits.image:
            return _words(f"{file.name} is", size, "in base64", host, limits.image, "an image")
    whole = sum(map(encoded, files)) + len(text.encode("utf-8", "replace"))
    if limits.request is not None and whole > limits.request:
        return _words("all is", whole, "in base64", host, limits.request, "a request")
    together = sum(len(file.content) for file in files)
    if limits.files is not None and together > limits.files:
        return _words("the files are", together, "together", host, limits.files, "a request")
    return None


def encoded(file: Attachment) -> int:
    """Returns the bytes that a file takes in base64."""
    return 4 * ceil(len(file.content) / 3)


def _words(what: str, size: int, how: str, host: str, limit: int, each: str) -> str:
    shown = ceil(size / MB * 10) / 10
    return f"too large: {what} {shown:g} MB {how}, {host} takes {limit // MB} MB {each}"
