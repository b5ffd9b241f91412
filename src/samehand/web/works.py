"""Works of the served gallery as the pages need them: by slot, never by path."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from starlette.exceptions import HTTPException

from samehand.gallery import Gallery, StoredWork
from samehand.images.decode import MAX_BYTES
from samehand.web.engine import Upload


def slots_of(gallery: Gallery, paths: Iterable[str]) -> dict[str, int]:
    """Return the slots of works, by their files; works that are gone have none."""
    found = (next(gallery.list([f"path={path}"], limit=1), None) for path in paths)
    return {stored.work.path: stored.slot for stored in found if stored is not None}


def work_at(gallery: Gallery, slot: int) -> StoredWork | None:
    """Return the work in a slot, or None where there is none."""
    if not 0 <= slot < 2**40:
        return None
    found = [one for one in gallery.store.at(np.array([slot], np.int64)) if one.slot == slot]
    return found[0] if found else None


def read_work(gallery: Gallery, slot: int) -> Upload:
    """Return a work's file as a picture to open.

    Raises:
        HTTPException: There is no such work, or its file is gone.
    """
    stored = work_at(gallery, slot)
    if stored is None:
        raise HTTPException(404, "There is no such work in the gallery.")
    path = Path(stored.work.path)
    return Upload(path.name, read_file(path), own=True)


def read_file(path: Path, most: int = -1) -> bytes:
    """Return the bytes of a work's file.

    Args:
        path: The file.
        most: How many to read; all of them where it is negative.

    Raises:
        HTTPException: It is gone, or is not an ordinary file.
    """
    try:
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            with path.open("rb") as stream:
                return stream.read(most)
    except OSError:
        pass
    raise HTTPException(404, "The file of this work is gone, or its disk is not connected.")
