"""What the triggers of verification/warnings.py rest on, measured on validation artists.

    python benchmarks/warning_triggers.py CATALOGUE

Prints the AUC among validation paintings after shrinking them to N pixels and back (SMALL_SIDE)
and after saving them as JPEGs (JPEG_QUALITY), the cosine of known duplicates in the catalogue
(LOOKED_AT_COSINE), how far JPEGs of greyscale versions of paintings stray from grey
(_GREY_CHROMA), how often frames and colour charts are noticed around paintings that have been
given one, and in paintings as they are (FRAME_COHERENCE, CHART_HUES), and how often test paintings,
their outlines, pages of text and photographs (pip install scikit-image) count as strange.

--part names one of these measurements: shrunk, jpeg, copies, grey, surroundings, domain.
"""

import io
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from shared import arguments

from samehand import SameHand
from samehand.atelier import paint, painter
from samehand.evaluation.metrics import auc
from samehand.images.decode import decode_bytes, decode_file
from samehand.images.surroundings import CHART_HUES, FRAME_COHERENCE, chart_hues, frame_coherence

PARTS = ("shrunk", "jpeg", "copies", "grey", "surroundings", "domain")

# Of a chart that photographers lay beside paintings: cyan, green, yellow, red, magenta, ...
PATCHES = ((0, 133, 165), (0, 145, 60), (250, 220, 30), (200, 30, 40), (190, 60, 140))
PATCHES += ((240, 240, 240), (90, 60, 40), (20, 20, 20))

MOULDINGS = ((150, 110, 50), (60, 40, 25), (30, 30, 30), (200, 180, 120), (235, 232, 225))

PHOTOGRAPHS = ("astronaut", "brick", "camera", "cat", "cell", "clock", "coffee", "coins", "grass")
PHOTOGRAPHS += ("gravel", "hubble_deep_field", "immunohistochemistry", "microaneurysms", "moon")
PHOTOGRAPHS += ("page", "retina", "rocket", "text")

SENTENCE = "Were these two paintings made by the same artist? The images do not say it alone. "


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--every", type=int, default=2, help="use every n-th validation painting")
    options = parser.parse_args()
    parts = options.part or PARTS
    root = options.catalogue
    table = pl.read_parquet(root / "catalogue.parquet")
    same_hand = SameHand(options.model)
    validation = table.filter(pl.col("split") == "validation").sort("painting_id")
    validation = validation[:: options.every]
    images = [decode_file(root / path).image for path in validation["path"]]
    artists = validation["artist"].to_numpy()
    if "shrunk" in parts:
        print("shorter side   AUC on validation artists")
        for side in (224, 128, 96, 64, 48, 32):
            shrunk = [image.resize((side, side), Image.Resampling.LANCZOS) for image in images]
            print(f"{side:12d}   {measure(same_hand, shrunk, artists):.3f}")
    if "jpeg" in parts:
        print("JPEG quality   AUC on validation artists")
        print(f"    as it is   {measure(same_hand, images, artists):.3f}")
        for quality in (30, 20, 10, 5):
            saved = [as_jpeg(image, quality) for image in images]
            print(f"{quality:12d}   {measure(same_hand, saved, artists):.3f}")
    if "copies" in parts:
        copies(same_hand, table, root)
    if "grey" in parts:
        print(
            f"largest distance from grey in greyscale JPEGs: {max(map(grey_distance, images)):.1f}"
        )
    if "surroundings" in parts:
        surroundings(images)
    if "domain" in parts:
        domain(same_hand, table, root)


def copies(same_hand: SameHand, table: pl.DataFrame, root: Path) -> None:
    known = table.filter(pl.col("exclusion").str.starts_with("duplicate of "))
    cosines = []
    for row in known.iter_rows(named=True):
        kept = table.filter(pl.col("painting_id") == row["exclusion"].removeprefix("duplicate of "))
        pair = same_hand.embed([root / row["path"], root / kept["path"][0]])
        cosines.append(float(pair[0] @ pair[1]))
    print("cosine of known duplicates:", " ".join(f"{value:.2f}" for value in sorted(cosines)))


def surroundings(images: list[Image.Image]) -> None:
    rng = np.random.default_rng(0)
    print("noticed              in paintings as they are   in paintings given one")
    rows = (
        ("frame or border", frame_coherence, FRAME_COHERENCE, framed),
        ("colour chart", chart_hues, CHART_HUES, charted),
    )
    for name, trait, least, given in rows:
        plain = np.mean([trait(image) >= least for image in images])
        made = np.mean([trait(given(image, rng)) >= least for image in images])
        print(f"{name:20s} {plain:25.1%} {made:24.1%}")


