"""A gallery where one is asked for: opened by its name, or as it is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from samehand.errors import GalleryError
from samehand.gallery.gallery import Gallery

GalleryLike = Gallery | str | os.PathLike[str]
"""A gallery, or what one can be opened by: its name, path or address."""


@contextmanager
def opened_gallery(gallery: GalleryLike) -> Iterator[Gallery]:
    """Yield a gallery, which is closed again only if it was opened here.

    Raises:
        SamehandError: It is neither a gallery nor a name.
        GalleryError: There is none of that name, or it is damaged.
    """
    if isinstance(gallery, Gallery):
        yield gallery
    elif isinstance(gallery, str | os.PathLike):
        with Gallery(gallery) as opened:
            yield opened
    else:
        raise GalleryError(
            f"gallery must be a Gallery, its name or its path, not something of type "
            f"{type(gallery).__name__}"
        )
