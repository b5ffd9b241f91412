"""Where a page finds the pictures of a gallery's works: by slot, never by path."""

from collections.abc import Iterable

from samehand.gallery import Gallery


def slots_of(gallery: Gallery, paths: Iterable[str]) -> dict[str, int]:
    """Return the slots of works, by their files; works that are gone have none."""
    found = (next(gallery.list([f"path={path}"], limit=1), None) for path in paths)
    return {stored.work.path: stored.slot for stored in found if stored is not None}
