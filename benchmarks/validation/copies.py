"""Copies of paintings as other files would show them: photographed again, greyscale, small."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from benchmarks.paper.capture import CaptureRange, draw_capture, recapture
from samehand.catalogue.pictures import find_pictures
from samehand.images.decode import decode_file
from samehand.progress import track

SMALL = 0.6
"""Factor of either side of a small copy."""


def _recaptured(image: Image.Image, name: str, target: Path) -> str:
    file = f"{target.stem}.jpg"
    (target.parent / file).write_bytes(recapture(image, draw_capture(name, 0, CaptureRange())))
    return file


def _greyscale(image: Image.Image, _name: str, target: Path) -> str:
    image.convert("L").convert("RGB").save(target)
    return target.name


def _small(image: Image.Image, _name: str, target: Path) -> str:
    size = (round(image.width * SMALL), round(image.height * SMALL))
    image.resize(size, Image.Resampling.BICUBIC).save(target)
    return target.name


KINDS: dict[str, Callable[[Image.Image, str, Path], str]] = {
    "recaptured": _recaptured,
    "greyscale": _greyscale,
    "small": _small,
}


def make_copies(targets: Sequence[Path], images: Path | None, kind: str, out: Path) -> Path:
    """Write a copy of every picture, and a table of them.

    Args:
        targets: Tables or folders that name artists.
        images: The folder that tables' paths are relative to.
        kind: A key of `KINDS`.
        out: The folder to fill.

    Returns:
        The table.
    """
    found = [one for one in find_pictures(targets, images=images).items if one.path is not None]
    out.mkdir(parents=True, exist_ok=True)
    table = out / "paintings.csv"
    with open(table, "w", newline="", encoding="utf-8") as sink:
        writer = csv.writer(sink)
        writer.writerow(["file", "artist", "style"])
        for number, one in enumerate(track(found, f"making {kind} copies", len(found))):
            assert one.path is not None
            image = decode_file(one.path).image
            file = KINDS[kind](image, one.name, out / f"{number:05}.png")
            writer.writerow([file, one.labels.get("artist"), one.labels.get("style")])
    return table
