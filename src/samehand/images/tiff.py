"""The pictures of a TIFF file (TIFF 6.0, BigTIFF, sub-IFDs): which one is the painting?

Pillow opens the first picture and trusts its tags. Scanners and cameras put a thumbnail there, and
write layouts that Pillow reads wrongly or not at all, so the tags are read here before.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from samehand.errors import ImageError

# What each type of TIFF 6.0, section 2, and of BigTIFF holds.
_TYPES = {
    **{1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d"},
    **{13: "I", 16: "Q", 17: "q", 18: "Q"},
}
_MOST_PICTURES = 2000
_MOST_VALUES = 4_000_000

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
ORIENTATION, SAMPLES, PLANAR, PREDICTOR, SUB_IFDS, INK_SET = 274, 277, 284, 317, 330, 332
EXTRA, FORMAT, SUBSAMPLING, REFERENCE, DNG, PROFILE = 338, 339, 530, 532, 50706, 34675
_WANTED = {
    *(SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, SAMPLES, PLANAR),
    *(PREDICTOR, SUB_IFDS, INK_SET, EXTRA, FORMAT, SUBSAMPLING, DNG, 273, 279, 324, 325, 347),
}

_SENSOR_DATA = (32803, 34892)
# WebP (50001) is not among them: the libtiff of Pillow's wheels is built without it.
_PILLOW_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925, 50000}
JPEG = 7


@dataclass(frozen=True, slots=True)
class Page:
    """One picture of a TIFF file.

    Attributes:
        offset: Where its directory stands in the file.
        tags: Its tags with numbers for values; those that say nothing of pixels are left out.
    """

    offset: int
    tags: dict[int, tuple[float, ...]]

    def number(self, tag: int, default: int = 0) -> int:
        """Return the first value of a tag."""
        values = self.tags.get(tag)
        return int(values[0]) if values else default

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as they are stored, in pixels."""
        return self.number(WIDTH), self.number(HEIGHT)

    @property
    def bits(self) -> tuple[int, ...]:
        """Bits of each sample."""
        found = tuple(int(value) for value in self.tags.get(BITS, (1,)))
        samples = self.number(SAMPLES, 1)
        return found * samples if len(found) == 1 else found

    @property
    def sample_format(self) -> int:
        """1 unsigned, 2 signed, 3 floating point, 5 and 6 complex; 4 says nothing."""
        found = self.number(FORMAT, 1)
        return 1 if found == 4 else found

    @property
    def is_picture(self) -> bool:
        """Whether it has pixels, and is not the mask of another picture."""
        return min(self.size) > 0 and not self.number(SUBFILE) & 4


def pages_of(data: bytes) -> list[Page]:
    """Return the pictures of a TIFF file in the order of its directories, sub-IFDs behind theirs.

    Directories that lie outside the file end the list; Pillow then says what is missing.
    """
    try:
        order, wide, first = _header(data)
    except (struct.error, ValueError):
        return []
    found: list[Page] = []
    seen: set[int] = set()
    for offset in _chain(data, order, wide, first, seen):
        page = _page(data, order, wide, offset)
        found.append(page)
        for sub in page.tags.get(SUB_IFDS, ())[:100]:
            found += [
                _page(data, order, wide, at) for at in _chain(data, order, wide, int(sub), seen)
            ]
    return found


def the_painting(pages: Sequence[Page], name: str, notes: list[str]) -> Page | None:
    """Return the picture that a reader means, and note where there were others.

    It is the first, unless that one is marked as reduced, or another is more than twice as large.

    Args:
        pages: All pictures of the file.
        name: What error sentences call the file.
        notes: Gets a clause where there was a choice.

    Raises:
        ImageError: The file holds a camera's sensor data.
    """
    pictures = [page for page in pages if page.is_picture]
    if any(page.number(PHOTOMETRIC) in _SENSOR_DATA for page in pages):
        raise ImageError(
            f"{name} is a camera raw file; develop it and export the painting as TIFF or JPEG"
        )
    if not pictures:
        return None
    whole = [page for page in pictures if not page.number(SUBFILE) & 1] or pictures
    chosen = whole[0]
    for page in whole[1:]:
        if _area(page) > 2 * _area(chosen):
            chosen = page
    reduced = [page for page in pictures if page is not chosen and _area(page) * 2 < _area(chosen)]
    if len(reduced) < len(pictures) - 1:
        at = pictures.index(chosen)
        which = "the first page" if at == 0 else f"page {at + 1}"
        notes.append(f"only {which} of a document was used")
    elif chosen is not pictures[0]:
        notes.append("the largest of its pictures was used, not the thumbnail before it")
    return chosen


def starting_at(data: bytes, page: Page) -> bytes:
    """Return the file with another picture as its first one."""
    order, wide, first = _header(data)
    if first == page.offset:
        return data
    copy = bytearray(data)
    struct.pack_into(order + ("Q" if wide else "I"), copy, 8 if wide else 4, page.offset)
    return bytes(copy)


