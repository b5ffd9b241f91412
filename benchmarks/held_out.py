"""Pictures by artists that a model never saw, of every kind that it is calibrated for.

    python -m benchmarks.held_out work/pbn --more $MORE --natural $NATURAL --out work/held-out

thumbnails   the validation artists' paintings in Painter by Numbers
recaptured, greyscale, small   copies of four of them by each artist (`benchmarks.validation`)
natural      thumbnails of the validation artists in their true proportions
photographs  photographs by validation artists, each source a collection of its own
new          the same by artists who are not in Painter by Numbers; `vit` learned from them
apart        every second of those, drawn by their names, from whom `lite` did not learn
reduced      squeezed thumbnails of photographs by validation and apart artists, and copies of
             those, to be held against photographs: few artists have both
museum       another museum's photographs

All are listed in one table, `held-out.csv`; no test artist of Painter by Numbers is among them, but
for seven in the museum.
"""

import argparse
import csv
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.make_vit.gather import cut_out
from benchmarks.validation.copies import KINDS
from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings
from samehand.files import sha256_bytes, write_text
from samehand.images.decode import decode_file
from samehand.model.embed import embed_files
from samehand.progress import track
from samehand.scoring.condition_fitting import Pictures
from samehand.verification.condition import kinds_of
from samehand.verification.verifier import SameHand

TABLE = "held-out.csv"
PHOTOGRAPHS = "photographs-512"
COPIED = 4
"""Paintings of each artist that copies are made of."""

_FIELDS = ("file", "artist", "work", "collection")


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Embedded pictures, and the name of each one's collection."""

    pictures: Pictures
    collections: NDArray[np.str_]

    def only(self, collection: str) -> "HeldOut":
        """Return the pictures of one collection."""
        return self._take(self.collections == collection)

    def without(self, collection: str) -> "HeldOut":
        """Return all pictures but those of collections whose names begin so."""
        return self._take(~np.char.startswith(self.collections, collection))

    def _take(self, kept: NDArray[np.bool_]) -> "HeldOut":
        old = self.pictures
        pictures = Pictures(
            old.enrolled.take(np.flatnonzero(kept)),
            old.artist[kept],
            old.work[kept],
            [old.kind[i] for i in np.flatnonzero(kept)],
            old.collection[kept],
        )
        return HeldOut(pictures, self.collections[kept])