def framed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Put a moulding of random profile, colour and texture round a painting."""
    width, height = image.size
    deep = max(4, round(rng.uniform(0.04, 0.14) * min(width, height)))
    profile = np.interp(np.linspace(0, 1, deep), np.linspace(0, 1, 6), rng.uniform(0.55, 1.3, 6))
    rows, columns = np.mgrid[: height + 2 * deep, : width + 2 * deep]
    inside = (rows, columns, height + 2 * deep - 1 - rows, width + 2 * deep - 1 - columns)
    depth = np.clip(np.minimum.reduce(inside), 0, deep - 1)
    wood = np.array(MOULDINGS[rng.integers(len(MOULDINGS))]) * profile[depth][..., None]
    wood += rng.normal(0, rng.uniform(2, 18), depth.shape)[..., None]
    picture = Image.fromarray(np.clip(wood, 0, 255).astype(np.uint8))
    picture.paste(image, (deep, deep))
    return picture


def charted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Lay a row of colour patches below or beside a painting."""
    width, height = image.size
    long, tall = width * rng.uniform(0.5, 1), max(6, round(height * rng.uniform(0.045, 0.09)))
    picture = Image.new("RGB", (width, height + tall + 6), (235, 235, 235))
    picture.paste(image, (0, 0))
    pen, patch = ImageDraw.Draw(picture), long / len(PATCHES)
    left = rng.uniform(0, width - long)
    for number, colour in enumerate(PATCHES):
        x = left + number * patch
        pen.rectangle((x, height + 3, x + patch - 1, height + 3 + tall), fill=colour)
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.5)), np.float32)
    lit = soft * rng.uniform(0.75, 1.1) + rng.normal(0, 3, (*soft.shape[:2], 1))
    shown = Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
    return shown.transpose(Image.Transpose.ROTATE_90) if rng.random() < 0.5 else shown


def domain(same_hand: SameHand, table: pl.DataFrame, root: Path) -> None:
    tested = table.filter(pl.col("split") == "test").sort("painting_id")[::10]
    paintings = [decode_file(root / path).image for path in tested["path"]]
    limit = same_hand.folder.config.novelty_limit
    assert limit is not None
    print(f"stranger than {limit:.3f}, which 98 % of the calibration paintings are not")
    for name, images in {
        "test paintings": paintings,
        "their outlines, as in line drawings": [outlines(image) for image in paintings[:100]],
        "pages of text": [page(size) for size in range(10, 40)],
        "photographs": photographs(),
        "parts of two photographs": parts_of_photographs(),
        "paintings of the atelier": [
            paint(painter(0, index), subject, (480, 400))
            for index in range(10)
            for subject in range(3)
        ],
    }.items():
        noticed = [same_hand.open(image).novelty > limit for image in images]
        print(f"{name:36s} {np.mean(noticed):6.1%} of {len(images)}")


def outlines(image: Image.Image) -> Image.Image:
    lines = image.convert("L").filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.CONTOUR)
    return lines.convert("RGB")


def page(size: int) -> Image.Image:
    sheet = Image.new("RGB", (480, 640), (250, 250, 245))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size)
    for row in range(620 // (size + 6)):
        text = SENTENCE[row * 7 % len(SENTENCE) :] + SENTENCE
        pen.text((24, 16 + row * (size + 6)), text[: 760 // size], (20, 20, 20), font)
    return sheet


def photographs() -> list[Image.Image]:
    """Return what scikit-image ships as examples: snapshots, microscopy, astronomy, scans."""
    from skimage import data

    return [Image.fromarray(getattr(data, name)()).convert("RGB") for name in PHOTOGRAPHS]


def parts_of_photographs() -> list[Image.Image]:
    from sklearn.datasets import load_sample_images

    parts = []
    for pixels in load_sample_images().images:
        whole = Image.fromarray(pixels)
        width, height = (side // 3 for side in whole.size)
        parts.append(whole)
        parts += [
            whole.crop((x * width, y * height, (x + 1) * width, (y + 1) * height))
            for x in range(3)
            for y in range(3)
        ]
    return parts


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return decode_bytes(buffer.getvalue(), "a saved copy").image


def measure(same_hand: SameHand, images: list[Image.Image], artists: np.ndarray) -> float:
    comparator = same_hand.folder.comparator
    enrolled = comparator.enrol(same_hand.embed(images))
    left, right = np.triu_indices(len(images), k=1)
    scores = comparator.pair_scores(enrolled, left, right)
    return auc(scores, artists[left] == artists[right])


def grey_distance(image: Image.Image) -> float:
    buffer = io.BytesIO()
    image.convert("L").convert("RGB").save(buffer, "JPEG", quality=75)
    decoded = decode_bytes(buffer.getvalue(), "grey").image
    small = np.asarray(decoded.resize((32, 32), Image.Resampling.BOX), dtype=np.float32)
    return float((small.max(axis=2) - small.min(axis=2)).max())


if __name__ == "__main__":
    main()
