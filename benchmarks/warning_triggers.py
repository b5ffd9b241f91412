"""What the triggers of serving/warnings.py rest on, measured on validation artists.

    python benchmarks/warning_triggers.py CATALOGUE

Prints the AUC among validation paintings after shrinking them to N pixels and back (SMALL_SIDE),
the cosine of known duplicates in the catalogue (DUPLICATE_COSINE), and how far JPEGs of greyscale
versions of paintings stray from grey (_GREY_CHROMA).
"""

import io
import sys
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from samehand import SameHand
from samehand.evaluation.metrics import auc
from samehand.images.decode import decode_bytes, decode_file
from samehand.scoring.comparator import enrol, pair_scores


def main() -> None:
    root = Path(sys.argv[1])
    table = pl.read_parquet(root / "catalogue.parquet")
    same_hand = SameHand()
    validation = table.filter(pl.col("split") == "validation").sort("painting_id")[::2]
    images = [decode_file(root / path).image for path in validation["path"]]
    print("shorter side   AUC on validation artists")
    for side in (224, 128, 96, 64, 48, 32):
        shrunk = [image.resize((side, side), Image.Resampling.LANCZOS) for image in images]
        print(f"{side:12d}   {measure(same_hand, shrunk, validation['artist'].to_numpy()):.3f}")
    copies = table.filter(pl.col("exclusion").str.starts_with("duplicate of "))
    cosines = []
    for row in copies.iter_rows(named=True):
        kept = table.filter(pl.col("painting_id") == row["exclusion"].removeprefix("duplicate of "))
        pair = same_hand.embed([root / row["path"], root / kept["path"][0]])
        cosines.append(float(pair[0] @ pair[1]))
    print("cosine of known duplicates:", " ".join(f"{value:.2f}" for value in sorted(cosines)))
    print(f"largest distance from grey in greyscale JPEGs: {max(map(grey_distance, images)):.1f}")


def measure(same_hand: SameHand, images: list[Image.Image], artists: np.ndarray) -> float:
    rows = [same_hand.embedder.embed(same_hand.embedder.render(image)[None]) for image in images]
    comparator = same_hand.model.comparator
    enrolled = enrol(comparator, np.concatenate(rows))
    left, right = np.triu_indices(len(images), k=1)
    scores = pair_scores(comparator, enrolled, left, right)
    return auc(scores, artists[left] == artists[right])


def grey_distance(image: Image.Image) -> float:
    buffer = io.BytesIO()
    image.convert("L").convert("RGB").save(buffer, "JPEG", quality=75)
    decoded = decode_bytes(buffer.getvalue(), "grey").image
    small = np.asarray(decoded.resize((32, 32), Image.Resampling.BOX), dtype=np.float32)
    return float((small.max(axis=2) - small.min(axis=2)).max())


if __name__ == "__main__":
    main()