def make_held_out(catalogue: Path, more: Path, natural: Path, out: Path) -> Path:
    """Write the pictures that are in no folder yet, and the table of all.

    Args:
        catalogue: A catalogue of Painter by Numbers, made by `samehand prepare pbn`.
        more: The folder of further pictures, with `paintings.csv` and zips.
        natural: The folder of the museum's photographs, with `paintings.csv`.
        out: The folder to fill.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = load_catalogue(catalogue)
    held = calibration_paintings(table)
    rows = [
        _row((catalogue / one["path"]).resolve(), one["artist"], one["painting_id"], "thumbnails")
        for one in held.iter_rows(named=True)
    ]
    few = held.sort("sha256").group_by("artist", maintain_order=True).head(COPIED)
    for kind in KINDS:
        (out / kind).mkdir(exist_ok=True)
        for one in track(few.to_dicts(), f"making {kind} copies", len(few)):
            name = Path(one["path"]).stem
            image = decode_file(catalogue / one["path"]).image
            file = KINDS[kind](image, one["path"], out / kind / f"{name}.png")
            rows.append(_row(out / kind / file, one["artist"], one["painting_id"], kind))
    further = _further(more, {_slug(name) for name in held["artist"]}, table, out)
    rows += further + _reduced(further, out)
    with open(natural / "paintings.csv", newline="", encoding="utf-8") as source:
        for line in csv.DictReader(source):
            rows.append(_row(natural / "images" / line["file"], line["artist"], "", "museum"))
    lines = [",".join(_FIELDS)]
    lines += [",".join(f'"{row[name]}"' for name in _FIELDS) for row in rows]
    write_text(out / TABLE, "\n".join(lines) + "\n")
    return out / TABLE


def _further(more: Path, held: set[str], table: pl.DataFrame, out: Path) -> list[dict[str, str]]:
    known = {_slug(name) for name in table["artist"].drop_nulls()}
    rows = []
    with open(more / "paintings.csv", newline="", encoding="utf-8") as source:
        lines = list(csv.DictReader(source))
    archives: dict[str, zipfile.ZipFile] = {}
    for line in lines:
        where = line["file"].split("/")[0]
        own, new = _slug(line["artist"]) in held, _slug(line["artist"]) not in known
        # Another file of a painting that is among the thumbnails would count as a pair by one hand.
        if line["copy_of_pbn_mini"] == "1" or line["pbn_group"] == "measure_only":
            continue
        source_name = line["source"].split("@")[0].replace("/", "-")
        if own and where == "natural-224":
            collection = "natural"
        elif own and where == PHOTOGRAPHS:
            collection = f"photographs {source_name}"
        elif new and not line["pbn_group"] and where == PHOTOGRAPHS:
            collection = f"{'apart' if set_apart(line['artist']) else 'new'} {source_name}"
        else:
            continue
        target = (out / line["file"]).with_suffix(".png")
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            cut_out(more, line, archives).save(target)
        rows.append(_row(target, line["artist"], "", collection))
    for archive in archives.values():
        archive.close()
    return rows


def _reduced(rows: list[dict[str, str]], out: Path) -> list[dict[str, str]]:
    photographs = [one for one in rows if one["collection"].startswith(("photographs", "apart"))]
    (out / "reduced").mkdir(exist_ok=True)
    found = []
    for number, one in enumerate(track(photographs, "reducing photographs", len(photographs))):
        image = decode_file(Path(one["file"])).image.resize((224, 224))
        file = out / "reduced" / f"{number:05}.jpg"
        image.save(file, quality=90)
        found.append(_row(file, one["artist"], one["file"], "reduced"))
        for kind, copy in KINDS.items():
            name = copy(image, one["file"], out / "reduced" / f"{number:05}-{kind}.png")
            target = out / "reduced" / name
            found.append(_row(target, one["artist"], one["file"], f"reduced, {kind}"))
    return found


def set_apart(artist: str) -> bool:
    """Return whether an artist who is not in Painter by Numbers is kept for calibrating `lite`."""
    return sha256_bytes(_slug(artist).encode())[-1] in "02468ace"


def read_held_out(model: SameHand, table: Path, cache: Path | None, *, new: str) -> HeldOut:
    """Embed the pictures of `make_held_out`.

    Args:
        model: The model.
        table: The table.
        cache: A cache of embeddings.
        new: Which artists who are not in Painter by Numbers are held out from this model, too:
            "none", those "apart", or "all".
    """
    with open(table, newline="", encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    left_out = {"none": ("new ", "apart "), "apart": ("new ",), "all": ()}[new]
    rows = [row for row in rows if not row["collection"].startswith(left_out)]
    paths = [Path(row["file"]) for row in rows]
    embedded = embed_files(model.embedder, paths, cache)
    kinds = kinds_of(paths, embedded, cache)
    kept = [i for i, path in enumerate(paths) if path not in embedded.failures]
    # Artists of one source who are held out and new ones are one collection.
    names = [re.sub("^(new|apart) ", "photographs ", rows[i]["collection"]) for i in kept]
    return HeldOut(
        Pictures(
            model.folder.comparator.enrol(embedded.embeddings[kept]),
            _numbers([_slug(rows[i]["artist"]) for i in kept]),
            _numbers([rows[i]["work"] or str(paths[i]) for i in kept]),
            [kinds[i] for i in kept],
            _numbers(names),
        ),
        np.array(names),
    )


def _row(path: Path, artist: str, work: str, collection: str) -> dict[str, str]:
    return {"file": str(path), "artist": artist, "work": work, "collection": collection}


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z]", "", plain)


def _numbers(names: list[str]) -> NDArray[np.int64]:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def main() -> None:
    """Make the pictures and their table."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    asked.add_argument("catalogue", type=Path)
    for name in ("more", "natural", "out"):
        asked.add_argument(f"--{name}", type=Path, required=True)
    options = asked.parse_args()
    print(make_held_out(options.catalogue, options.more, options.natural, options.out))


if __name__ == "__main__":
    main()
