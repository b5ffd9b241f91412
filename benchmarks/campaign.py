"""Mutations without end: what was never foreseen, tried by the thousand from one seed.

    python -m benchmarks.campaign [--minutes N | --count N] [--seed N] [--out FOLDER]

Each target is a function of a random generator that tries one input and returns what it was, and
what is wrong with the answer, if anything is: something else than a picture or an `ImageError`, a
sentence that is not one, "damaged" of a sound file, a picture out of bounds, more seconds than
`SECONDS`, or words of a C library on standard error. The smallest failing input of each kind is
saved with its name; the same seed tries the same inputs.

Another target is another function in `TARGETS`.
"""

import argparse
import contextlib
import io
import os
import resource
import struct
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.campaign_clock import clocks
from benchmarks.campaign_disk import mounts
from benchmarks.campaign_requests import requests
from benchmarks.campaign_stores import full, galleries, kills, tables
from benchmarks.campaign_trial import Trial
from samehand.errors import ImageError
from samehand.images.decode import decode_bytes

SECONDS = 10.0
MAX_SIDE, MAX_PIXELS = 512, 20_000_000


def images(rng: np.random.Generator) -> Trial:
    """Alter a small file of some format, and decode it."""
    kind = KINDS[int(rng.integers(len(KINDS)))]
    original = _file_of(kind, int(rng.integers(3)))
    data, done = original, []
    for _ in range(int(rng.integers(0, 4))):
        mutate = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        data = mutate(data, rng)
        done.append(mutate.__name__.strip("_"))
    name = f"{kind}: {', '.join(done) or 'as it is'}"
    sound = data == original
    start = time.perf_counter()
    fault, answer = "", "decoded"
    with _standard_error() as written:
        try:
            found = decode_bytes(data, "picture", MAX_SIDE, MAX_PIXELS)
            if found.image.mode != "RGB" or max(found.image.size) > MAX_SIDE:
                fault = f"a picture of mode {found.image.mode}, {found.image.size}"
        except ImageError as error:
            answer = "refused"
            said = str(error)
            if not said.startswith("picture ") or not said.isprintable():
                fault = f"no sentence: {said[:80]!r}"
            elif sound and "damaged" in said:
                fault = "a sound file is called damaged"
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            fault = "".join(traceback.format_exception_only(error)).strip()[:200]
    if not fault and time.perf_counter() - start > SECONDS:
        fault = f"took more than {SECONDS:g} s"
    if not fault and written.getvalue():
        fault = f"wrote to standard error: {written.getvalue()[:80]!r}"
    return Trial(name, data, fault, answer)


TARGETS: dict[str, Callable[[np.random.Generator], Trial]] = {
    "images": images,
    "tables": tables,
    "galleries": galleries,
    "kills": kills,
    "full": full,
    "mounts": mounts,
    "clocks": clocks,
    "requests": requests,
}


def _flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(data)
    for place in rng.integers(0, len(found), int(rng.integers(1, 9))):
        found[place] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _flip_header_bits(data: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(data)
    for place in rng.integers(0, min(len(found), 200), int(rng.integers(1, 5))):
        found[place] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(1, len(data) + 1))]


def _lie(data: bytes, rng: np.random.Generator) -> bytes:
    """Put a number that matters somewhere into the header or the last directory."""
    found = bytearray(data)
    width = int(rng.choice([1, 2, 4, 8]))
    number = int(rng.choice([0, 1, 2, 7, 255, 65535, 2**31 - 1, 2**32 - 1, 2**63])) % 256**width
    ends = min(len(found), 400)
    place = (
        int(rng.integers(ends)) if rng.random() < 0.7 else len(found) - 1 - int(rng.integers(ends))
    )
    order = "little" if rng.random() < 0.5 else "big"
    found[place : place + width] = number.to_bytes(width, order)
    return bytes(found)


def _zero(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data)))
    length = int(rng.choice([1, 16, 512, 4096]))
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def _repeat(data: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 2000))
    return data[: start + length] + data[start:]


def _splice(data: bytes, rng: np.random.Generator) -> bytes:
    """Go on with a file of another format."""
    other = _file_of(KINDS[int(rng.integers(len(KINDS)))], 0)
    return data[: int(rng.integers(1, len(data) + 1))] + other[int(rng.integers(len(other))) :]


def _change_format(data: bytes, rng: np.random.Generator) -> bytes:
    """Put the first bytes of another format before it."""
    other = _file_of(KINDS[int(rng.integers(len(KINDS)))], 0)
    length = int(rng.integers(1, 40))
    return other[:length] + data[length:]


