"""How empty real paintings are, to set the thresholds of `samehand.images.nothing`.

    python benchmarks/blank_pictures.py FOLDER_OR_ZIP ...

Prints the emptiest pictures by both measures, and how many would be refused.
"""

import heapq
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from samehand.images.nothing import LEAST_DEVIATION, LEAST_SHARE, content


def pictures(place: Path) -> Iterator[tuple[str, Image.Image]]:
    if place.is_dir():
        files = ((path.name, path.read_bytes()) for path in sorted(place.rglob("*.*")))
    else:
        archive = zipfile.ZipFile(place)
        names = (name for name in archive.namelist() if not name.endswith("/"))
        files = ((name, archive.read(name)) for name in names)
    for name, data in files:
        try:
            yield name, Image.open(io.BytesIO(data)).convert("RGB")
        except (OSError, SyntaxError):
            continue


def main() -> None:
    measured = [
        (*content(image), name) for place in sys.argv[1:] for name, image in pictures(Path(place))
    ]
    refused = [row for row in measured if row[0] < LEAST_DEVIATION or row[1] < LEAST_SHARE]
    print(f"{len(measured)} pictures, {len(refused)} of them blank by the thresholds")
    for title, at in (("deviation", 0), ("share", 1)):
        lowest = heapq.nsmallest(5, measured, key=lambda row: row[at])
        print(f"least {title}: " + ", ".join(f"{row[at]:.4f} ({row[2]})" for row in lowest))


if __name__ == "__main__":
    main()
