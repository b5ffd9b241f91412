"""One painting in every layout that scanners, phones, cameras and museum systems write.

    variants(picture)   yields (name, file, what to compare it with)

Needs `samehand[formats]`. Nothing here goes through samehand: colours are converted by formulas of
their own, and headers that no library writes are packed by hand.
"""

import io
import struct
from collections.abc import Iterator

import imagecodecs
import numpy as np
from decoding_packers import (
    PRIMARIES,
    Variant,
    bare_png,
    cmyk_of,
    eight,
    grey_of,
    grey_profile,
    in_space,
    jp2_with_profile,
    lab_of,
    pages,
    png_with,
    psd,
    raw_tiff,
    rgb_profile,
    saved,
    sixteen,
    tif,
    to_linear,
    to_srgb_curve,
    xyz_matrix,
)
from decoding_samples import depths, photometrics
from PIL import Image, ImageCms, PngImagePlugin


def variants(picture: Image.Image) -> Iterator[Variant]:
    """Yield every variant of an RGB picture of some 300 pixels a side."""
    rgb = np.asarray(picture.convert("RGB"))
    for part in (
        _plain,
        depths,
        photometrics,
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
