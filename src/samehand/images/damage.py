"""Damage inside compressed data that decoders ignore in silence.

A disk or a download that failed leaves zeros where a picture was. libjpeg only warns of that, to
nobody, and paints stripes; what can be seen in the bytes themselves is looked for here.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from samehand.images import tiff
from samehand.images.colour import png_chunks

_HOLE = bytes(64)
"""A run of this many zeros is not image data, unless zero bits mean "as before" there."""

_LARGE_HOLE = bytes(1024)
"""The same where single zeros have a meaning, as the empty packets of JPEG 2000 have."""

_ENDS_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]|\xff{16}")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_MAY_FOLLOW_SCAN = {0xC4, 0xCC, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_JPEG_LS = 0xF7
_DEFLATE = (8, 32946)


@dataclass(frozen=True, slots=True)
class Frame:
    """What the header of a JPEG states.

    Attributes:
        kind: The marker of the frame: 0xC0 baseline, 0xC2 progressive, 0xC3 lossless, 0xF7 JPEG-LS.
        bits: Of each sample.
        size: Width and height in pixels.
    """

    kind: int
    bits: int
    size: tuple[int, int]

    @property
    def ordinary(self) -> bool:
        """Whether it is of the kinds that every JPEG decoder knows."""
        return self.bits == 8 and self.kind in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)


@dataclass(slots=True)
class _Tables:
    """First symbols of the Huffman tables: what a row of zero bits means."""

    first: dict[int, int] = field(default_factory=dict)
    restart: int = 0

    def define(self, body: bytes) -> None:
        at = 0
        while at + 17 <= len(body):
            count = sum(body[at + 1 : at + 17])
            if at + 17 < len(body):
                self.first[body[at]] = body[at + 17]
            at += 17 + count

    def zeros_mean_nothing_new(self, scan: bytes, arithmetic: bool) -> bool:
        """Return whether zero bits may go on for long in a sound scan of a flat area."""
        if arithmetic or len(scan) < 4:
            return True
        components = scan[0]
        start, approximation = scan[1 + 2 * components], scan[3 + 2 * components]
        selectors = scan[2 : 2 + 2 * components : 2]
        if start == 0 and approximation >> 4:
            return True
        meanings = []
        if start == 0:
            meanings += [self.first.get(selector >> 4, 0) == 0 for selector in selectors]
        if start > 0 or scan[2 + 2 * components] > 0:
            for selector in selectors:
                symbol = self.first.get(0x10 | (selector & 15), 0)
                meanings.append(symbol & 15 == 0 and symbol != 0xF0)
        return all(meanings)


def jpeg_frame(data: bytes) -> Frame | None:
    """Return what the frame header of a JPEG states; None where there is none."""
    for marker, start, end in _segments(data):
        if marker in _FRAMES or marker == _JPEG_LS:
            if end - start < 6:
                return None
            height, width = (int.from_bytes(data[start + at : start + at + 2]) for at in (1, 3))
            return Frame(marker, data[start], (width, height))
        if marker == 0xDA:
            return None
    return None


def jpeg_is_damaged(data: bytes, tables: bytes = b"") -> bool:
    """Return whether the scans of a JPEG hold what no encoder writes.

    Args:
        data: The file, or a strip of a TIFF.
        tables: What stands before such strips: `JPEGTables` of TIFF Technical Note 2.
    """
    known, arithmetic = _Tables(), False
    for marker, start, end in _segments(tables):
        if marker == 0xC4:
            known.define(tables[start:end])
    for marker, start, end in _segments(data):
        if marker == 0xC4:
            known.define(data[start:end])
        elif marker == 0xDD:
            known.restart = int.from_bytes(data[start:end])
        elif marker in _FRAMES:
            arithmetic = marker >= 0xC9
        elif marker == 0xDA and _scan_is_damaged(data, start, end, known, arithmetic):
            return True
    return False


def _scan_is_damaged(data: bytes, start: int, end: int, known: _Tables, arithmetic: bool) -> bool:
    after = _ENDS_SCAN.search(data, end)
    stop = after.start() if after else len(data)
    if after and data[stop + 1] not in _MAY_FOLLOW_SCAN:
        return True
    if not known.zeros_mean_nothing_new(data[start:end], arithmetic) and (
        data.find(_HOLE, end, stop) >= 0
    ):
        return True
    return not _restarts_in_order(data, end, stop, known.restart)


def _restarts_in_order(data: bytes, start: int, stop: int, interval: int) -> bool:
    for index, found in enumerate(_RESTART.finditer(data, start, stop)):
        if not interval or found[1][0] != 0xD0 + index % 8:
            return False
    return True


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the marker of each segment of a JPEG, and where its content starts and ends."""
    at = 2 if data[:2] == b"\xff\xd8" else len(data)
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            return
        if marker in (0x01, 0xD8) or 0xD0 <= marker <= 0xD7:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        yield marker, at + 4, end
        if marker == 0xDA:
            after = _ENDS_SCAN.search(data, end)
            if after is None:
                return
            end = after.start()
        at = end


def png_is_damaged(data: bytes) -> bool:
    """Return whether a checksum of a chunk that holds pixels is wrong."""
    view = memoryview(data)
    for kind, start, end in png_chunks(data):
        if kind not in (b"IHDR", b"PLTE", b"IDAT") or end + 4 > len(data):
            continue
        if zlib.crc32(view[start - 4 : end]) != int.from_bytes(data[end : end + 4]):
            return True
    return False


def webp_is_damaged(data: bytes) -> bool:
    """Return whether the pixels of a WebP have a hole of zeros."""
    at = 12
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] in (b"VP8 ", b"VP8L") and data.find(bytes(256), at + 8, end) >= 0:
            return True
        at = end + end % 2
    return False


def jpeg2000_is_damaged(data: bytes) -> bool:
    """Return whether the codestream is cut short or has a hole of zeros.

    Its decoder leaves missing tiles black without a word; an end marker rules them out.
    """
    start = data.find(b"\xff\x93")
    end = data.rfind(b"\xff\xd9")
    return start < 0 or end < start or data.find(_LARGE_HOLE, start, end) >= 0


def tiff_is_damaged(data: bytes, page: tiff.Page) -> bool:
    """Return whether strips lie outside the file, were never written, or have holes."""
    compression = page.number(tiff.COMPRESSION, 1)
    tables = b""
    if 347 in page.tags:
        tables = bytes(int(value) for value in page.tags[347])
    for start, length in tiff.segments(page):
        end = start + length
        if start == 0 or length == 0 or end > len(data):
            return True
        if compression in (5, *_DEFLATE) and data.find(_HOLE, start, end) >= 0:
            # What was stored without compression may hold zeros, and its checksum is right.
            if compression == 5 or not _inflates(data[start:end]):
                return True
        if compression == tiff.JPEG and jpeg_is_damaged(data[start:end], tables):
            return True
    return False


def _inflates(strip: bytes) -> bool:
    """Return whether a deflated strip agrees with its checksum, which libtiff never looks at."""
    stream = zlib.decompressobj()
    try:
        while strip:
            stream.decompress(strip, 2**20)
            strip = stream.unconsumed_tail
    except zlib.error:
        return False
    return stream.eof


def has_black_hole(data: bytes, start: int, row_bytes: int) -> bool:
    """Return whether uncompressed pixels hold whole rows of zeros, and 4 KiB of them at least."""
    hole = bytes(max(4096, 2 * row_bytes))
    return len(hole) < (len(data) - start) and data.find(hole, start) >= 0
