"""One catalogue of training pictures from Painter by Numbers and from further collections.

Artists who validate or test stay where they are, whatever a further collection shows of them.
"""

import csv
import io
import shutil
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import imagehash
import polars as pl
from PIL import Image

from samehand.catalogue.schema import SCHEMA, load_catalogue, write_catalogue
from samehand.errors import CatalogueError
from samehand.files import sha256_file
from samehand.progress import track

TRAINED = ("", "train_and_test", "train_only")
"""Values of `pbn_group` whose pictures may train; an empty one is an artist who is new."""


def gather(pbn: Path, more: Sequence[Path], out: Path) -> pl.DataFrame:
    """Write a catalogue of all pictures that may train, and of those that validate.

    Args:
        pbn: A catalogue of Painter by Numbers, made by `samehand prepare pbn`.
        more: Folders with `paintings.csv` and pictures, beside it or in zips of their folders'
            names, with columns file, artist, title, style, pbn_group, copy_of_pbn_mini, and
            crop_x0 to crop_y1 where a picture has a border.
        out: The catalogue's folder; pictures that lie there already are not written again.

    Raises:
        CatalogueError: A catalogue or a table cannot be used.
    """
    table = load_catalogue(pbn).filter(pl.col("split").is_in(["train", "validation"]))
    # The test rows are not even copied: nothing that is made here can meet them.
    kept_back = load_catalogue(pbn).filter(pl.col("split").is_in(["validation", "test"]))
    trained = {slug(name) for name in table.filter(pl.col("split") == "train")["artist"]}
    barred = {slug(name) for name in kept_back["artist"]} - trained
    rows = []
    for row in track(table.iter_rows(named=True), "copying thumbnails", len(table)):
        target = out / row["path"]
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pbn / row["path"], target)
        rows.append(row)
    names = {slug(name): name for name in table["artist"]}
    for folder in more:
        rows += _further(folder, barred, names, out)
    found = pl.DataFrame(rows, schema=SCHEMA).unique("sha256", keep="first", maintain_order=True)
    write_catalogue(found, out)
    return found


def _further(
    folder: Path, barred: set[str], names: dict[str, str], out: Path
) -> Iterable[dict[str, Any]]:
    table = folder / "paintings.csv"
    try:
        with open(table, newline="", encoding="utf-8") as source:
            listed = list(csv.DictReader(source))
        chosen = [
            row
            for row in listed
            if row["pbn_group"] in TRAINED
            and row["copy_of_pbn_mini"] != "1"
            and slug(row["artist"]) not in barred
        ]
    except (OSError, KeyError, csv.Error) as error:
        raise CatalogueError(
            f"{table} is not a table of further pictures ({error}); name a folder that has one"
        ) from error
    archives: dict[str, zipfile.ZipFile] = {}
    for row in track(chosen, f"cutting out pictures of {folder.name}", len(chosen)):
        path = Path(row["file"]).with_suffix(".png")
        target = out / path
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            cut_out(folder, row, archives).save(target)
        yield _row(row, path, target, names.get(slug(row["artist"]), row["artist"]))


def cut_out(folder: Path, row: dict[str, str], archives: dict[str, zipfile.ZipFile]) -> Image.Image:
    """Return a picture of `paintings.csv` without its border.

    Args:
        folder: Where the table lies.
        row: Its line.
        archives: Zips that are open; those that are needed are added.
    """
    image = Image.open(io.BytesIO(_read(folder, row["file"], archives))).convert("RGB")
    if row.get("crop_x1"):
        box = [round(float(row[f"crop_{side}"])) for side in ("x0", "y0", "x1", "y1")]
        image = image.crop((box[0], box[1], box[2], box[3]))
    return image


def _row(row: dict[str, str], path: Path, target: Path, artist: str) -> dict[str, Any]:
    with Image.open(target) as image:
        size, phash = image.size, str(imagehash.phash(image))
    return dict.fromkeys(SCHEMA) | {
        "painting_id": str(path.with_suffix("")),
        "path": str(path),
        "artist": artist,
        "title": row.get("title") or None,
        "style": (row.get("style") or "").replace("_", " ") or None,
        "source": row.get("source") or None,
        "width": size[0],
        "height": size[1],
        "bytes": target.stat().st_size,
        "sha256": sha256_file(target),
        "phash": phash,
        "split": "train",
        "origin": row["file"],
        "repaired": False,
    }


def _read(folder: Path, file: str, archives: dict[str, zipfile.ZipFile]) -> bytes:
    try:
        if (folder / file).is_file():
            return (folder / file).read_bytes()
        name, _, inside = file.partition("/")
        if name not in archives:
            archives[name] = zipfile.ZipFile(folder / f"{name}.zip")
        archive = archives[name]
        return archive.read(file if file in archive.NameToInfo else inside)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise CatalogueError(
            f"{folder} has no picture {file} beside its table or in a zip; take it out of the table"
        ) from error


def slug(name: str) -> str:
    """Return an artist's name without accents, capitals and punctuation."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain.lower() if letter.isalnum())


def collections_of(table: pl.DataFrame) -> list[str]:
    """Return which collection each picture is of: the folder that it lies in."""
    return [Path(path).parts[0] for path in table["path"]]
