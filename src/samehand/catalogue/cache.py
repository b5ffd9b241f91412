"""The image cache: every painting decoded once, measured, and kept at a modest size.

A journal of JSON lines remembers each finished file, so that an interrupted run resumes where it
stopped and a repeated one opens no image.
"""

import base64
import hashlib
import io
import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import imagehash
from PIL import Image

from samehand.catalogue.clean import jpeg_is_cut
from samehand.catalogue.sources import Blob, SourceRow
from samehand.errors import ImageError
from samehand.files import atomic_path, output_error, read_json, sha256_bytes
from samehand.images.decode import Decoded, decode_bytes
from samehand.images.likeness import thumbnail

JOURNAL_NAME = ".prepare-journal.jsonl"

ORIENTATION = 0x0112
"""The EXIF tag that says which way is up; 1 is upright."""

VERSION = 1
"""Part of every journal key; raise it when the same file would be measured differently."""


@dataclass(frozen=True, slots=True)
class CachedImage:
    """What is known of one painting's image, or why there is none.

    Attributes:
        key: Digest of everything that the result depends on.
        path: The cached file relative to the catalogue's folder, or None where no file decodes.
        origin: The file that was used.
        width: Of the cached image, in pixels.
        height: Of the cached image, in pixels.
        bytes: Length of the cached file.
        sha256: Of the cached file.
        phash: 64-bit perceptual hash, 16 hex digits.
        pixels: Width times height of the image before it was shrunk.
        thumbnail: Base64 of `duplicates.thumbnail`.
        repaired: Whether a replacement or a second copy was used.
        fault: What is wrong with the file that comes first where it could not be used as it is.
        cut: Whether the file that was used decodes although its end is missing.
        source_bytes: Length of the file that was used.
    """

    key: str
    path: str | None = None
    origin: str = ""
    width: int = 0
    height: int = 0
    bytes: int = 0
    sha256: str = ""
    phash: str = ""
    pixels: int = 0
    thumbnail: str = ""
    repaired: bool = False
    fault: str | None = None
    cut: bool = False
    source_bytes: int = 0


