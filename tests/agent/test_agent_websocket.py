import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from agent import websocket
from agent.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Decoder, Message, ProtocolError

MASK = b"\x01\x02\x03\x04"


def frame(opcode, payload, *, is_last=True):
    """A frame as servers send it: not masked."""
    first = (0x80 if is_last else 0) | opcode
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return struct.pack(">BBH", first, 126, size) + payload
    return struct.pack(">BBQ", first, 127, size) + payload


def read_with_the_websockets_package(content):
    reader = StreamReader()
    reader.feed_data(content)
    reading = Frame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as done:
        next(reading)
    return done.value.value


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
@pytest.mark.parametrize("opcode", [TEXT, PING])
def test_an_encoded_frame_is_understood_by_an_independent_library(opcode, size):
    if opcode == PING:
        size = min(size, 125)

    parsed = read_with_the_websockets_package(websocket.encode(opcode, b"x" * size, MASK))

    assert (parsed.opcode, parsed.data, parsed.fin) == (Opcode(opcode), b"x" * size, True)


@pytest.mark.parametrize(
    ("received", "messages"),
    [
        (frame(TEXT, b"kick_vm"), [Message(TEXT, b"kick_vm")]),
        (frame(BINARY, b""), [Message(BINARY, b"")]),
        (frame(TEXT, b"a") + frame(PING, b"b"), [Message(TEXT, b"a"), Message(PING, b"b")]),
        (frame(TEXT, b"a", is_last=False) + frame(CONTINUATION, b"b"), [Message(TEXT, b"ab")]),
        (
            frame(TEXT, b"a", is_last=False) + frame(PONG, b"p") + frame(CONTINUATION, b"b"),
            [Message(PONG, b"p"), Message(TEXT, b"ab")],
        ),
        (frame(CLOSE, b"\x03\xe8"), [Message(CLOSE, b"\x03\xe8")]),
        (frame(TEXT, b"x" * 126), [Message(TEXT, b"x" * 126)]),
        (frame(TEXT, b"x" * 70000), [Message(TEXT, b"x" * 70000)]),
        (frame(TEXT, b"abc")[:-1], []),
    ],
)
def test_received_bytes_become_messages(received, messages):
    assert Decoder().feed(received) == messages


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"\xc1\x00", id="extension bit"),
        pytest.param(b"\x81\x80" + MASK, id="masked"),
        pytest.param(frame(CONTINUATION, b"a"), id="continuation of nothing"),
        pytest.param(frame(TEXT, b"a", is_last=False) + frame(TEXT, b"b"), id="new message inside another"),
        pytest.param(frame(PING, b"a", is_last=False), id="fragmented control frame"),
        pytest.param(frame(PING, b"a" * 126), id="long control frame"),
        pytest.param(frame(0x3, b""), id="reserved opcode"),
        pytest.param(struct.pack(">BBQ", 0x81, 127, 2**40), id="too large"),
    ],
)
def test_what_breaks_the_protocol_is_refused(received):
    with pytest.raises(ProtocolError):
        Decoder().feed(received)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 40))
def test_it_does_not_matter_how_the_bytes_are_cut(payloads, step):
    stream = b"".join(frame(BINARY, payload) for payload in payloads)
    decoder = Decoder()

    pieces = [stream[start : start + step] for start in range(0, len(stream), step)]
    messages = [message for piece in pieces for message in decoder.feed(piece)]

    assert messages == [Message(BINARY, payload) for payload in payloads]


def test_the_accept_value_is_that_of_the_standard():
    assert websocket.accept_value(b"dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
