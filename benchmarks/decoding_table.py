"""Is every layout decoded right or refused in a true sentence?

    python benchmarks/decoding_table.py [PICTURE] [--decoder NAME ...] [--all]

Writes the painting (of `examples/atelier` unless one is named) in every layout of
`decoding_variants.py`, decodes each by every decoder, and compares it with the plain sRGB original:
the cosine of the pixels, each channel's mean removed, and the mean difference in levels of 255.
Right is a cosine of 0.99 and a difference of 6 where nothing is lost, 0.98 and 10 elsewhere.

Decoders: samehand (Pillow alone, as installed by default), formats (with `samehand[formats]`), and
where they are installed, for comparison: pillow (`Image.open(...).convert("RGB")`), tifffile (with
imagecodecs), libvips (pyvips) and opencv.
"""

import argparse
import io
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from decoding_variants import Variant, variants
from PIL import Image

from samehand.errors import ImageError
from samehand.images.decode import decode_bytes

EXAMPLE = Path(__file__).parents[1] / "examples" / "atelier" / "painter-a-1.jpg"
EXTRA = ("tifffile", "imagecodecs", "pi_heif")


def by_formats(data: bytes) -> np.ndarray:
    return np.asarray(decode_bytes(data, "picture").image)


def by_samehand(data: bytes) -> np.ndarray:
    found = {name: sys.modules.get(name) for name in EXTRA}
    # None makes an import fail.
    sys.modules.update(dict.fromkeys(EXTRA))
    try:
        return by_formats(data)
    finally:
        for name, module in found.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"))


def by_tifffile(data: bytes) -> np.ndarray:
    import imagecodecs
    import tifffile

    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _as_rgb(tifffile.imread(io.BytesIO(data), key=0))
    return _as_rgb(imagecodecs.imread(io.BytesIO(data)))


def by_libvips(data: bytes) -> np.ndarray:
    import pyvips

    image = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="warning")
    image = image.autorot()
    if image.get_typeof("icc-profile-data"):
        image = image.icc_transform("srgb", embedded=True)
    image = image.colourspace("srgb")
    image = image.flatten(background=255) if image.hasalpha() else image
    return _as_rgb(image.cast("uchar").numpy())


def by_opencv(data: bytes) -> np.ndarray:
    import cv2

    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise ValueError("nothing decoded")
    return found[:, :, ::-1]


DECODERS: dict[str, Callable[[bytes], np.ndarray]] = {
    "samehand": by_samehand,
    "formats": by_formats,
    "pillow": by_pillow,
    "tifffile": by_tifffile,
    "libvips": by_libvips,
    "opencv": by_opencv,
}


def judge(variant: Variant, decoder: Callable[[bytes], np.ndarray], original: Image.Image):
    """Return "right", "refused", "misnamed" (a refusal that is not true) or "wrong", and why."""
    try:
        found = decoder(variant.data)
    except Exception as error:
        sentence = str(error) or type(error).__name__
        damaged = "damaged" in sentence
        if variant.want == "damage":
            return (
                "right" if damaged or not isinstance(error, ImageError) else "misnamed"
            ), sentence
        if damaged and isinstance(error, ImageError):
            return "misnamed", sentence
        return ("right" if variant.want == "refuse" else "refused"), sentence
    if variant.want in ("damage", "refuse"):
        return "wrong", "decoded without a word"
    wanted = wanted_pixels(variant.name, variant.want, original)
    if found.shape != wanted.shape:
        return "wrong", f"{found.shape[1]}x{found.shape[0]} pixels"
    cosine, off = compare(found, wanted)
    lossless = variant.want in ("same", "grey")
    right = cosine >= (0.99 if lossless else 0.98) and off <= (6 if lossless else 10)
    return ("right" if right else "wrong"), f"cosine {cosine:.4f}, off by {off:.1f}"


def wanted_pixels(name: str, want: str, original: Image.Image) -> np.ndarray:
    image = original.convert("L").convert("RGB") if "grey" in want else original
    if "of a half" in name:
        image = Image.blend(image, Image.new("RGB", image.size, "white"), 0.5)
    if name == "ICO":
        image = image.resize((256, 256))
    if name.endswith("chroma halved"):
        image = image.crop((0, 0, image.width // 2 * 2, image.height // 2 * 2))
    return np.asarray(image)


def compare(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    a, b = (side.astype(np.float64) - side.mean(axis=(0, 1)) for side in (found, wanted))
    size = np.linalg.norm(a) * np.linalg.norm(b)
    cosine = float((a * b).sum() / size) if size else 0.0
    return cosine, float(np.abs(found.astype(int) - wanted).mean())


def _as_rgb(samples: np.ndarray) -> np.ndarray:
    if samples.dtype == np.uint16:
        samples = (samples >> 8).astype(np.uint8)
    if samples.ndim == 3 and samples.shape[0] in (3, 4) and samples.shape[2] > 4:
        samples = np.moveaxis(samples, 0, 2)
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    return np.repeat(samples[:, :, :1], 3, 2) if samples.shape[2] < 3 else samples[:, :, :3]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--decoder", nargs="+", choices=DECODERS, default=["samehand", "formats"])
    parser.add_argument("--all", action="store_true", help="print every row, not the failures only")
    parser.add_argument("--save", type=Path, help="a folder for the files")
    arguments = parser.parse_args()
    original = Image.open(arguments.picture).convert("RGB")
    made = list(variants(original))
    if arguments.save:
        arguments.save.mkdir(parents=True, exist_ok=True)
        for number, variant in enumerate(made):
            (arguments.save / f"{number:03} {variant.name.replace('/', '-')}").write_bytes(
                variant.data
            )
    print(f"{len(made)} variants of a painting of {original.width} x {original.height} pixels")
    for name in arguments.decoder:
        counts: Counter[str] = Counter()
        start, noise = time.perf_counter(), 0
        for variant in made:
            verdict, why, written = quietly(variant, DECODERS[name], original)
            counts[verdict] += 1
            noise += written > 0
            if arguments.all or verdict in ("wrong", "misnamed") or written:
                print(f"  {name}: {verdict}: {variant.name}: {why}{' [noise]' if written else ''}")
        seconds = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        words = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
        print(f"{name}: {words}; {noise} wrote past it; {seconds:.1f} s, {memory:.0f} MiB at most")


def quietly(variant: Variant, decoder: Callable[[bytes], np.ndarray], original: Image.Image):
    """Judge, and count the bytes that C libraries write to the standard error stream."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as stream:
        os.dup2(stream.fileno(), 2)
        try:
            verdict, why = judge(variant, decoder, original)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        return verdict, why, stream.seek(0, os.SEEK_END)


if __name__ == "__main__":
    main()
