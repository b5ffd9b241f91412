"""One painting in every layout that scanners, phones, cameras and museum systems write.

    variants(picture)   yields (name, file, what to compare it with)

Needs `samehand[formats]`. Nothing here goes through samehand: colours are converted by formulas of
their own, and headers that no library writes are packed by hand.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

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


def variants(picture: Image.Image) -> Iterator[Variant]:
    """Yield every variant of an RGB picture of some 300 pixels a side."""
    rgb = np.asarray(picture.convert("RGB"))
    for part in (
        _plain,
        _depths,
        _photometrics,
        _containers,
        _colours,
        _orientations,
        _several,
        _metadata,
        _damaged,
        _others,
        _heic,
    ):
        yield from part(picture.convert("RGB"), rgb)


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


def _plain(image, rgb):
    for kind, options, want in (
        ("JPEG", {"quality": 95, "subsampling": 0}, "lossy"),
        ("JPEG", {"quality": 90, "subsampling": 2}, "lossy"),
        ("JPEG", {"quality": 92, "progressive": True}, "lossy"),
        ("JPEG", {"quality": 92, "optimize": True}, "lossy"),
        ("JPEG", {"quality": 92, "restart_marker_rows": 1}, "lossy"),
        ("JPEG", {"quality": 95, "keep_rgb": True}, "lossy"),
        ("PNG", {}, "same"),
        ("WEBP", {"lossless": True}, "same"),
        ("WEBP", {"quality": 92}, "lossy"),
        ("BMP", {}, "same"),
        ("PPM", {}, "same"),
        ("JPEG2000", {}, "same"),
        ("JPEG2000", {"irreversible": True, "quality_layers": [6]}, "lossy"),
        ("JPEG2000", {"no_jp2": True}, "same"),
        ("AVIF", {"quality": 92}, "lossy"),
        ("AVIF", {"quality": 92, "subsampling": "4:4:4"}, "lossy"),
    ):
        words = " ".join(f"{key}={value}" for key, value in options.items())
        yield Variant(f"{kind} {words}".strip(), saved(image, kind, **options), want)
    yield Variant("GIF, 256 colours", saved(image.quantize(256), "GIF"), "lossy")
    yield Variant("PNG, palette", saved(image.quantize(256), "PNG"), "lossy")
    yield Variant("BMP, palette", saved(image.quantize(256), "BMP"), "lossy")
    yield Variant("JPEG, grey", saved(image.convert("L"), "JPEG", quality=95), "grey")
    yield Variant("PNG, grey", saved(image.convert("L"), "PNG"), "grey")
    yield Variant("PGM", saved(image.convert("L"), "PPM"), "grey")
    yield Variant("JPEG 2000, grey", saved(image.convert("L"), "JPEG2000"), "grey")
    yield Variant("GIF, grey", saved(image.convert("L"), "GIF"), "grey")


def _depths(image, rgb):
    grey = grey_of(rgb).astype(np.uint16)
    h, w = grey.shape
    deep = rgb.astype(np.uint16) * 257
    for bits in (10, 12, 14):
        used = (rgb.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
        one = (grey.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
        yield Variant(f"TIFF, {bits} of 16 bits, RGB", tif(used))
        yield Variant(f"TIFF, {bits} of 16 bits, grey", tif(one), "grey")
        yield Variant(f"PNG, {bits} of 16 bits, RGB", imagecodecs.png_encode(used))
        yield Variant(f"PNG, {bits} of 16 bits, grey", imagecodecs.png_encode(one), "grey")
        packed = raw_tiff(w, h, bits, 1, [packed_bits(one, bits)], 1)
        yield Variant(f"TIFF, {bits} bits packed, grey", packed, "grey")
        packed = raw_tiff(w, h, bits, 2, [packed_bits(used, bits)], 3)
        yield Variant(f"TIFF, {bits} bits packed, RGB", packed)
    yield Variant("TIFF, 8 of 16 bits, grey", tif(grey), "grey")
    yield Variant("TIFF, 16-bit RGB", tif(deep))
    yield Variant("TIFF, 16-bit RGB, big-endian", tif(deep, byteorder=">"))
    yield Variant("TIFF, 16-bit RGB, planes", tif(np.moveaxis(deep, 2, 0), planarconfig="separate"))
    yield Variant("TIFF, 8-bit RGB, planes", tif(np.moveaxis(rgb, 2, 0), planarconfig="separate"))
    yield Variant(
        "TIFF, 8-bit RGB, planes, LZW",
        tif(np.moveaxis(rgb, 2, 0), planarconfig="separate", compression="lzw"),
    )
    yield Variant(
        "TIFF, 16-bit RGB, planes, LZW, predictor",
        tif(np.moveaxis(deep, 2, 0), planarconfig="separate", compression="lzw", predictor=True),
    )
    yield Variant("TIFF, 32-bit RGB", tif(rgb.astype(np.uint32) * 16843009))
    yield Variant("TIFF, 32-bit grey", tif(grey.astype(np.uint32) * 16843009), "grey")
    for name, kind in (("half", np.float16), ("32-bit", np.float32), ("64-bit", np.float64)):
        yield Variant(f"TIFF, {name} float RGB", tif((rgb / 255).astype(kind)))
        yield Variant(f"TIFF, {name} float grey", tif((grey / 255).astype(kind)), "grey")
    yield Variant(
        "TIFF, 32-bit float RGB, planes",
        tif(np.moveaxis(rgb / 255, 2, 0).astype(np.float32), planarconfig="separate"),
    )
    yield Variant(
        "TIFF, 32-bit float RGB, deflate, predictor",
        tif((rgb / 255).astype(np.float32), compression="zlib", predictor=True),
    )
    yield Variant("TIFF, 32-bit float grey to 255", tif(grey.astype(np.float32)), "grey")
    yield Variant("TIFF, signed 8-bit RGB", tif((rgb.astype(np.int16) - 128).astype(np.int8)))
    yield Variant(
        "TIFF, signed 8-bit grey", tif((grey.astype(np.int16) - 128).astype(np.int8)), "grey"
    )
    signed = (deep.astype(np.int32) - 32768).astype(np.int16)
    yield Variant("TIFF, signed 16-bit RGB", tif(signed))
    yield Variant(
        "TIFF, signed 16-bit grey",
        tif((grey.astype(np.int32) * 257 - 32768).astype(np.int16)),
        "grey",
    )
    yield Variant(
        "TIFF, signed 16-bit grey, none negative",
        tif((grey.astype(np.int32) * 128).astype(np.int16)),
        "grey",
    )
    yield Variant("PNG, 16-bit RGB", imagecodecs.png_encode(deep))
    yield Variant("PNG, 16-bit grey", imagecodecs.png_encode(grey * 257), "grey")
    opaque = np.full((h, w, 1), 65535, np.uint16)
    yield Variant("PNG, 16-bit RGBA", imagecodecs.png_encode(np.concatenate([deep, opaque], 2)))
    yield Variant(
        "PNG, 16-bit grey and alpha",
        imagecodecs.png_encode(np.concatenate([grey[:, :, None] * 257, opaque], 2)),
        "grey",
    )
    yield Variant("PPM, 16 bits", b"P6 %d %d 65535\n" % (w, h) + deep.astype(">u2").tobytes())
    ten = (rgb.astype(np.uint32) * 1023 // 255).astype(">u2")
    yield Variant("PPM, 10 bits", b"P6 %d %d 1023\n" % (w, h) + ten.tobytes())
    yield Variant(
        "PGM, 16 bits", b"P5 %d %d 65535\n" % (w, h) + (grey * 257).astype(">u2").tobytes(), "grey"
    )
    yield Variant(
        "PFM, grey",
        b"Pf\n%d %d\n-1.0\n" % (w, h) + (grey[::-1] / 255).astype("<f4").tobytes(),
        "grey",
    )
    for bits in (10, 12, 16):
        used = (rgb.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
        data = imagecodecs.jpeg2k_encode(used, level=0, reversible=True, bitspersample=bits)
        yield Variant(f"JPEG 2000, {bits}-bit RGB", data)
        one = (grey.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
        data = imagecodecs.jpeg2k_encode(one, level=0, reversible=True, bitspersample=bits)
        yield Variant(f"JPEG 2000, {bits}-bit grey", data, "grey")
    twelve = (rgb.astype(np.uint32) * 4095 // 255).astype(np.uint16)
    yield Variant(
        "JPEG, 12 bits", imagecodecs.jpeg8_encode(twelve, level=95, bitspersample=12), "lossy"
    )
    one = (grey.astype(np.uint32) * 4095 // 255).astype(np.uint16)
    yield Variant(
        "JPEG, lossless, 12-bit grey", imagecodecs.ljpeg_encode(one, bitspersample=12), "grey"
    )
    yield Variant("JPEG-LS, RGB", imagecodecs.jpegls_encode(rgb), "refuse")
    yield Variant("JPEG-LS, 16-bit grey", imagecodecs.jpegls_encode(grey * 257), "refuse")
    ten = (rgb.astype(np.uint32) * 1023 // 255).astype(np.uint16)
    yield Variant(
        "AVIF, 10 bits", imagecodecs.avif_encode(ten, level=92, bitspersample=10), "lossy"
    )


def _photometrics(image, rgb):
    grey = grey_of(rgb)
    h, w = grey.shape
    yield Variant("TIFF, 0 is white, 8 bits", tif(255 - grey, photometric="miniswhite"), "grey")
    yield Variant(
        "TIFF, 0 is white, 16 bits",
        tif(65535 - grey.astype(np.uint16) * 257, photometric="miniswhite"),
        "grey",
    )
    yield Variant(
        "TIFF, 0 is white, 16 bits, big-endian, LZW",
        tif(
            65535 - grey.astype(np.uint16) * 257,
            photometric="miniswhite",
            byteorder=">",
            compression="lzw",
        ),
        "grey",
    )
    four = packed_bits(grey >> 4, 4)
    yield Variant("TIFF, 4-bit grey", raw_tiff(w, h, 4, 1, [four], 1), "lossy-grey")
    cmyk = cmyk_of(rgb)
    yield Variant("TIFF, CMYK", tif(cmyk, photometric="separated"), "lossy")
    yield Variant(
        "TIFF, 16-bit CMYK", tif(cmyk.astype(np.uint16) * 257, photometric="separated"), "lossy"
    )
    yield Variant(
        "TIFF, CMYK, planes",
        tif(np.moveaxis(cmyk, 2, 0), photometric="separated", planarconfig="separate"),
        "lossy",
    )
    yield Variant(
        "TIFF, 16-bit CMYK, planes",
        tif(
            np.moveaxis(cmyk, 2, 0).astype(np.uint16) * 257,
            photometric="separated",
            planarconfig="separate",
        ),
        "lossy",
    )
    yield Variant(
        "TIFF, CMYK with its profile",
        tif(cmyk, photometric="separated", iccprofile=cmyk_profile()),
        "lossy",
    )
    yield Variant(
        "JPEG, CMYK (Adobe)", saved(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=95), "lossy"
    )
    yield Variant(
        "JPEG, CMYK with its profile",
        saved(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=95, icc_profile=cmyk_profile()),
        "lossy",
    )
    yield Variant("JPEG, YCCK (Adobe)", _ycck(cmyk), "lossy")
    lab = lab_of(rgb)
    one = np.stack([lab[:, :, 0] * 2.55, lab[:, :, 1], lab[:, :, 2]], -1)
    signed = np.rint(one).astype(np.int16).astype(np.uint8)
    yield Variant("TIFF, CIE Lab, 8 bits", raw_tiff(w, h, 8, 8, [signed.tobytes()], 3))
    yield Variant(
        "TIFF, CIE Lab, 8 bits, LZW", tif(signed, photometric="cielab", compression="lzw")
    )
    offset = np.rint(one + [0, 128, 128]).astype(np.uint8)
    yield Variant("TIFF, ICC Lab, 8 bits", raw_tiff(w, h, 8, 9, [offset.tobytes()], 3))
    two = np.rint(np.stack([lab[:, :, 0] * 655.35, lab[:, :, 1] * 256, lab[:, :, 2] * 256], -1))
    yield Variant(
        "TIFF, CIE Lab, 16 bits",
        raw_tiff(w, h, 16, 8, [two.astype(np.int32).astype("<u2").tobytes()], 3),
    )
    ycc = np.asarray(image.convert("YCbCr"))
    whole = [(530, 3, [1, 1])]
    yield Variant("TIFF, YCbCr", raw_tiff(w, h, 8, 6, [ycc.tobytes()], 3, whole))
    narrow = np.rint(ycc * [219 / 255, 224 / 255, 224 / 255] + [16, 16, 16]).astype(np.uint8)
    reference = struct.pack("<12I", 16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)
    yield Variant("TIFF, YCbCr of television", _with_reference(w, h, narrow, reference))
    ew, eh = w // 2 * 2, h // 2 * 2
    yield Variant("TIFF, YCbCr, chroma halved", _subsampled(ycc[:eh, :ew]), "lossy")
    palette = image.quantize(256)
    yield Variant("TIFF, palette", saved(palette, "TIFF"), "lossy")
    table = np.zeros((3, 65536), np.uint16)
    indices = np.asarray(palette).astype(np.uint16)
    colours = np.asarray(palette.getpalette("RGB"), np.uint16).reshape(-1, 3).T * 257
    table[:, : colours.shape[1]] = colours
    yield Variant(
        "TIFF, palette of 16 bits", tif(indices, photometric="palette", colormap=table), "lossy"
    )
    alpha = np.full((h, w, 1), 255, np.uint8)
    rgba = np.concatenate([rgb, alpha], axis=2)
    for name, extra in (
        ("unassociated", "unassalpha"),
        ("associated", "assocalpha"),
        ("unspecified", "unspecified"),
    ):
        yield Variant(f"TIFF, {name} extra sample, opaque", tif(rgba, extrasamples=[extra]))
        yield Variant(
            f"TIFF, {name} extra sample, 16 bits",
            tif(rgba.astype(np.uint16) * 257, extrasamples=[extra]),
        )
    yield Variant(
        "TIFF, five extra samples",
        tif(
            np.concatenate([rgb, alpha, alpha, alpha, alpha, alpha], 2),
            extrasamples=["unspecified"] * 5,
        ),
    )
    yield Variant(
        "TIFF, alpha in planes",
        tif(np.moveaxis(rgba, 2, 0), planarconfig="separate", extrasamples=["unassalpha"]),
    )
    half = np.full((h, w, 1), 0.5)
    light = (255 - rgb.astype(float)) * 0.5
    mixed = np.concatenate([(255 - light * 2).clip(0, 255) * half, half * 255], 2)
    yield Variant(
        "TIFF, associated alpha of a half",
        tif(np.rint(mixed).astype(np.uint8), extrasamples=["assocalpha"]),
        "lossy",
    )
    yield Variant(
        "TIFF, float, associated alpha of a half",
        tif((mixed / 255).astype(np.float32), extrasamples=["assocalpha"]),
        "lossy",
    )
    faded = np.concatenate([rgb, np.full((h, w, 1), 128, np.uint8)], 2)
    yield Variant("PNG, alpha of a half", bare_png(faded), "lossy")
    yield Variant(
        "TIFF, grey and alpha, 16 bits",
        tif(
            np.stack([grey, np.full_like(grey, 255)], 2).astype(np.uint16) * 257,
            photometric="minisblack",
            extrasamples=["unassalpha"],
        ),
        "grey",
    )


def _ycck(cmyk: np.ndarray) -> bytes:
    """Adobe's YCCK: the first three inks as if they were RGB, in YCbCr, and black inverted."""
    ycc = np.asarray(Image.fromarray(cmyk[:, :, :3].copy()).convert("YCbCr"))
    stored = np.concatenate([ycc, 255 - cmyk[:, :, 3:]], 2)
    data = saved(Image.fromarray(255 - stored, "CMYK"), "JPEG", quality=95, subsampling=0)
    at = data.index(b"Adobe")
    return data[: at + 11] + b"\x02" + data[at + 12 :]


