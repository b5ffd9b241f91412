"""The open data of the National Gallery of Art, Washington: https://github.com/NationalGalleryOfArt/opendata.

Read from a folder that holds its `objects.csv` and `published_images.csv`.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from samehand.catalogue.offers import CC0, Offer, text_of
from samehand.errors import CatalogueError


def offers(folder: Path, words: str, size: int) -> Iterator[Offer]:
    """Yield the paintings whose title or attribution contains `words`.

    Raises:
        CatalogueError: A table is missing.
    """
    images = {
        row["depictstmsobjectid"]: row
        for row in _rows(folder / "published_images.csv")
        if row.get("viewtype") == "primary" and row.get("depictstmsobjectid")
    }
    for row in _rows(folder / "objects.csv"):
        said = f"{row.get('title')} {row.get('attribution')}".casefold()
        if row.get("classification") != "Painting" or words.casefold() not in said:
            continue
        image = images.get(row.get("objectid", ""), {})
        service = text_of(image.get("iiifurl"))
        yield Offer(
            key=str(row.get("objectid")),
            image=f"{service}/full/!{size},{size}/0/default.jpg" if service else None,
            title=text_of(row.get("title")),
            artist=text_of(row.get("attribution")),
            date=text_of(row.get("displaydate")),
            licence=CC0 if image.get("openaccess") == "1" else None,
            credit=text_of(row.get("creditline")),
            source=f"https://www.nga.gov/artworks/{row.get('objectid')}",
            accession_number=text_of(row.get("accessionnum")),
        )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from csv.DictReader(stream)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogueError(
            f"cannot read {path}; download objects.csv and published_images.csv of the NGA's open "
            "data into one folder"
        ) from error
