"""Draw the README's picture from the examples: python scripts/make_readme_picture.py."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samehand import SameHand
from samehand.explain.evidence_sheet import draw_evidence

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "images" / "readme.png"
MARGIN = 28
"""Pixels of the sheet left under the panel of corresponding regions."""
PANEL = 150
"""No line of text is so high, in pixels."""


def main() -> None:
    """Compare two paintings of the atelier, and keep the verdict and the regions that match."""
    model = SameHand()
    folder = ROOT / "examples" / "atelier"
    one, two = (model.open(folder / f"painter-b-{number}.jpg") for number in (1, 3))
    verdict = replace(model.compare(one, two), evidence=model.explain(one, two))
    draw_evidence(one, two, verdict, TARGET)
    with Image.open(TARGET) as sheet:
        picture = sheet.convert("RGB")
    height = min(_end_of_first_panel(np.asarray(picture)) + MARGIN, picture.height)
    picture.crop((0, 0, picture.width, height)).quantize(256).save(TARGET, optimize=True)
    print(f"wrote {TARGET}")


def _end_of_first_panel(pixels: NDArray[np.uint8]) -> int:
    """Return the first empty row below the first rows that are too many for text."""
    empty = (pixels == pixels[0, 0]).all(axis=(1, 2))
    changes = np.flatnonzero(np.diff(np.concatenate(([True], empty, [True]))))
    runs = changes.reshape(-1, 2)
    return int(next(end for start, end in runs if end - start > PANEL))


if __name__ == "__main__":
    main()
