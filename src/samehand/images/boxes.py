"""The boxes of HEIC, AVIF and JPEG 2000 files (ISO/IEC 14496-12, 23008-12, 15444-1).

Pillow reads the pixels of these files and drops some of what says how their numbers are meant.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MOST_BOXES = 10_000


@dataclass(frozen=True, slots=True)
class BoxColour:
    """What the boxes of a file say of its colours.

    Attributes:
        profile: An ICC profile.
        codes: Colour primaries and transfer characteristics, numbered as in ITU-T H.273.
        space: The number of a colour space, as JPEG 2000 enumerates them.
    """

    profile: bytes | None = None
    codes: tuple[int, int] | None = None
    space: int | None = None


def brands(data: bytes) -> set[bytes]:
    """Return the brands that an ISO media file claims, or none."""
    if data[4:8] != b"ftyp":
        return set()
    length = min(max(int.from_bytes(data[:4], "big"), 16), 4096)
    body = data[8:length]
    return {body[:4], *(body[at : at + 4] for at in range(8, len(body) - 3, 4))}


def box_colour(data: bytes) -> BoxColour:
    """Return the colours of the primary picture; an unreadable structure says nothing of them."""
    try:
        if data[4:8] == b"ftyp":
            return _of_primary_item(data)
        return _of_jpeg2000(data)
    except (struct.error, IndexError, ValueError):
        return BoxColour()


def _children(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box, and where its content starts and ends."""
    for _ in range(_MOST_BOXES):
        if start + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        elif length == 0:
            length = end - start
        if length < head or start + length > end:
            return
        yield kind, start + head, start + length
        start += length


def _find(data: bytes, start: int, end: int, wanted: bytes) -> tuple[int, int] | None:
    for kind, first, last in _children(data, start, end):
        if kind == wanted:
            return first, last
    return None


def _of_jpeg2000(data: bytes) -> BoxColour:
    if data[4:8] != b"jP  ":
        return BoxColour()
    header = _find(data, 0, len(data), b"jp2h")
    found = BoxColour()
    for kind, first, last in _children(data, *header) if header else ():
        if kind != b"colr":
            continue
        method = data[first]
        if method in (2, 3):
            return BoxColour(profile=bytes(data[first + 3 : last]))
        if method == 1 and found.space is None:
            found = BoxColour(space=int.from_bytes(data[first + 3 : first + 7], "big"))
    return found


def _of_primary_item(data: bytes) -> BoxColour:
    meta = _find(data, 0, len(data), b"meta")
    if meta is None:
        return BoxColour()
    start, end = meta[0] + 4, meta[1]
    primary = _find(data, start, end, b"pitm")
    properties = _find(data, start, end, b"iprp")
    if primary is None or properties is None:
        return BoxColour()
    wide = data[primary[0]] > 0
    item = int.from_bytes(data[primary[0] + 4 : primary[0] + (8 if wide else 6)], "big")
    pool = _find(data, *properties, b"ipco")
    links = _find(data, *properties, b"ipma")
    if pool is None or links is None:
        return BoxColour()
    listed = list(_children(data, *pool))
    profile, codes = None, None
    for index in _linked(data, links[0], item):
        if not 0 < index <= len(listed) or listed[index - 1][0] != b"colr":
            continue
        _, first, last = listed[index - 1]
        kind = data[first : first + 4]
        if kind in (b"prof", b"rICC"):
            profile = bytes(data[first + 4 : last])
        elif kind == b"nclx":
            codes = struct.unpack_from(">HH", data, first + 4)
    return BoxColour(profile=profile, codes=codes)


def _linked(data: bytes, start: int, item: int) -> list[int]:
    """Return the numbers of the properties of an item, from an item property association box."""
    version, flags = data[start], data[start + 3]
    (entries,) = struct.unpack_from(">I", data, start + 4)
    at = start + 8
    for _ in range(min(entries, _MOST_BOXES)):
        size = 2 if version < 1 else 4
        found = int.from_bytes(data[at : at + size], "big")
        at += size
        count = data[at]
        at += 1
        width = 2 if flags & 1 else 1
        numbers = [
            int.from_bytes(data[at + n * width : at + (n + 1) * width], "big")
            & (0x7FFF if width == 2 else 0x7F)
            for n in range(count)
        ]
        at += count * width
        if found == item:
            return numbers
    return []


def codestream_of(data: bytes) -> bytes | None:
    """Return the beginning of the codestream of a JPEG XL file, in boxes or bare."""
    if data[:2] == b"\xff\x0a":
        return bytes(data[:4096])
    for kind, first, last in _children(data, 0, len(data)):
        if kind in (b"jxlc", b"jxlp"):
            start = first + (4 if kind == b"jxlp" else 0)
            return bytes(data[start : min(last, start + 4096)])
    return None


def jpeg2000_depth(data: bytes) -> tuple[int, int]:
    """Return the bits of the deepest component of a JPEG 2000, and how many components it has."""
    at = data.find(b"\xff\x4f\xff\x51")
    if at < 0 or len(data) < at + 42:
        return 0, 0
    count = int.from_bytes(data[at + 40 : at + 42])
    depths = data[at + 42 : at + 42 + 3 * count : 3]
    return max(((depth & 0x7F) + 1 for depth in depths), default=0), count


def jpeg2000_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG 2000 in pixels."""
    right, down, left, top = struct.unpack_from(">4I", data, data.find(b"\xff\x4f\xff\x51") + 8)
    return right - left, down - top