def cache_key(row: SourceRow, max_side: int) -> str:
    """Return a digest of everything that decides what a row's cached image is."""
    parts = [str(VERSION), row.painting_id, str(max_side)]
    parts += [f"{blob.origin}\t{blob.stamp}\t{blob.replacement}" for blob in row.files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def cache_image(row: SourceRow, folder: Path, max_side: int) -> CachedImage:
    """Decode a row's first good file and keep it in `folder`.

    An upright RGB JPEG or PNG without a colour profile that is no larger than `max_side` is kept
    byte for byte; anything else becomes a JPEG of quality 95 without chroma subsampling.

    Args:
        row: A row with at least one file.
        folder: The catalogue's folder; images go to `images/` below it.
        max_side: The longest side in pixels that is kept.

    Returns:
        The measured image, or one without a path whose `fault` says why.

    Raises:
        OutputError: The folder cannot be written.
    """
    key = cache_key(row, max_side)
    faults: list[str] = []
    decodable: list[tuple[bool, Blob, bytes, Decoded]] = []
    for blob in row.files:
        try:
            data, decoded = open_blob(blob, max_side)
        except ImageError as error:
            faults.append(str(error))
            continue
        cut = jpeg_is_cut(data)
        decodable.append((cut, blob, data, decoded))
        if not cut:
            break
        faults.append(f"{blob.origin} has lost its end")
    if not decodable:
        return CachedImage(key, fault=faults[0])
    # False sorts first: a cut file is used only where no whole one exists.
    cut, blob, data, decoded = min(decodable, key=lambda found: found[0])
    if blob.replacement and not faults:
        faults = [fault_of(other, max_side) for other in row.files if not other.replacement]
    kept, suffix = keepable(data, decoded, max_side)
    path = f"images/{row.painting_id}{suffix}"
    with atomic_path(folder / path) as temporary:
        temporary.write_bytes(kept)
    # What is measured is what later commands will read.
    image = decoded.image if kept is data else decode_bytes(kept, path, max_side).image
    return CachedImage(
        key,
        path,
        blob.origin,
        image.width,
        image.height,
        len(kept),
        sha256_bytes(kept),
        str(imagehash.phash(image)),
        decoded.width * decoded.height,
        base64.b64encode(thumbnail(image).tobytes()).decode(),
        repaired=blob.replacement or (bool(faults) and not cut),
        fault=faults[0] if faults else None,
        cut=cut,
        source_bytes=len(data),
    )


def open_blob(blob: Blob, max_side: int) -> tuple[bytes, Decoded]:
    """Read and decode one file.

    Raises:
        ImageError: It is not a readable image; the message is a clause for the report.
    """
    data = blob.read()
    if data and not data[:16].strip(b"\0"):
        raise ImageError(f"{blob.origin} is overwritten: it starts with zeros")
    try:
        return data, decode_bytes(data, blob.origin, max_side)
    except ImageError as error:
        # The advice after the semicolon suits one file at a prompt, not a list of them.
        raise ImageError(str(error).split("; ")[0]) from error


def fault_of(blob: Blob, max_side: int) -> str:
    """Return what is wrong with a file that has a replacement."""
    try:
        data, _ = open_blob(blob, max_side)
    except ImageError as error:
        return str(error)
    return f"{blob.origin} {'has lost its end' if jpeg_is_cut(data) else 'shows no fault'}"


def keepable(data: bytes, decoded: Decoded, max_side: int) -> tuple[bytes, str]:
    """Return the bytes to keep, which are `data` where they will do, and their suffix."""
    suffix = ".jpg" if data.startswith(b"\xff\xd8") else ".png"
    magic = (b"\xff\xd8", b"\x89PNG")
    small = max(decoded.width, decoded.height) <= max_side
    if small and data.startswith(magic) and not decoded.notes and is_plain(data):
        return data, suffix
    stream = io.BytesIO()
    decoded.image.save(stream, "JPEG", quality=95, subsampling=0, optimize=True)
    return stream.getvalue(), ".jpg"


def is_plain(data: bytes) -> bool:
    """Return whether a JPEG or PNG needs no conversion: one RGB picture, upright, no profile."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        with Image.open(io.BytesIO(data)) as header:
            return (
                header.format in ("JPEG", "PNG")
                and header.mode == "RGB"
                and not header.has_transparency_data
                and "icc_profile" not in header.info
                and header.getexif().get(ORIENTATION, 1) == 1
            )


def read_journal(folder: Path) -> dict[str, CachedImage]:
    """Return what earlier runs finished, by key, where the cached files are still there.

    A line that a crash tore is skipped, and so is one of another version.
    """
    path = folder / JOURNAL_NAME
    images = folder / "images"
    sizes = (
        {f"images/{entry.name}": entry.stat().st_size for entry in os.scandir(images)}
        if images.is_dir()
        else {}
    )
    known: dict[str, CachedImage] = {}
    if not path.is_file():
        return known
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                image = CachedImage(**read_json(line))
            except (ValueError, TypeError):
                continue
            if image.path is None or sizes.get(image.path) == image.bytes:
                known[image.key] = image
    return known


@contextmanager
def journal_writer(folder: Path) -> Iterator[Callable[[CachedImage], None]]:
    """Yield a function that remembers one finished image at once.

    Raises:
        OutputError: The folder cannot be written.
    """
    path = folder / JOURNAL_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(path, "a+b") as stream:
            # A line torn by a crash must not swallow the next one.
            if stream.tell() and not ends_with_newline(stream):
                stream.write(b"\n")

            def remember(image: CachedImage) -> None:
                stream.write(json.dumps(asdict(image)).encode() + b"\n")
                stream.flush()

            yield remember
    except OSError as error:
        raise output_error(path, error) from error


def ends_with_newline(stream: BinaryIO) -> bool:
    """Return whether the last byte of a file that is not empty is a newline."""
    stream.seek(-1, os.SEEK_END)
    return stream.read(1) == b"\n"
