"""Machine output as tables: assembling, the API's view, digests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.invocations.rules.output import Piece, assemble, digest, view


@pytest.mark.parametrize(
    ("chunks", "total", "pieces", "gap_at_end"),
    [
        ([], 0, (), 0),
        ([], 10, (), 10),
        ([(0, b"abc")], 3, (Piece(0, "abc"),), 0),
        ([(0, b"ab"), (2, b"c")], 3, (Piece(0, "abc"),), 0),
        ([(0, b"ab"), (9, b"c")], 10, (Piece(0, "ab"), Piece(7, "c")), 0),
        ([(5, b"ab")], 7, (Piece(5, "ab"),), 0),
        ([(0, b"ab")], 9, (Piece(0, "ab"),), 7),
        # A character that is split between two chunks is whole again.
        ([(0, "é".encode()[:1]), (1, "é".encode()[1:])], 2, (Piece(0, "é"),), 0),
        ([(0, b"\xff\xfe")], 2, (Piece(0, "��"),), 0),
        ([(0, b"a\x00b")], 3, (Piece(0, "a␀b"),), 0),
    ],
)
def test_pieces_and_gaps(chunks, total, pieces, gap_at_end):
    output = assemble(chunks, total)

    assert (output.pieces, output.gap_at_end) == (pieces, gap_at_end)


@pytest.mark.parametrize(
    ("body", "most", "kept", "cut"),
    [
        (b"abc", 3, b"abc", 0),
        (b"abcd", 3, b"abc", 1),
        ("aé".encode(), 2, b"a", 2),
        ("aé".encode(), 3, "aé".encode(), 0),
        ("a😀".encode(), 4, b"a", 4),
        (b"\xff\xff\xff\xff", 3, b"\xff\xff", 2),
    ],
)
def test_the_view_is_cut_at_the_end_and_splits_no_character(body, most, kept, cut):
    assert view(body, most) == (kept, cut)


def test_a_view_has_24_kb():
    assert view(b"x" * 24_577) == (b"x" * 24_576, 1)


@given(st.text(), st.integers(min_value=4, max_value=40))
def test_a_view_of_text_is_text(text, most):
    kept, cut = view(text.encode(), most)

    assert text.startswith(kept.decode())
    assert len(kept) + cut == len(text.encode())


def test_the_digest_knows_exit_code_bytes_and_gaps():
    answers = {
        digest(0, [(0, b"ab")]),
        digest(0, [(0, b"a"), (1, b"b")]),
        digest(1, [(0, b"ab")]),
        digest(0, [(0, b"a"), (2, b"b")]),
        digest(0, []),
    }

    assert len(answers) == 4
