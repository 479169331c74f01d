"""The pixels of a PNG (8 bits for each of red, green, blue and perhaps alpha), by the specification's filters.

Specification: W3C, "Portable Network Graphics (PNG) Specification", sections 9 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

Pixel = tuple[int, ...]


def pixels(png: bytes) -> list[list[Pixel]]:
    """Return the rows of pixels."""
    chunks = dict[bytes, bytes]()
    for name, content in _chunks(png):
        chunks[name] = chunks.get(name, b"") + content
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert depth == 8, depth
    channels = {2: 3, 6: 4}[kind]
    rows = _unfiltered(zlib.decompress(chunks[b"IDAT"]), width * channels, channels)
    found = [[tuple(row[i : i + channels]) for i in range(0, len(row), channels)] for row in rows]
    assert len(found) == height
    return found


def colours(rows: list[list[Pixel]]) -> set[Pixel]:
    """Return the different colours of a picture."""
    return {pixel[:3] for row in rows for pixel in row}


def drawn_share(rows: list[list[Pixel]]) -> float:
    """Return the share of pixels that are not of the corner's colour."""
    ground = rows[0][0]
    return sum(pixel != ground for row in rows for pixel in row) / (len(rows) * len(rows[0]))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        yield name, png[at + 8 : at + 8 + length]
        at += 12 + length


def _unfiltered(data: bytes, stride: int, back: int) -> Iterator[bytearray]:
    above = bytearray(stride)
    for start in range(0, len(data), stride + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + stride])
        for i in range(stride):
            left = row[i - back] if i >= back else 0
            corner = above[i - back] if i >= back else 0
            row[i] = (row[i] + _predicted(kind, left, above[i], corner)) & 255
        yield row
        above = row


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    guess = left + up - corner
    return min((left, up, corner), key=lambda near: abs(guess - near))
