"""Which works' files are gone, and which merely cannot be reached: their disk may be elsewhere."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Missing:
    """Files that are not where they were.

    Attributes:
        gone: Their folder, or one above it, is there and they are not.
        unreachable: Nobody can say: a disk or share that is not connected, a link to nothing, a
            folder that may not be read.
    """

    gone: tuple[str, ...]
    unreachable: tuple[str, ...]


def missing_files(paths: Iterable[str]) -> Missing:
    """Divide a gallery's files that are not there into gone and unreachable ones.

    Where a file's folder is there and holds anything else, the file is gone. Where the folder
    itself is missing or empty, it is gone only if a file of the gallery can be reached on the same
    volume below the nearest folder that is there: an unplugged disk leaves a missing or an empty
    folder behind, too.

    Args:
        paths: Absolute paths of all works of a gallery.
    """
    there: list[str] = []
    missing: list[str] = []
    for path in paths:
        (there if os.path.isfile(path) else missing).append(path)
    volumes: dict[str, set[int]] = {}
    for folder in {os.path.dirname(path) for path in there} if missing else ():
        device = os.stat(folder).st_dev
        for above in (Path(folder), *Path(folder).parents):
            volumes.setdefault(os.fspath(above), set()).add(device)
    verdicts: dict[str, bool] = {}
    gone: list[str] = []
    unreachable: list[str] = []
    for path in missing:
        folder = os.path.dirname(path)
        if folder not in verdicts:
            verdicts[folder] = _folder_speaks(folder, volumes)
        (gone if verdicts[folder] and not os.path.islink(path) else unreachable).append(path)
    return Missing(tuple(gone), tuple(unreachable))


def _folder_speaks(folder: str, volumes: dict[str, set[int]]) -> bool:
    """Return whether a file that is not in `folder` can be said to be gone."""
    try:
        if os.listdir(folder):
            return True
        nearest = os.path.dirname(folder)
    except (FileNotFoundError, NotADirectoryError):
        nearest = folder
    except OSError:
        return False
    while not os.path.isdir(nearest):
        # A link to a folder that is not there leads to a disk that is not there.
        if os.path.islink(nearest) or nearest == os.path.dirname(nearest):
            return False
        nearest = os.path.dirname(nearest)
    try:
        return os.stat(nearest).st_dev in volumes.get(nearest, ())
    except OSError:
        return False
