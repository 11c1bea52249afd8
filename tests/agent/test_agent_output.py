import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.output import Output


@pytest.fixture
def spill(tmp_path):
    return tmp_path / "output"


def as_the_server_sees_it(output, written, chunk_bytes):
    """Chunks until there are none, then the remainder: (bytes, offset of the remainder)."""
    received = b""
    while (piece := output.chunk(chunk_bytes)).body:
        assert piece.offset == len(received)
        received += piece.body
        output.acknowledge(len(received))
    return received, output.remainder()


@pytest.mark.parametrize(
    ("written", "quota", "head", "tail", "dropped"),
    [
        (b"", 8, b"", b"", 0),
        (b"abc", 8, b"abc", b"", 0),
        (b"abcd", 8, b"abcd", b"", 0),
        (b"abcdef", 8, b"abcd", b"ef", 0),
        (b"abcdefgh", 8, b"abcd", b"efgh", 0),
        (b"abcdefghi", 8, b"abcd", b"fghi", 1),
        (b"abcdefghijklmnop", 8, b"abcd", b"mnop", 8),
        (b"abcdefghijklm", 8, b"abcd", b"jklm", 5),
        (b"abcdef", 5, b"ab", b"def", 1),
    ],
)
def test_the_first_and_the_newest_half_are_kept(spill, written, quota, head, tail, dropped):
    output = Output(spill, quota)
    output.add(written)

    received, remainder = as_the_server_sees_it(output, written, 3)

    assert (received, remainder.body, output.dropped) == (head, tail, dropped)
    assert remainder.offset == len(head) + dropped


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(2, 60), st.integers(1, 50))
def test_what_arrives_and_what_is_dropped_make_the_whole(pieces, quota, chunk_bytes):
    written = b"".join(pieces)
    with tempfile.TemporaryDirectory() as directory:
        output = Output(Path(directory) / "output", quota)
        for piece in pieces:
            output.add(piece)

        received, (offset, tail) = as_the_server_sees_it(output, written, chunk_bytes)
        output.close()

    assert written.startswith(received)
    assert written[offset:] == tail
    assert len(received) + output.dropped + len(tail) == len(written)
    assert len(received) + len(tail) == min(len(written), quota)


def test_what_was_not_sent_in_chunks_is_in_the_remainder(spill):
    output = Output(spill, 100)
    output.add(b"0123456789")
    output.acknowledge(4)

    assert output.remainder() == (4, b"456789")


def test_only_the_first_news_after_a_pause_rings(spill):
    output = Output(spill, 100)

    rings = [output.add(b"a"), output.add(b"b")]
    output.acknowledge(2)
    rings.append(output.add(b"c"))

    assert rings == [True, False, True]


def test_output_past_the_first_half_rings_nobody(spill):
    output = Output(spill, 4)
    output.add(b"ab")
    output.acknowledge(2)

    assert not output.add(b"cd")


def test_an_earlier_process_leaves_its_first_half(spill):
    before = Output(spill, 8)
    before.add(b"abcdefgh")
    before.acknowledge(3)
    before.close()

    after = Output.reopen(spill, 8)

    assert after.chunk(100) == (3, b"d")


def test_a_disk_that_takes_nothing_costs_no_output(tmp_path):
    output = Output(tmp_path / "no such directory" / "output", 8)
    output.add(b"abcdefghij")

    assert (output.chunk(10), output.remainder()) == ((0, b"abcd"), (6, b"ghij"))
