"""Identify each work of a collection among the rest of it: with its artist there, and without.

    python -m benchmarks.identify_loan TABLE --images FOLDER [--model vit] [--usual]

The table has the columns `file` and `artist`. With `--usual`, stored works are read by the
calibration of all pictures, as before they knew their kind.
"""

import argparse
import csv
import tempfile
from collections import Counter
from pathlib import Path

from samehand import SameHand
from samehand.gallery import Gallery, Work
from samehand.gallery.thumbnails import FILE


def main() -> None:
    """Print how often the right artist, a wrong one, and none is named."""
    asked = argparse.ArgumentParser()
    asked.add_argument("table", type=Path)
    asked.add_argument("--images", type=Path, required=True)
    asked.add_argument("--model", default="vit")
    asked.add_argument("--usual", action="store_true")
    options = asked.parse_args()
    model = SameHand(options.model)
    with options.table.open(encoding="utf-8") as source:
        works = [
            Work(str(options.images / row["file"]), row["artist"]) for row in csv.DictReader(source)
        ]
    counted = Counter(work.artist for work in works)
    with (
        tempfile.TemporaryDirectory() as folder,
        Gallery.create(Path(folder) / "gallery", model) as gallery,
    ):
        gallery.add(works, model)
        if options.usual:
            (gallery.folder / FILE).unlink()
        known, first, right, named, false = 0, 0, 0, 0, 0
        for work in works:
            probe = model.open(work.path)
            if counted[work.artist] > 1:
                found = model.identify(probe, gallery, 1)
                known += 1
                first += found.candidates[0].artist == work.artist
                right += found.artist == work.artist
                named += found.artist is not None
            without = model.identify(probe, gallery, 1, where=[f"artist!={work.artist}"])
            false += without.artist is not None
    print(
        f"{model.folder.identity}, {len(works)} works by {len(counted)} artists\n"
        f"artist there, {known} works: first {first / known:.3f}, named {named / known:.3f}, "
        f"rightly {right / known:.3f}\n"
        f"artist not there, {len(works)} works: somebody named {false / len(works):.3f}"
    )


if __name__ == "__main__":
    main()
