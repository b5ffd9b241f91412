"""Files packed for `decoding_variants.py`, and colours converted by formulas of their own."""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import tifffile
from PIL import Image

PRIMARIES = {
    "srgb": ((0.3127, 0.3290), (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    "p3": ((0.3127, 0.3290), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "adobe": ((0.3127, 0.3290), (0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
    "bt2020": ((0.3127, 0.3290), (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "prophoto": ((0.3457, 0.3585), (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)),
}
_TO_D50 = np.asarray(
    [
        [1.0478112, 0.0228866, -0.0501270],
        [0.0295424, 0.9904844, -0.0170491],
        [-0.0092345, 0.0150436, 0.7521316],
    ]
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One file.

    Attributes:
        name: What it is.
        data: Its bytes.
        want: "same", "grey" or "lossy" (compared with the original), "refuse" (a sentence that says
            what it is), or "damage" (a sentence that calls it damaged).
    """

    name: str
    data: bytes
    want: str = "same"


def saved(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def tif(samples: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    options = {"photometric": "rgb" if samples.ndim == 3 else "minisblack", **options}
    tifffile.imwrite(stream, samples, metadata=None, **options)
    return stream.getvalue()


def raw_tiff(width, height, bits, photometric, strips, samples, extra=(), order="<", planar=1):
    """A TIFF of one uncompressed strip, or one a plane, packed by hand."""
    tags = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [bits] * samples),
        (259, 3, [1]),
        (262, 3, [photometric]),
        (277, 3, [samples]),
        (278, 4, [height]),
        (279, 4, [len(strip) for strip in strips]),
        (284, 3, [planar]),
        *extra,
    ]
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    places, blob = [], b""
    for strip in strips:
        places.append(start + len(blob))
        blob += strip + b"\0" * (len(strip) % 2)
    tags.append((273, 4, places))
    entries, more = b"", b""
    for tag, kind, values in sorted(tags):
        packed = struct.pack(order + ("H" if kind == 3 else "I") * len(values), *values)
        entries += struct.pack(order + "HHI", tag, kind, len(values))
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "I", start + len(blob) + len(more))
            more += packed + b"\0" * (len(packed) % 2)
    head = b"II*\0" if order == "<" else b"MM\0*"
    head += struct.pack(order + "IH", 8, len(tags)) + entries + struct.pack(order + "I", 0)
    return head + blob + more


def packed_bits(samples: np.ndarray, bits: int) -> bytes:
    """Samples of `bits` bits, most significant first, each row padded to whole bytes."""
    rows = samples.reshape(len(samples), -1).astype(np.uint32)
    places = np.arange(bits - 1, -1, -1, dtype=np.uint32)
    flat = (rows[:, :, None] >> places & 1).astype(np.uint8).reshape(len(rows), -1)
    return np.packbits(flat, axis=1).tobytes()


def to_linear(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_srgb_curve(light):
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def xyz_matrix(name: str) -> np.ndarray:
    """From linear RGB to XYZ of D50."""
    white, *rest = PRIMARIES[name]
    columns = np.column_stack([(x / y, 1, (1 - x - y) / y) for x, y in rest])
    x, y = white
    target = np.asarray([x / y, 1, (1 - x - y) / y])
    matrix = columns * np.linalg.solve(columns, target)
    return matrix if name == "prophoto" else _TO_D50 @ matrix


def in_space(rgb: np.ndarray, name: str, gamma: float) -> np.ndarray:
    """The same colours in another space, in [0, 1]."""
    light = to_linear(rgb / 255) @ (np.linalg.inv(xyz_matrix(name)) @ xyz_matrix("srgb")).T
    return np.clip(light, 0, 1) ** (1 / gamma)


def eight(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 255).astype(np.uint8)


def sixteen(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 65535).astype(np.uint16)


def lab_of(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of D50, as floats."""
    ratio = to_linear(rgb / 255) @ xyz_matrix("srgb").T / [0.9642, 1, 0.8249]
    curve = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(curve, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def icc(space: bytes, tags: list[tuple[bytes, bytes]], pcs: bytes = b"XYZ ") -> bytes:
    """A small ICC profile, version 2.1."""
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(
        ">I4sI4s4s4s12s4s",
        0,
        b"none",
        0x02100000,
        kind,
        space,
        pcs,
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0),
        b"acsp",
    )
    head += b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061) + b"\0" * 48
    table, body, at = b"", b"", 128 + 4 + 12 * (len(tags) + 2)
    common = [
        (b"desc", b"desc\0\0\0\0\0\0\0\x05test\0" + b"\0" * 78),
        (b"wtpt", _xyz_tag((0.9642, 1, 0.8249))),
    ]
    for name, value in common + tags:
        value += b"\0" * (-len(value) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(value))
        body += value
    data = head + struct.pack(">I", len(tags) + 2) + table + body
    return struct.pack(">I", len(data)) + data[4:]


def _xyz_tag(values) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _gamma_tag(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(name: str, gamma: float) -> bytes:
    matrix = xyz_matrix(name)
    tags = [(tag, _xyz_tag(matrix[:, at])) for at, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
    return icc(b"RGB ", tags + [(tag, _gamma_tag(gamma)) for tag in (b"rTRC", b"gTRC", b"bTRC")])


def grey_profile(gamma: float) -> bytes:
    return icc(b"GRAY", [(b"kTRC", _gamma_tag(gamma))])


def cmyk_profile() -> bytes:
    """Inks that mix as light would: a table of 9 steps of each to CIE L*a*b*."""
    steps = np.linspace(0, 1, 9)
    c, m, y, k = np.meshgrid(steps, steps, steps, steps, indexing="ij")
    rgb = np.stack([(1 - c) * (1 - k), (1 - m) * (1 - k), (1 - y) * (1 - k)], axis=-1)
    lab = lab_of(rgb.reshape(-1, 3) * 255)
    grid = np.clip(
        np.rint(np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], 1)), 0, 255
    )
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 9, 0])
    table += struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table += ramp * 4 + grid.astype(np.uint8).tobytes() + ramp * 3
    return icc(b"CMYK", [(b"A2B0", table)], pcs=b"Lab ")


def cmyk_of(rgb: np.ndarray) -> np.ndarray:
    light = rgb / 255
    k = 1 - light.max(axis=2, keepdims=True)
    inks = 1 - light / np.maximum(1 - k, 1e-6)
    return eight(np.concatenate([np.clip(inks, 0, 1), k], axis=2))


def png_with(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with more chunks behind its header."""
    extra = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return data[:33] + extra + data[33:]


def bare_png(pixels: np.ndarray) -> bytes:
    return saved(Image.fromarray(pixels), "PNG")


def grey_of(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).convert("L"))


def psd(channels: np.ndarray, mode: int, bits: int = 8) -> bytes:
    """A Photoshop document without layers: the merged picture alone."""
    h, w, count = channels.shape
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, count, h, w, bits, mode)
    return head + b"\0" * 12 + b"\0\0" + np.moveaxis(channels, 2, 0).tobytes()


def jp2_with_profile(image: Image.Image, profile: bytes) -> bytes:
    """A JPEG 2000 whose colour box holds a restricted ICC profile."""
    data = saved(image, "JPEG2000")
    at = data.index(b"colr") - 4
    length = int.from_bytes(data[at : at + 4])
    box = struct.pack(">I4sBBB", 11 + len(profile), b"colr", 2, 0, 0) + profile
    head = data.index(b"jp2h") - 4
    size = int.from_bytes(data[head : head + 4]) + len(box) - length
    return data[:head] + struct.pack(">I", size) + data[head + 4 : at] + box + data[at + length :]


def pages(items, **options) -> bytes:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, **options) as writer:
        for samples, tags in items:
            writer.write(samples, photometric="rgb", metadata=None, **tags)
    return stream.getvalue()
