"""The samples that `decoding_variants.py` stores: depths, formats and meanings of numbers."""

import struct

import imagecodecs
import numpy as np
from decoding_packers import (
    Variant,
    bare_png,
    cmyk_of,
    cmyk_profile,
    grey_of,
    lab_of,
    packed_bits,
    raw_tiff,
    saved,
    tif,
)
from PIL import Image


def depths(image, rgb):
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


def photometrics(image, rgb):
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
