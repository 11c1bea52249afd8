"""Machine output: bytes in pieces on one side, text with marked gaps on the other."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.invocations import limits


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of output as text, and the bytes that are missing in front of it."""

    gap: int
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """What a command wrote: pieces in order, and what is missing at the end."""

    pieces: tuple[Piece, ...]
    gap_at_end: int = 0

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def is_empty(self) -> bool:
        return not self.pieces and not self.gap_at_end


def assemble(chunks: Iterable[tuple[int, bytes]], total: int) -> Output:
    """The output of `total` bytes from its stored (offset, body) pieces, in order of offset.

    A character may be split between two pieces: what follows directly is joined before it is decoded.
    """
    stretches: list[tuple[int, bytearray]] = []
    end = 0
    for offset, body in chunks:
        if offset > end or not stretches:
            stretches.append((max(0, offset - end), bytearray()))
        stretches[-1][1].extend(body)
        end = offset + len(body)
    pieces = tuple(Piece(gap, decoded(bytes(body))) for gap, body in stretches)
    return Output(pieces, max(0, total - end))


def decoded(body: bytes) -> str:
    # NUL cannot be shown, and PostgreSQL cannot hold it in text.
    return body.decode(errors="replace").replace("\x00", "\N{SYMBOL FOR NULL}")


def view(body: bytes, most: int = limits.OUTPUT_VIEW_BYTES) -> tuple[bytes, int]:
    """The API's view: the first `most` bytes, no character split, and how many were cut (CA-157)."""
    if len(body) <= most:
        return body, 0
    kept = body[:most]
    # Step back over the beginning of a character whose rest was cut off.
    for back in range(1, 4):
        lead = kept[-back]
        if lead < 0x80:
            break
        if lead >= 0xC0:
            width = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            kept = kept[:-back] if width > back else kept
            break
    return kept, len(body) - len(kept)


def view_of(pieces: Iterable[tuple[int, bytes]], total: int) -> tuple[bytes, int]:
    """The same of stored (offset, body) pieces of an output of `total` bytes; holes are cut, too."""
    kept, _cut = view(b"".join(body for _offset, body in pieces))
    return kept, max(0, total - len(kept))


def digest(exit_code: int | None, chunks: Iterable[tuple[int, bytes]]) -> str:
    """The same for two runs that ended with the same exit code and wrote the same bytes."""
    state = hashlib.blake2b(f"{exit_code}:".encode(), digest_size=16)
    end = 0
    for offset, body in chunks:
        if offset != end:
            state.update(f"<gap {offset - end}>".encode())
        state.update(body)
        end = offset + len(body)
    return state.hexdigest()
