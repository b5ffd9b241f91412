"""The one reader of whatever a person points at: files, folders, tables, globs, zips, catalogues.

files     as they are
folders   every image below; a picture's artist is the first folder below the one named
tables    one row an image, with labels; see `headings` for the columns' names
globs     "secure/*.jpg", where the shell has not expanded it
zips      every image inside, as in a folder
catalogues  folders made by `samehand prepare`, with all that is known of each painting
"""

import glob
import os
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from samehand.catalogue.headings import missing_column, read_headings
from samehand.catalogue.locate import Locator, tidy_name
from samehand.catalogue.sources import Blob, existing_folder
from samehand.catalogue.table import Table, is_table_name, open_table
from samehand.catalogue.walk import (
    images_below,
    is_hidden,
    is_image_name,
    is_litter,
    natural_key,
)
from samehand.errors import CatalogueError, ImageError
from samehand.images.addresses import missing, path_of_address
from samehand.plural import counted

LABELS = (
    "artist", "artist_id", "qualifier", "title", "date", "date_from", "date_to",
    "accession_number", "style", "genre", "source", "split",
)  # fmt: skip
"""What a reader knows of a picture under these names; everything else is in `Listed.extra`."""

_NOT_LABELS = frozenset({"embedding", "encoder", "sha256", "added"})
"""Columns that samehand writes itself, which say nothing of the painting."""

