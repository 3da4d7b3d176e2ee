"""Compressed responses: the same bytes in any chunking, within bounds, whole or refused."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.transport.inflate import MAX_INFLATED, PIECE, Inflater, Undecodable

PACKERS = {"": bytes, "identity": bytes, "gzip": gzip.compress, "deflate": zlib.compress}


def inflate(encoding: str, chunks: list[bytes]) -> bytes:
    inflater = Inflater(encoding)
    whole = b"".join(piece for chunk in chunks for piece in inflater.feed(chunk))
    inflater.end()
    return whole


@given(
    st.sampled_from(list(PACKERS)),
    st.binary(max_size=300),
    st.lists(st.integers(0, 300), max_size=5),
)
@settings(deadline=None)
def test_what_was_packed_comes_out_wherever_it_is_cut(
    encoding: str, raw: bytes, cuts: list[int]
) -> None:
    packed = PACKERS[encoding](raw)
    places = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    assert inflate(encoding, [packed[a:b] for a, b in pairwise(places)]) == raw


@given(st.binary(min_size=1, max_size=200), st.integers(1, 18))
@settings(deadline=None)
def test_a_cut_or_damaged_stream_is_never_taken_for_whole(raw: bytes, missing: int) -> None:
    """Whatever is lost at the end, the reader learns of it or has received nothing at all."""
    packed = gzip.compress(raw)[:-missing]
    try:
        assert inflate("gzip", [packed]) == b""
    except Undecodable:
        return


@pytest.mark.parametrize("encoding", ["br", "zstd", "zzz", "gzip, gzip", "gzip, br"])
def test_an_encoding_nobody_asked_for_is_refused_by_name(encoding: str) -> None:
    with pytest.raises(Undecodable, match=encoding.split(",")[0]):
        Inflater(encoding)


@pytest.mark.parametrize("encoding", ["GZIP", " gzip ", "x-gzip", "identity, gzip", "gzip,"])
def test_gzip_is_known_under_each_of_its_spellings(encoding: str) -> None:
    assert inflate(encoding, [gzip.compress(b"text")]) == b"text"


def test_pieces_are_small_and_a_bomb_is_stopped_at_the_limit() -> None:
    machine = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    bomb = b"".join(machine.compress(zeros) for _ in range(80)) + machine.flush()
    sizes: list[int] = []
    with pytest.raises(Undecodable, match="64 MiB"):
        sizes.extend(len(piece) for piece in Inflater("gzip").feed(bomb))
    assert max(sizes) <= PIECE
    assert sum(sizes) <= MAX_INFLATED


def test_a_stream_of_two_members_is_read_to_its_end_or_refused() -> None:
    """RFC 1952 allows several members in a row; losing the second silently is the one wrong way."""
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    try:
        assert inflate("gzip", [packed]) == b"one two"
    except Undecodable:
        return


def test_bytes_that_are_not_compressed_are_refused() -> None:
    with pytest.raises(Undecodable):
        inflate("gzip", [b'{"choices": []}'])
