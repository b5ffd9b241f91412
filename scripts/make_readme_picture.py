"""Draw the README's picture from the examples: python scripts/make_readme_picture.py."""

from dataclasses import replace
from pathlib import Path

from PIL import Image

from samehand import SameHand
from samehand.explain.evidence_sheet import draw_evidence

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "images" / "readme.png"
HEIGHT = 592
"""Where the panel of corresponding regions ends, in pixels of the sheet."""


def main() -> None:
    """Compare two paintings of the atelier, and keep the verdict and the regions that match."""
    model = SameHand()
    folder = ROOT / "examples" / "atelier"
    one, two = (model.open(folder / f"painter-a-{number}.jpg") for number in (2, 3))
    verdict = replace(model.compare(one, two), evidence=model.explain(one, two))
    draw_evidence(one, two, verdict, TARGET)
    with Image.open(TARGET) as sheet:
        sheet.convert("RGB").crop((0, 0, sheet.width, HEIGHT)).quantize(256).save(
            TARGET, optimize=True
        )
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