def _mend_checksums(data: bytes, rng: np.random.Generator) -> bytes:
    """Alter the header of a PNG and make its checksums right, so that decoders believe it."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 33:
        return _lie(data, rng)
    found = bytearray(data)
    found[16 + int(rng.integers(13))] = int(rng.integers(256))
    found[29:33] = struct.pack(">I", zlib.crc32(found[12:29]))
    return bytes(found)


MUTATIONS = (
    *(_flip_bits, _flip_header_bits, _cut, _lie, _lie, _zero, _repeat, _splice, _change_format),
    _mend_checksums,
)

KINDS = (
    *("JPEG", "JPEG progressive", "PNG", "PNG palette", "PNG 16", "WEBP", "WEBP lossless", "GIF"),
    *("BMP", "PPM", "JPEG2000", "AVIF", "ICO", "TIFF", "TIFF lzw", "TIFF jpeg", "TIFF deflate"),
    *("TIFF planes", "TIFF float", "TIFF pages", "BigTIFF", "JPEG XL", "JPEG-LS", "PSD"),
)

_files: dict[tuple[str, int], bytes] = {}


def _file_of(kind: str, number: int) -> bytes:
    if (kind, number) not in _files:
        _files[kind, number] = _make(kind, number)
    return _files[kind, number]


def _make(kind: str, number: int) -> bytes:
    """Return a small file; `number` picks its size and content."""
    rng = np.random.default_rng(number)
    height, width = ((40, 60), (97, 33), (130, 200))[number]
    ramp = np.indices((height, width)).sum(axis=0)[:, :, None] * [1, 2, 3]
    pixels = (ramp + rng.integers(0, 40, (height, width, 3))).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    deep = pixels.astype(np.uint16) * 257
    plain = {
        "JPEG": ("JPEG", {}),
        "JPEG progressive": ("JPEG", {"progressive": True}),
        "WEBP lossless": ("WEBP", {"lossless": True}),
        "TIFF lzw": ("TIFF", {"compression": "tiff_lzw"}),
        "TIFF jpeg": ("TIFF", {"compression": "jpeg"}),
        "TIFF deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
        "PNG palette": ("PNG", {}),
        "TIFF pages": ("TIFF", {"save_all": True, "append_images": [image.resize((9, 9))]}),
    }
    if kind in plain or kind in Image.SAVE or kind in ("PNG", "WEBP", "TIFF", "AVIF", "PPM"):
        name, options = plain.get(kind, (kind, {}))
        stream = io.BytesIO()
        (image.quantize(64) if "palette" in kind else image).save(stream, name, **options)
        return stream.getvalue()
    if kind == "PSD":
        head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3) + bytes(14)
        return head + np.moveaxis(pixels, 2, 0).tobytes()
    import imagecodecs
    import tifffile

    if kind == "PNG 16":
        return imagecodecs.png_encode(deep)
    if kind == "JPEG XL":
        return imagecodecs.jpegxl_encode(pixels, lossless=True)
    if kind == "JPEG-LS":
        return imagecodecs.jpegls_encode(pixels)
    stream = io.BytesIO()
    if kind == "TIFF planes":
        tifffile.imwrite(stream, np.moveaxis(deep, 2, 0), photometric="rgb",
                         planarconfig="separate", compression="lzw", metadata=None)  # fmt: skip
    elif kind == "TIFF float":
        tifffile.imwrite(stream, (pixels / 255).astype(np.float32), photometric="rgb",
                         metadata=None)  # fmt: skip
    else:
        tifffile.imwrite(stream, pixels, photometric="rgb", bigtiff=True, tile=(32, 32),
                         compression="zlib", metadata=None)  # fmt: skip
    return stream.getvalue()


@contextlib.contextmanager
def _standard_error() -> Iterator[io.StringIO]:
    """Collect what C libraries write to the standard error stream."""
    sys.stderr.flush()
    kept, text = os.dup(2), io.StringIO()
    with tempfile.TemporaryFile() as stream:
        os.dup2(stream.fileno(), 2)
        try:
            yield text
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            stream.seek(0)
            text.write(stream.read(2000).decode(errors="replace"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--count", type=int, help="cases for each target, however long it takes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("campaign"))
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=list(TARGETS))
    arguments = parser.parse_args()
    failed = False
    for target in arguments.only:
        failed |= _run(target, arguments)
    raise SystemExit(1 if failed else 0)


def _run(target: str, arguments: argparse.Namespace) -> bool:
    end = time.monotonic() + 60 * arguments.minutes
    answers: Counter[str] = Counter()
    faults: dict[str, Trial] = {}
    slowest, tried, start = (0.0, ""), 0, time.monotonic()
    while tried < arguments.count if arguments.count else time.monotonic() < end:
        # A generator of its own for each, so that any one can be tried again alone.
        rng = np.random.default_rng([arguments.seed, tried])
        began = time.perf_counter()
        trial = TARGETS[target](rng)
        slowest = max(slowest, (time.perf_counter() - began, trial.name))
        answers[trial.answer] += 1
        if trial.fault:
            print(f"  {target} {tried}: {trial.name}: {trial.fault}", flush=True)
            known = faults.get(trial.fault)
            if known is None or len(trial.data) < len(known.data):
                faults[trial.fault] = trial
        tried += 1
    for number, trial in enumerate(faults.values()):
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / f"{target}-{number}").write_bytes(trial.data)
    seconds = time.monotonic() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{target}, seed {arguments.seed}: {tried} inputs in {seconds:.0f} s, "
        + ", ".join(f"{count} {answer}" for answer, count in sorted(answers.items()))
        + f"; {len(faults)} kinds of fault; slowest {slowest[0]:.2f} s ({slowest[1]}); "
        f"{memory:.0f} MiB at most"
    )
    return bool(faults)


if __name__ == "__main__":
    main()