def segments(page: Page) -> list[tuple[int, int]]:
    """Return where the strips or tiles of a picture start, and their lengths, in bytes."""
    tiled = 324 in page.tags
    starts, lengths = page.tags.get(324 if tiled else 273), page.tags.get(325 if tiled else 279)
    if not starts or not lengths or len(starts) != len(lengths):
        return []
    return [(int(start), int(size)) for start, size in zip(starts, lengths, strict=True)]


def pillow_reads(page: Page) -> bool:
    """Return whether Pillow reads this layout as it is meant; each was compared with its original.

    Left out are layouts that it refuses, and those that it reads as something else: samples of 16
    bits in planes, signed bytes, chroma at half the resolution outside JPEG.
    """
    bits, kind = set(page.bits), page.number(PHOTOMETRIC)
    samples, sample_format = page.number(SAMPLES, 1), page.sample_format
    compression = page.number(COMPRESSION, 1)
    if compression not in _PILLOW_COMPRESSIONS or len(bits) != 1 or len(page.bits) != samples:
        return False
    planes = page.number(PLANAR, 1) == 2 and samples > 1
    depth = bits.pop()
    if kind == 6:
        whole = page.tags.get(SUBSAMPLING, (2, 2)) == (1, 1) and REFERENCE not in page.tags
        return depth == 8 and sample_format == 1 and (compression == JPEG or (whole and not planes))
    if kind == 5 and page.number(INK_SET, 1) != 1:
        return False
    if kind in (0, 1) and samples == 1:
        return (depth, sample_format) in {
            *((1, 1), (2, 1), (4, 1), (8, 1), (16, 1), (32, 1), (32, 3), (16, 2), (32, 2))
        } and not (kind == 0 and depth in (16, 32) and sample_format != 1)
    if sample_format != 1:
        return False
    if kind == 3:
        return samples == 1 and depth in (1, 2, 4, 8)
    if kind == 2 and samples in (3, 4):
        return depth == 8 or (depth == 16 and not planes)
    if kind in (1, 2, 5) and depth == 8:
        return samples <= 6 and (not planes or samples == (4 if kind == 5 else 3))
    return kind == 5 and depth == 16 and samples == 4 and not planes


def layout(page: Page) -> str:
    """Return in words how the samples of a picture are stored."""
    kind = {1: "integer", 2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}
    colours = {
        **{0: "grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "ink", 6: "YCbCr"},
        **{8: "Lab", 9: "Lab", 10: "Lab", 32844: "LogL", 32845: "LogLuv"},
    }
    words = [
        f"{max(page.bits)}-bit",
        kind.get(page.sample_format, "unknown"),
        colours.get(page.number(PHOTOMETRIC), "unknown"),
        "samples",
    ]
    if page.number(PLANAR, 1) == 2 and page.number(SAMPLES, 1) > 1:
        words.append("in planes")
    if page.number(COMPRESSION, 1) not in _PILLOW_COMPRESSIONS:
        words.append(f"under compression {page.number(COMPRESSION)}")
    return " ".join(words)


def _area(page: Page) -> int:
    return page.size[0] * page.size[1]


def _header(data: bytes) -> tuple[str, bool, int]:
    order = {b"II": "<", b"MM": ">"}[bytes(data[:2])] if data[:2] in (b"II", b"MM") else ""
    if not order:
        raise ValueError("no TIFF")
    (magic,) = struct.unpack_from(order + "H", data, 2)
    wide = magic == 43
    (first,) = struct.unpack_from(order + ("Q" if wide else "I"), data, 8 if wide else 4)
    return order, wide, first


def _chain(data: bytes, order: str, wide: bool, offset: int, seen: set[int]) -> Iterator[int]:
    """Yield where the directories of one chain stand, each once in the whole file."""
    while offset and offset not in seen and len(seen) < _MOST_PICTURES:
        try:
            (count,) = struct.unpack_from(order + ("Q" if wide else "H"), data, offset)
        except struct.error:
            return
        seen.add(offset)
        yield offset
        after = offset + (8 + 20 * count if wide else 2 + 12 * count)
        try:
            (offset,) = struct.unpack_from(order + ("Q" if wide else "I"), data, after)
        except (struct.error, OverflowError):
            return


def _page(data: bytes, order: str, wide: bool, offset: int) -> Page:
    (count,) = struct.unpack_from(order + ("Q" if wide else "H"), data, offset)
    size, inline, start = (20, 8, offset + 8) if wide else (12, 4, offset + 2)
    tags: dict[int, tuple[float, ...]] = {}
    for at in range(start, min(start + size * count, len(data) - size + 1), size):
        tag, kind, values = struct.unpack_from(order + ("HHQ" if wide else "HHI"), data, at)
        if tag == REFERENCE:
            tags[tag] = ()
        code = _TYPES.get(kind)
        if tag not in _WANTED or code is None or code == "s" or values > _MOST_VALUES:
            continue
        place = at + size - inline
        if struct.calcsize(f"={values}{code}") > inline:
            (place,) = struct.unpack_from(order + ("Q" if wide else "I"), data, place)
        try:
            tags[tag] = struct.unpack_from(f"{order}{values}{code}", data, place)
        except (struct.error, OverflowError):
            continue
    return Page(offset, tags)