def _with_reference(w, h, ycc, reference):
    data = raw_tiff(w, h, 8, 6, [ycc.tobytes()], 3, [(530, 3, [1, 1]), (532, 4, [0] * 12)])
    at = data.index(struct.pack("<HHI", 532, 4, 12))
    (place,) = struct.unpack_from("<I", data, at + 8)
    place_new = struct.pack("<HHII", 532, 5, 6, place)
    return data[:at] + place_new + data[at + 12 : place] + reference


def _subsampled(ycc: np.ndarray) -> bytes:
    h, w, _ = ycc.shape
    blocks = ycc.reshape(h // 2, 2, w // 2, 2, 3).swapaxes(1, 2)
    luma = blocks[:, :, :, :, 0].reshape(h // 2, w // 2, 4)
    chroma = blocks[:, :, :, :, 1:].mean(axis=(2, 3)).round().astype(np.uint8)
    strip = np.concatenate([luma, chroma], axis=2).tobytes()
    return raw_tiff(w, h, 8, 6, [strip], 3, [(530, 3, [2, 2])])


def _containers(image, rgb):
    deep = rgb.astype(np.uint16) * 257
    for compression in (
        "lzw",
        "zlib",
        "lzma",
        "packbits",
        "zstd",
        "lerc",
        "jpeg2000",
        "jpegxl",
        "jpegxr",
        "png",
    ):
        yield Variant(f"TIFF, {compression}", tif(rgb, compression=compression))
    yield Variant("TIFF, webp", tif(rgb, compression="webp", compressionargs={"lossless": True}))
    yield Variant(
        "TIFF, jpeg", tif(rgb, compression="jpeg", compressionargs={"level": 95}), "lossy"
    )
    yield Variant(
        "TIFF, jpeg, tiled",
        tif(rgb, compression="jpeg", tile=(64, 64), compressionargs={"level": 95}),
        "lossy",
    )
    yield Variant(
        "TIFF, jpeg by Pillow", saved(image, "TIFF", compression="jpeg", quality=95), "lossy"
    )
    yield Variant("TIFF, tiled", tif(rgb, tile=(64, 64)))
    yield Variant(
        "TIFF, tiled, deflate, predictor",
        tif(rgb, tile=(64, 64), compression="zlib", predictor=True),
    )
    yield Variant("TIFF, tiled, 16 bits", tif(deep, tile=(64, 64)))
    yield Variant("TIFF, many strips", tif(rgb, rowsperstrip=1))
    yield Variant("TIFF, big-endian", tif(rgb, byteorder=">"))
    yield Variant("TIFF, 16 bits, LZW, predictor", tif(deep, compression="lzw", predictor=True))
    yield Variant("BigTIFF", tif(rgb, bigtiff=True))
    yield Variant(
        "BigTIFF, big-endian, tiled, LZW",
        tif(rgb, bigtiff=True, byteorder=">", tile=(64, 64), compression="lzw"),
    )
    yield Variant(
        "BigTIFF, 16-bit planes",
        tif(np.moveaxis(deep, 2, 0), bigtiff=True, planarconfig="separate"),
    )
    yield Variant("JPEG XL", imagecodecs.jpegxl_encode(rgb, lossless=True))
    # The encoder states that numbers of 16 bits are linear light.
    light = sixteen(to_linear(rgb / 255))
    yield Variant("JPEG XL, 16 bits", imagecodecs.jpegxl_encode(light, lossless=True))
    yield Variant("JPEG XL, lossy", imagecodecs.jpegxl_encode(rgb, distance=1), "lossy")
    yield Variant("JPEG XL, grey", imagecodecs.jpegxl_encode(grey_of(rgb), lossless=True), "grey")
    yield Variant(
        "JPEG XL in boxes", imagecodecs.jpegxl_encode(rgb, lossless=True, usecontainer=True)
    )
    yield Variant("PSD", psd(rgb, 3))
    yield Variant("PSD, grey", psd(grey_of(rgb)[:, :, None], 1), "grey")
    yield Variant("PSD, CMYK", psd(255 - cmyk_of(rgb), 4), "lossy")
    lab = lab_of(rgb)
    stored = np.stack([lab[:, :, 0] * 2.55, lab[:, :, 1] + 128, lab[:, :, 2] + 128], -1)
    yield Variant("PSD, Lab", psd(np.rint(stored).astype(np.uint8), 9))
    yield Variant(
        "ICO", saved(image.resize((256, 256)), "ICO", sizes=[(256, 256), (16, 16)]), "lossy"
    )


def psd(channels: np.ndarray, mode: int, bits: int = 8) -> bytes:
    """A Photoshop document without layers: the merged picture alone."""
    h, w, count = channels.shape
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, count, h, w, bits, mode)
    return head + b"\0" * 12 + b"\0\0" + np.moveaxis(channels, 2, 0).tobytes()


def _colours(image, rgb):
    for name, gamma in (("p3", 2.2), ("adobe", 2.2), ("prophoto", 1.8), ("bt2020", 2.4)):
        profile = rgb_profile(name, gamma)
        small = eight(in_space(rgb, name, gamma))
        deep = sixteen(in_space(rgb, name, gamma))
        other = Image.fromarray(small)
        yield Variant(f"{name} in PNG", saved(other, "PNG", icc_profile=profile))
        yield Variant(
            f"{name} in JPEG",
            saved(other, "JPEG", quality=95, subsampling=0, icc_profile=profile),
            "lossy",
        )
        yield Variant(f"{name} in TIFF", saved(other, "TIFF", icc_profile=profile))
        yield Variant(f"{name} in 16-bit TIFF", tif(deep, iccprofile=profile))
        yield Variant(
            f"{name} in 16-bit planes",
            tif(np.moveaxis(deep, 2, 0), planarconfig="separate", iccprofile=profile),
        )
        yield Variant(f"{name} in WebP", saved(other, "WEBP", lossless=True, icc_profile=profile))
        yield Variant(
            f"{name} in AVIF",
            saved(other, "AVIF", quality=95, subsampling="4:4:4", icc_profile=profile),
            "lossy",
        )
        yield Variant(f"{name} in JPEG 2000", jp2_with_profile(other, profile))
        yield Variant(
            f"{name} in palette PNG",
            saved(other.quantize(256), "PNG", icc_profile=profile),
            "lossy",
        )
    for name, codes in (("p3", (12, 13)), ("bt2020", (9, 8))):
        curve = to_srgb_curve if codes[1] == 13 else (lambda light: np.clip(light, 0, 1))
        light = to_linear(rgb / 255) @ (np.linalg.inv(xyz_matrix(name)) @ xyz_matrix("srgb")).T
        small = eight(curve(light))
        data = png_with(bare_png(small), (b"cICP", bytes([*codes, 0, 1])))
        yield Variant(f"{name} by cICP in PNG", data)
        data = imagecodecs.avif_encode(
            small, level=97, primaries=codes[0], transfer=codes[1], matrix=6
        )
        yield Variant(f"{name} by nclx in AVIF", data, "lossy")
    chrm = struct.pack(">8I", *(round(v * 100000) for xy in PRIMARIES["adobe"] for v in xy))
    small = eight(in_space(rgb, "adobe", 2.2))
    yield Variant(
        "Adobe RGB by gAMA and cHRM in PNG",
        png_with(bare_png(small), (b"gAMA", struct.pack(">I", 45455)), (b"cHRM", chrm)),
    )
    small = eight(in_space(rgb, "srgb", 1.0))
    yield Variant(
        "linear by gAMA in PNG", png_with(bare_png(small), (b"gAMA", struct.pack(">I", 100000)))
    )
    grey = to_linear(grey_of(rgb) / 255)
    yield Variant(
        "grey profile, gamma 1.8, in TIFF",
        tif(sixteen(grey ** (1 / 1.8)), iccprofile=grey_profile(1.8)),
        "grey",
    )
    yield Variant(
        "grey profile, gamma 1.8, in PNG",
        saved(Image.fromarray(eight(grey ** (1 / 1.8))), "PNG", icc_profile=grey_profile(1.8)),
        "grey",
    )
    yield Variant(
        "grey profile, gamma 1.8, in JPEG",
        saved(
            Image.fromarray(eight(grey ** (1 / 1.8))),
            "JPEG",
            quality=95,
            icc_profile=grey_profile(1.8),
        ),
        "grey",
    )
    yield Variant(
        "linear profile in float TIFF",
        tif(in_space(rgb, "srgb", 1.0).astype(np.float32), iccprofile=rgb_profile("srgb", 1.0)),
    )
    yield Variant(
        "ProPhoto, linear, in float TIFF",
        tif(
            in_space(rgb, "prophoto", 1.0).astype(np.float32),
            iccprofile=rgb_profile("prophoto", 1.0),
        ),
    )


def jp2_with_profile(image: Image.Image, profile: bytes) -> bytes:
    """A JPEG 2000 whose colour box holds a restricted ICC profile."""
    data = saved(image, "JPEG2000")
    at = data.index(b"colr") - 4
    length = int.from_bytes(data[at : at + 4])
    box = struct.pack(">I4sBBB", 11 + len(profile), b"colr", 2, 0, 0) + profile
    head = data.index(b"jp2h") - 4
    size = int.from_bytes(data[head : head + 4]) + len(box) - length
    return data[:head] + struct.pack(">I", size) + data[head + 4 : at] + box + data[at + length :]


def _orientations(image, rgb):
    stored = {
        3: Image.Transpose.ROTATE_180,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    for tag, turn in stored.items():
        turned = image.transpose(turn)

        def made(kind: str, turned: Image.Image = turned, tag: int = tag, **options) -> bytes:
            # Saving takes the orientation out of what it was handed.
            exif = Image.Exif()
            exif[0x0112] = tag
            return saved(turned, kind, exif=exif, **options)

        yield Variant(f"orientation {tag} in JPEG", made("JPEG", quality=95), "lossy")
        yield Variant(f"orientation {tag} in PNG", made("PNG"))
        yield Variant(f"orientation {tag} in WebP", made("WEBP", lossless=True))
        yield Variant(f"orientation {tag} in AVIF", made("AVIF", quality=92), "lossy")
        yield Variant(f"orientation {tag} in TIFF", made("TIFF"))
        planes = np.moveaxis(np.asarray(turned).astype(np.uint16) * 257, 2, 0)
        tags = [(274, 3, 1, tag, True)]
        yield Variant(
            f"orientation {tag} in 16-bit planes",
            tif(planes, planarconfig="separate", extratags=tags),
        )


def _several(image, rgb):
    small = image.resize((image.width // 4, image.height // 4))
    flat = Image.new("RGB", image.size, (90, 120, 30))
    yield Variant(
        "TIFF, thumbnail first", pages([(np.asarray(small), {"subfiletype": 1}), (rgb, {})])
    )
    yield Variant("TIFF, unmarked thumbnail first", pages([(np.asarray(small), {}), (rgb, {})]))
    yield Variant(
        "TIFF, thumbnail second", pages([(rgb, {}), (np.asarray(small), {"subfiletype": 1})])
    )
    yield Variant("TIFF, two pages", pages([(rgb, {}), (np.asarray(flat), {})]))
    yield Variant(
        "TIFF, picture in a sub-IFD",
        pages([(np.asarray(small), {"subfiletype": 1, "subifds": 1}), (rgb, {})]),
    )
    yield Variant(
        "TIFF, 16-bit planes in a sub-IFD",
        pages(
            [
                (np.asarray(small), {"subfiletype": 1, "subifds": 1}),
                (np.moveaxis(rgb.astype(np.uint16) * 257, 2, 0), {"planarconfig": "separate"}),
            ]
        ),
    )
    yield Variant(
        "TIFF, pyramid",
        pages(
            [
                (rgb, {"subifds": 1, "tile": (64, 64)}),
                (np.asarray(small), {"subfiletype": 1, "tile": (64, 64)}),
            ]
        ),
    )
    yield Variant(
        "BigTIFF, thumbnail first",
        pages([(np.asarray(small), {"subfiletype": 1}), (rgb, {})], bigtiff=True),
    )
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        first = image.quantize(256) if kind == "GIF" else image
        yield Variant(
            f"animated {kind}",
            saved(first, kind, save_all=True, append_images=[flat], duration=40, **options),
            "lossy" if kind == "GIF" else "same",
        )
    yield Variant(
        "MPO", saved(image, "MPO", quality=95, save_all=True, append_images=[small]), "lossy"
    )
    yield Variant("JPEG with a gain map", _ultra_hdr(image, small.convert("L")), "lossy")


def pages(items, **options) -> bytes:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, **options) as writer:
        for samples, tags in items:
            writer.write(samples, photometric="rgb", metadata=None, **tags)
    return stream.getvalue()


def _ultra_hdr(image, gain):
    data = saved(image, "MPO", quality=95, save_all=True, append_images=[gain.convert("RGB")])
    note = b'http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version="1.0"/>'
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note + data[2:]


def _metadata(image, rgb):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "<x>" + "history " * 400_000 + "</x>", zip=True)
    yield Variant("PNG, 3 MB of compressed XMP", saved(image, "PNG", pnginfo=info))
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "word " * 600_000, zip=True)
    yield Variant("PNG, 3 MB of compressed text", saved(image, "PNG", pnginfo=info))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + bytes(3_000_000)
    profile = struct.pack(">I", len(profile)) + profile[4:]
    for kind, options in (
        ("PNG", {}),
        ("TIFF", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 95}),
    ):
        yield Variant(
            f"{kind}, profile of 3 MB",
            saved(image, kind, icc_profile=profile, **options),
            "lossy" if kind == "JPEG" else "same",
        )
    exif = Image.Exif()
    exif[0x010E] = "description " * 4000
    exif[0x9C9C] = bytes(10000)
    yield Variant(
        "JPEG, EXIF of 58 KB with zeros", saved(image, "JPEG", quality=95, exif=exif), "lossy"
    )
    yield Variant("WebP, EXIF of 58 KB with zeros", saved(image, "WEBP", lossless=True, exif=exif))
    yield Variant(
        "TIFF, XMP of 2 MB", tif(rgb, extratags=[(700, 1, 2_000_000, b" " * 2_000_000, True)])
    )
    data = saved(image, "JPEG", quality=95)
    yield Variant("JPEG, followed by other data", data + bytes(5000) + b"trailer", "lossy")


