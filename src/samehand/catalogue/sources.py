"""What every reader of a collection yields to `samehand prepare`.

Rows say who made what, each with the files that may hold its image; files are opened only when
they are asked for. The readers are `manifest` and `pbn`.
"""

import hashlib
import os
import re
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from samehand.catalogue.walk import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from samehand.errors import CatalogueError, ImageError
from samehand.images.decode import MAX_BYTES


@dataclass(frozen=True, slots=True)
class Blob:
    """The bytes of one file, on disk or inside a zip, read only when asked for.

    Attributes:
        origin: Where it is, in words that a person can follow.
        stamp: Changes when the content does: a zip member's CRC, or a file's size and time.
        path: The file itself, or None for a member of a zip.
        archive: The open zip, or None for a file on disk.
        member: The zip's entry, or None for a file on disk.
        replacement: Whether this is a good copy handed out for a file known to be bad.
    """

    origin: str
    stamp: str
    path: Path | None = None
    archive: zipfile.ZipFile | None = None
    member: zipfile.ZipInfo | None = None
    replacement: bool = False

    def read(self) -> bytes:
        """Return the whole content.

        Raises:
            ImageError: The file is gone, unreadable, encrypted, too large, or damaged inside its
                zip.
        """
        try:
            size = self.member.file_size if self.member else os.stat(self.path or "").st_size
            if size > MAX_BYTES:
                raise ImageError(f"{self.origin} is {size / 2**30:.1f} GiB, too large for an image")
            if self.archive is not None and self.member is not None:
                return self.archive.read(self.member)
            assert self.path is not None
            return self.path.read_bytes()
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
            # zipfile raises RuntimeError for members that need a password, and its subclass
            # NotImplementedError for compression methods that it does not know.
            raise ImageError(f"cannot read {self.origin}: {error}") from error


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a source, as written there.

    Attributes:
        painting_id: Unique in its source and safe as a file name.
        name: What the row calls its file.
        files: Where the image may be, best first; empty where no file bears the name.
        artist: The artist's label, unjudged.
        title: As written, or None.
        date: As written, or None.
        style: As written, or None.
        genre: As written, or None.
        source: The collection, or None.
        split: "train", "validation" or "test" where the source says so.
        artist_group: The competition's word for where this artist occurs.
        in_train: The competition's own division.
        size_bytes: How long the source says the file is.
        pixels: Width times height that the source says the image has.
        artist_id: Of a name authority, as written, or None.
        qualifier: How the artist is connected with the work, as written in a column of its own.
        date_from: The first year, as written, or None.
        date_to: The last year, as written, or None.
        accession_number: What the collection calls the work, or None.
    """

    painting_id: str
    name: str
    files: tuple[Blob, ...]
    artist: str | None
    title: str | None = None
    date: str | None = None
    style: str | None = None
    genre: str | None = None
    source: str | None = None
    split: str | None = None
    artist_group: str | None = None
    in_train: bool | None = None
    size_bytes: int | None = None
    pixels: int | None = None
    artist_id: str | None = None
    qualifier: str | None = None
    date_from: str | None = None
    date_to: str | None = None
    accession_number: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A collection as its reader found it.

    Attributes:
        rows: One per painting.
        unnamed: Files that no row names, as origins.
        repeated: Names that more than one row gives; only the first row counts.
        notes: What a person should know of how it was read, a sentence each.
    """

    rows: list[SourceRow]
    unnamed: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class PaintingSource(Protocol):
    """Whatever lists paintings and can open their images: the seam beneath `prepare`.

    The readers of this package are such sources behind a word each (`prepare.SourceKind`). Another,
    a museum's interface or a database, needs only `open`.
    """

    def open(self) -> AbstractContextManager[Source]:
        """Yield the collection; its files can be read until the block ends.

        Raises:
            CatalogueError: It cannot be used.
        """


def existing_folder(location: str | os.PathLike[str]) -> Path:
    """Return `location` as a path.

    Raises:
        CatalogueError: It is not a folder.
    """
    root = Path(location)
    if not root.is_dir():
        state = "is a file" if root.exists() else "does not exist"
        raise CatalogueError(f"{root} {state}; name the folder that holds the data")
    return root


def file_blob(path: Path, origin: str) -> Blob:
    """Return the blob of a file on disk; `origin` is what reports call it."""
    status = path.stat()
    return Blob(origin, f"{status.st_size}-{status.st_mtime_ns}", path=path)


def painting_ids(names: Iterable[str]) -> dict[str, str]:
    """Return a file-system-safe id for each distinct file name.

    An id is the name without its suffix, in lower-case ASCII. Names whose ids would collide, be
    empty or be overlong get a digest of the full name, so an id never depends on row order.

    Args:
        names: Relative paths with forward slashes.
    """
    slugs = {name: slug(name) for name in names}
    count = Counter(slugs.values())
    return {
        name: base if base and count[base] == 1 else f"{base}-{_digest(name)}".lstrip("-")
        for name, base in slugs.items()
    }


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:10]


def slug(name: str) -> str:
    """Return a path's letters and digits joined by hyphens, at most 100 characters."""
    stem = name[: -len(suffix)] if (suffix := Path(name).suffix) else name
    ascii_only = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9_]+", "-", ascii_only.lower()).strip("-")[:100].strip("-")