Target = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Listed:
    """One picture that somebody pointed at.

    Attributes:
        name: What its source calls it: a path below a folder, or the value of a table.
        origin: Who names it, for messages: "works.csv, row 3", or its path.
        path: Its file, or where that was looked for; None inside a zip.
        blob: Its bytes, where it is inside a zip.
        labels: What is known of it, by the names of `LABELS`; nothing empty.
        extra: Every other column of its table, by heading in lower case; nothing empty.
        problem: Why it cannot be used, in one sentence, or None.
        guessed: Whether the artist is but the name of a folder, which any table outranks.
    """

    name: str
    origin: str
    path: Path | None = None
    blob: Blob | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Pictures:
    """What some targets list.

    Attributes:
        items: Every picture once, in the order of the targets and naturally within each.
        notes: What a person should know before work starts, a sentence each: repeated rows, an
            encoding that was guessed.
        repeated: Names of files that more than one row of a table names.
        folders: Folders that were listed whole, so that a file missing from them is gone.
        catalogues: Catalogues among the targets.
    """

    items: list[Listed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    catalogues: list[Path] = field(default_factory=list)

    def files(self) -> list[Path]:
        """Return the files, if every picture is one.

        Raises:
            ImageError: A picture cannot be used, or is inside a zip.
        """
        return [file_of(item) for item in self.items]


def find_pictures(
    targets: Target | Iterable[Target],
    *,
    images: Target | None = None,
    columns: Mapping[str, str] | None = None,
) -> Pictures:
    """List the pictures that some targets name, each once.

    Hidden files and thumbnails below folders, in globs and in zips are skipped; see `walk`. A file
    that several targets list has the labels of all, a later one's before an earlier one's. Within
    one table the first row counts, and the others are noted.

    Args:
        targets: Paths or patterns; a single one may stand alone.
        images: The folder that the paths of tables are relative to. They are looked for there,
            then beside the table, then in a folder `images` beside the table.
        columns: Which column of a table is which, by meaning: {"path": "Image file"}.

    Raises:
        CatalogueError: A table cannot be read, not one of its files exists, a folder or zip holds
            no image, or nothing matches a pattern.
    """
    if isinstance(targets, str | os.PathLike):
        targets = [targets]
    bases = [] if images is None else [existing_folder(images)]
    found = Pictures()
    wanted = list(targets)
    for target in wanted:
        path = _path_of(target)
        # A shell's `*` names a thumbnail's file among the others.
        if len(wanted) == 1 or not is_litter(path.name):
            found.items.extend(_of_target(path, found, bases, columns or {}))
    found.items[:] = _each_once(found.items)
    return found


def file_of(item: Listed) -> Path:
    """Return a picture's file.

    Raises:
        ImageError: It cannot be used, or is inside a zip.
    """
    if item.problem is not None:
        raise ImageError(item.problem)
    if item.path is None:
        raise ImageError(f"{item.origin} is inside a zip; unpack it and name the folder")
    return item.path


def tidy_label(text: str) -> str:
    """Return a label in Unicode NFC, without control characters and surplus blanks."""
    plain = "".join(
        " " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter
        for letter in unicodedata.normalize("NFC", text)
    )
    return " ".join(plain.split()).strip("\u200b\u2060\ufeff")


def _path_of(target: Target) -> Path:
    """Return the path that a target is, or means as a file:// address."""
    path = Path(target)
    try:
        there = path.exists()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CatalogueError(
            f"{ascii(str(path))[:100]} cannot be a path ({reason.lower()}); check it"
        ) from error
    return path if there else path_of_address(target) or path


def _of_target(
    path: Path, found: Pictures, bases: Sequence[Path], columns: Mapping[str, str]
) -> Iterator[Listed]:
    if path.is_dir():
        yield from _in_catalogue(path, found) if _is_catalogue(path) else _in_folder(path, found)
    elif not path.exists() and glob.has_magic(str(path)):
        matches = sorted(glob.glob(str(path), recursive=True), key=natural_key)
        matches = [match for match in matches if not is_litter(os.path.basename(match))]
        if not matches:
            raise CatalogueError(f"no file matches {path}; check the pattern")
        for match in matches:
            yield from _of_target(Path(match), found, bases, columns)
    elif is_table_name(path):
        yield from _in_table(path, found, bases, columns)
    elif path.suffix.lower() == ".zip" and path.is_file():
        yield from _in_zip(path)
    else:
        yield _one_file(path)


def _one_file(path: Path) -> Listed:
    file = path if path.exists() else Locator([Path()]).find(str(path))
    if file is None and not is_image_name(path.name):
        raise CatalogueError(
            f"{path} does not exist; name images, folders of them, or a table with a column path"
        )
    problem = None if file else missing(path, str(path))
    return Listed(str(path), str(path), file or path, problem=problem)


def _is_catalogue(folder: Path) -> bool:
    return (folder / "catalogue.parquet").is_file()


def _in_folder(folder: Path, found: Pictures) -> Iterator[Listed]:
    walk = images_below(folder)
    if not walk.images:
        reason = next(iter(walk.faults.values()), f"no images in {folder}")
        raise CatalogueError(f"{reason}; name a folder that holds images")
    found.folders.append(folder)
    for image in walk.images:
        name = PurePosixPath(Path(image).relative_to(folder).as_posix())
        labels = _folder_label(name)
        yield Listed(str(name), image, Path(image), labels=labels, guessed=bool(labels))
    for part, reason in walk.faults.items():
        yield Listed(os.path.relpath(part, folder), part, Path(part), problem=reason)


def _folder_label(name: PurePosixPath) -> dict[str, str]:
    artist = tidy_label(name.parts[0]) if len(name.parts) > 1 else ""
    return {"artist": artist} if artist else {}


def _in_catalogue(folder: Path, found: Pictures) -> Iterator[Listed]:
    from samehand.catalogue.schema import load_catalogue

    found.catalogues.append(folder)
    for row in load_catalogue(folder).iter_rows(named=True):
        labels = {name: str(row[name]) for name in LABELS if row[name] is not None}
        extra = {name: row[name] for name in ("painting_id", "exclusion") if row[name] is not None}
        path = folder / row["path"]
        yield Listed(row["painting_id"], str(path), path, labels=labels, extra=extra)


def _in_zip(path: Path) -> Iterator[Listed]:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        # zipfile raises NotImplementedError, a RuntimeError, for versions that it does not know.
        raise CatalogueError(
            f"{path} is damaged or not a zip file ({error}); make it again"
        ) from error
    members = [
        entry
        for entry in archive.infolist()
        if is_image_name(entry.filename)
        and not entry.is_dir()
        and not any(is_hidden(part) for part in PurePosixPath(entry.filename).parts)
    ]
    if not members:
        raise CatalogueError(f"no images in {path}; name a zip that holds images")
    for entry in sorted(members, key=lambda entry: natural_key(entry.filename)):
        origin = f"{path}/{entry.filename}"
        stamp = f"{entry.CRC:08x}-{entry.file_size}"
        blob = Blob(origin, stamp, archive=archive, member=entry)
        label = _folder_label(PurePosixPath(entry.filename))
        yield Listed(entry.filename, origin, blob=blob, labels=label, guessed=bool(label))


def _in_table(
    path: Path, found: Pictures, bases: Sequence[Path], columns: Mapping[str, str]
) -> Iterator[Listed]:
    table = open_table(path, columns.values())
    found.notes.extend(table.notes)
    places = read_headings(table.header, columns, str(path))
    rows = list(table.rows())
    if "path" not in places:
        raise missing_column("path", table.header, (row for _, row in rows[:50]), str(path))
    if not rows:
        raise CatalogueError(f"{path} has column names but no rows; add one row per image")
    items, nameless = _rows_of(table, rows, places, [*bases, path.parent, path.parent / "images"])
    if not items:
        raise CatalogueError(f"{path} has no rows that name a file; add one row per image")
    if nameless:
        found.notes.append(f"{path}: no file is named in {_rows(nameless)}, left out")
    kept, again = _first_rows(items)
    found.repeated.extend(others[0].name for others in again)
    found.notes.extend(_repetitions(again, str(path)))
    if sum(item.problem is not None for item in kept) == len(kept):
        hint = "download them and " if "://" in kept[0].name else ""
        raise CatalogueError(
            f"none of the {counted(len(kept), 'file')} that {path} names exists, "
            f"{kept[0].name} for one; {hint}name their folder with --images"
        )
    yield from kept


def _rows_of(
    table: Table,
    rows: Sequence[tuple[int, list[str]]],
    places: Mapping[str, int],
    bases: list[Path],
) -> tuple[list[Listed], list[int]]:
    """Return a table's pictures, and the rows that name none."""
    locator = Locator(bases, table.encoding)
    others = {
        place: heading.strip().lower()
        for place, heading in enumerate(table.header)
        if heading.strip()
        and place not in places.values()
        and heading.strip().lower() not in _NOT_LABELS
    }
    items: list[Listed] = []
    nameless: list[int] = []
    for number, values in rows:
        name = tidy_name(values[places["path"]])
        if not name:
            nameless.append(number)
            continue
        labels = {
            label: tidy
            for label in LABELS
            if label in places and (tidy := tidy_label(values[places[label]]))
        }
        extra = {key: tidy for place, key in others.items() if (tidy := tidy_label(values[place]))}
        origin = f"{table.path}, row {number}"
        file = locator.find(values[places["path"]])
        problem = None
        if file is None:
            places_looked = " or ".join(dict.fromkeys(map(str, bases[:-1])))
            problem = f"{origin}: no file {name} in {places_looked}; name its folder with --images"
            if "://" in name:
                problem = f"{origin}: {name} is an address; download it and name the file"
        items.append(
            Listed(
                name.replace("\\", "/"),
                origin,
                file or locator.first(name),
                labels=labels,
                extra=extra,
                problem=problem,
            )
        )
    return items, nameless


def _first_rows(items: Sequence[Listed]) -> tuple[list[Listed], list[list[Listed]]]:
    """Return the first row of each file, and the rows of each file that has several."""
    by_file: dict[str, list[Listed]] = {}
    for item in items:
        by_file.setdefault(os.path.abspath(item.path or item.name), []).append(item)
    rows = list(by_file.values())
    return [same[0] for same in rows], [same for same in rows if len(same) > 1]


def _repetitions(again: Sequence[Sequence[Listed]], name: str) -> Iterator[str]:
    for same in again[:5]:
        rows = [item.origin.rpartition("row ")[2] for item in same]
        artists = dict.fromkeys(item.labels.get("artist", "nobody") for item in same)
        differ = f", by {' and by '.join(artists)}" if len(artists) > 1 else ""
        yield (
            f"{name}: rows {', '.join(rows)} name one file, {same[0].name}{differ}; row {rows[0]} "
            "counts"
        )
    if len(again) > 5:
        yield f"{name}: {len(again) - 5:,} more files are named by several rows"


def _rows(numbers: Sequence[int]) -> str:
    some = ", ".join(map(str, numbers[:5]))
    more = f" and {len(numbers) - 5:,} more" if len(numbers) > 5 else ""
    return f"rows {some}{more}" if len(numbers) > 1 else f"row {some}"


def _each_once(items: Sequence[Listed]) -> list[Listed]:
    once: dict[str, Listed] = {}
    for item in items:
        key = os.path.abspath(item.path) if item.path else item.origin
        once[key] = _both(once[key], item) if key in once else item
    return list(once.values())


def _both(earlier: Listed, later: Listed) -> Listed:
    """Return one picture as two targets list it: what the later one says counts, but no guess."""
    labels = {**earlier.labels, **later.labels}
    known = "artist" in earlier.labels and not earlier.guessed
    if later.guessed and known:
        labels["artist"] = earlier.labels["artist"]
    return replace(
        earlier,
        labels=labels,
        extra={**earlier.extra, **later.extra},
        problem=earlier.problem and later.problem,
        guessed=later.guessed and not known if "artist" in later.labels else earlier.guessed,
    )
