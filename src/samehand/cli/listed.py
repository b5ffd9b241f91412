"""How the commands read what a person points at, and what they say of it first."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samehand.errors import ImageError
from samehand.files import printable

if TYPE_CHECKING:
    from samehand.catalogue.pictures import Pictures

Images = Annotated[
    Path | None,
    typer.Option(
        help="The folder that the paths of tables are relative to; that of the table if absent."
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        help="Which column of a table is which, as path='Image file'; may be repeated.",
    ),
]
References = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="PATH...",
        help="Works by one artist: images, folders, tables or patterns; takes several.",
    ),
]


def listed(
    targets: Sequence[Path], images: Path | None = None, columns: Sequence[str] | None = None
) -> "Pictures":
    """Return the pictures that arguments name, and say on standard error what is odd about them.

    Raises:
        CatalogueError: A target cannot be read, or names no picture.
        ImageError: Not one of the pictures can be used.
    """
    from samehand.catalogue.headings import parse_columns
    from samehand.catalogue.pictures import find_pictures
    from samehand.verification.output import failure_lines

    found = find_pictures(targets, images=images, columns=parse_columns(columns or ()))
    for note in found.notes:
        tell(note)
    unusable = reasons(found)
    if found.items and len(unusable) == len(found.items):
        raise ImageError("; ".join(failure_lines(unusable, len(unusable))))
    return found


def tell(note: str) -> None:
    """Print what a person should know, on standard error."""
    print(f"note: {printable(note)}", file=sys.stderr)


def print_failures(label: str, failed: Mapping[str, str], total: int) -> None:
    """Print why images could not be used, alike reasons in one line, on standard error."""
    from samehand.verification.output import failure_lines

    for line in failure_lines(failed, total):
        print(f"{label}: {printable(line)}", file=sys.stderr)


def reasons(found: "Pictures") -> dict[str, str]:
    """Return why some of the pictures cannot be used, by path."""
    return {str(item.path): item.problem for item in found.items if item.problem is not None}


def probes_of(found: "Pictures") -> list[Path]:
    """Return where the pictures are, also of those that cannot be used.

    Raises:
        ImageError: One is inside a zip.
    """
    inside = next((item for item in found.items if item.path is None), None)
    if inside is not None:
        raise ImageError(f"{inside.origin} is inside a zip; unpack it and name the folder")
    return [item.path for item in found.items if item.path is not None]
