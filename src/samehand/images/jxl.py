"""The header of a JPEG XL codestream (ISO/IEC 18181-1, annexes D and E).

libjxl, as imagecodecs calls it, hands over pixels in the colours that the file names, without
saying which those are; nor does it say how large a picture is before it decodes it.
"""

from dataclasses import dataclass

from samehand.images.boxes import codestream_of
from samehand.images.colour import SRGB, Chromaticities, Encoding

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_P3: Chromaticities = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
_BT2020: Chromaticities = (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)


@dataclass(frozen=True, slots=True)
class JxlHeader:
    """What a JPEG XL file states.

    Attributes:
        size: Width and height in pixels, as stored.
        encoding: What its numbers mean; None for sRGB.
        unknown_colours: Whether they are given by something that is not read here.
    """

    size: tuple[int, int]
    encoding: Encoding | None
    unknown_colours: bool


class _Bits:
    """Bits of a codestream, least significant first."""

    def __init__(self, data: bytes) -> None:
        self._data = data[:4096]
        self._at = 0

    def take(self, count: int) -> int:
        value = 0
        for place in range(count):
            byte = self._data[self._at >> 3]
            value |= (byte >> (self._at & 7) & 1) << place
            self._at += 1
        return value

    def number(self, *choices: tuple[int, int]) -> int:
        """U32: two bits choose among (offset, bits)."""
        offset, bits = choices[self.take(2)]
        return offset + self.take(bits)

    def choice(self) -> int:
        """Enum: 0, 1, 2 to 17 or 18 to 81."""
        return self.number((0, 0), (1, 0), (2, 4), (18, 6))


def jxl_header(data: bytes) -> JxlHeader | None:
    """Return what the header of a file states; None where it cannot be read."""
    stream = codestream_of(data)
    if stream is None or stream[:2] != b"\xff\x0a":
        return None
    bits = _Bits(stream[2:])
    try:
        size = _size(bits)
        if bits.take(1):
            return JxlHeader(size, None, False)
        if bits.take(1):
            _skip_extra_fields(bits)
        return JxlHeader(size, *_colours(bits))
    except (IndexError, KeyError, NotImplementedError):
        return None if len(stream) < 16 else JxlHeader(_size(_Bits(stream[2:])), None, True)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    choices = ((1, 9), (1, 13), (1, 18), (1, 30))
    height = 8 * (bits.take(5) + 1) if small else bits.number(*choices)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return height * across // down, height
    return (8 * (bits.take(5) + 1) if small else bits.number(*choices)), height


def _skip_extra_fields(bits: _Bits) -> None:
    bits.take(3)  # The orientation, which libjxl applies.
    if bits.take(1):  # An intrinsic size.
        _size(bits)
    if bits.take(1):  # A preview.
        raise NotImplementedError
    if bits.take(1):  # An animation.
        bits.number((100, 0), (1000, 0), (1, 10), (1, 30))
        bits.number((1, 0), (1001, 0), (1, 8), (1, 10))
        bits.number((0, 0), (0, 3), (0, 16), (0, 32))
        bits.take(1)


def _colours(bits: _Bits) -> tuple[Encoding | None, bool]:
    _skip_depth(bits)
    bits.take(1)  # Whether 16-bit buffers suffice.
    for _ in range(bits.number((0, 0), (1, 0), (2, 4), (1, 12))):
        if not bits.take(1):
            _skip_channel(bits)
    bits.take(1)  # XYB.
    if bits.take(1):
        return None, False
    if bits.take(1):  # An ICC profile.
        return None, True
    space = bits.choice()
    if space > 1:
        return None, True
    white = bits.choice()
    primaries = bits.choice() if space == 0 and white == 1 else 1
    if white != 1 or primaries == 2:
        return None, True
    if bits.take(1):
        # Written as the exponent of encoding, in units of 1e-7.
        exponent = bits.take(24)
        curve = 1e7 / exponent if exponent else 0.0
    else:
        transfer = bits.choice()
        curve = {8: 1.0, 16: -16.0, 17: 2.6, 18: -18.0}.get(transfer, 0.0)
    found = Encoding({1: SRGB, 9: _BT2020, 11: _P3}.get(primaries, SRGB), curve)
    return (None if found == Encoding() else found), False


def _skip_depth(bits: _Bits) -> None:
    if bits.take(1):
        bits.number((32, 0), (16, 0), (24, 0), (1, 6))
        bits.take(4)
    else:
        bits.number((8, 0), (10, 0), (12, 0), (1, 6))


def _skip_channel(bits: _Bits) -> None:
    kind = bits.choice()
    _skip_depth(bits)
    bits.number((0, 0), (3, 0), (4, 0), (1, 3))
    length = bits.number((0, 0), (0, 4), (16, 5), (48, 10))
    bits.take(8 * length)
    if kind == 0:
        bits.take(1)
    elif kind == 2:
        bits.take(64)
    elif kind == 5:
        bits.number((1, 0), (0, 2), (3, 4), (19, 8))