def _damaged(image, rgb):
    grain = np.random.default_rng(0).integers(-12, 13, rgb.shape)
    rough = Image.fromarray((rgb.astype(int) + grain).clip(0, 255).astype(np.uint8))
    files = {
        "JPEG": saved(rough, "JPEG", quality=92),
        "progressive JPEG": saved(rough, "JPEG", quality=92, progressive=True),
        "PNG": saved(rough, "PNG"),
        "WebP": saved(rough, "WEBP", quality=95),
        "lossless WebP": saved(rough, "WEBP", lossless=True),
        "JPEG 2000": saved(rough, "JPEG2000"),
        "TIFF, LZW": tif(np.asarray(rough), compression="lzw"),
        "TIFF, deflate": tif(np.asarray(rough), compression="zlib"),
        "TIFF, jpeg": tif(np.asarray(rough), compression="jpeg"),
        "TIFF, 16-bit planes, LZW": tif(
            np.moveaxis(np.asarray(rough).astype(np.uint16) * 257, 2, 0),
            planarconfig="separate",
            compression="lzw",
        ),
    }
    for name, data in files.items():
        middle = len(data) // 2
        yield Variant(f"{name}, the second half missing", data[:middle], "damage")
        hole = data[:middle] + bytes(4096) + data[middle + 4096 :]
        yield Variant(f"{name}, 4 KiB of zeros", hole, "damage")
        rest = bytes(len(data) - middle)
        yield Variant(f"{name}, zeros to the end", data[:middle] + rest, "damage")
    yield Variant("TIFF, the second half missing", tif(rgb)[: rgb.size // 2], "damage")


def _others(image, rgb):
    def still(name: str, data: bytes) -> Variant:
        return Variant(name, data, "refuse")

    yield still("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(2000))
    yield still("SVG", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>')
    yield still("web page", b"<!DOCTYPE html><html><body>403</body></html>")
    yield still("OpenEXR", b"\x76\x2f\x31\x01\x02\0\0\0" + bytes(500))
    yield still("Radiance", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 9 +X 9\n" + bytes(324))
    yield still("DICOM", bytes(128) + b"DICM" + bytes(500))
    sensor = (grey_of(rgb).astype(np.uint16) * 16).astype("<u2").tobytes()
    h, w = rgb.shape[:2]
    yield still("DNG, sensor data", raw_tiff(w, h, 16, 32803, [sensor], 1, [(50706, 1, [])]))
    yield still("DNG, linear", raw_tiff(w, h, 16, 34892, [sensor * 3], 3))
    yield still("CR2", b"II*\0\x10\0\0\0CR\x02\0" + bytes(500))
    yield still("CR3", b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + bytes(500))
    yield still("RAF", b"FUJIFILMCCD-RAW 0201" + bytes(500))
    yield still("ZIP", b"PK\x03\x04" + bytes(500))
    yield still("video", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(500))
    yield still("PSD, 16 bits", psd((rgb.astype(">u2") * 257).view(np.uint8)[:, :, :3], 3, 16))
    yield still(
        "TIFF, multi-ink",
        tif(cmyk_of(rgb), photometric="separated", extratags=[(332, 3, 1, 2, True)]),
    )
    yield still("TIFF, complex numbers", tif(grey_of(rgb).astype(np.complex64)))
    yield still("one colour", saved(Image.new("RGB", (400, 300), (120, 90, 60)), "PNG"))
    clear = np.concatenate([rgb, np.zeros((h, w, 1), np.uint8)], 2)
    yield still("wholly transparent", bare_png(clear))
    page = np.full((h, w, 3), 250, np.uint8)
    page[5:9, 5:9] = 0
    yield still("an empty page with a speck", bare_png(page))


def _heic(image, rgb):
    """HEIC, where an encoder is installed: pillow-heif, whose wheels carry x265."""
    try:
        import pillow_heif
    except ImportError:
        return
    pillow_heif.register_heif_opener()
    small = eight(in_space(rgb, "p3", 2.2))
    flat = Image.new("RGB", image.size, (90, 120, 30))
    profile = rgb_profile("p3", 2.2)
    for name, data in (
        ("HEIC", saved(image, "HEIF", quality=92)),
        ("HEIC, grey", saved(image.convert("L"), "HEIF", quality=92)),
        ("HEIC, profile", saved(Image.fromarray(small), "HEIF", quality=95, icc_profile=profile)),
        (
            "HEIC, two pictures",
            saved(image, "HEIF", quality=92, save_all=True, append_images=[flat]),
        ),
        ("HEIC, 10 bits", _deep_heic(pillow_heif, rgb)),
    ):
        yield Variant(name, data, "lossy-grey" if "grey" in name else "lossy")


def _deep_heic(pillow_heif, rgb) -> bytes:
    deep = rgb.astype(np.uint16) * 257
    heif = pillow_heif.from_bytes("RGB;16", (rgb.shape[1], rgb.shape[0]), deep.tobytes())
    stream = io.BytesIO()
    heif.save(stream, quality=95)
    return stream.getvalue()
