"""Which engine keeps a gallery, by its address: "lance://..." and "s3://..." are Lance's."""

import os

from samehand.gallery.embedded import EmbeddedStorage, create_embedded
from samehand.gallery.places import DATABASE, gallery_folder
from samehand.gallery.schema import About
from samehand.gallery.storage import Storage


def open_storage(name: str | os.PathLike[str]) -> Storage:
    """Open what keeps a gallery.

    Args:
        name: A name in the user's data folder, a path, or an address.

    Raises:
        GalleryError: There is no such gallery, or it is damaged or of another version.
        MissingExtraError: Its engine is not installed.
    """
    return EmbeddedStorage(gallery_folder(name))


def create_storage(name: str | os.PathLike[str], about: About) -> Storage:
    """Make what keeps a new gallery, empty; `name` is that of `open_storage`.

    Raises:
        GalleryError: It exists, or something else does.
        MissingExtraError: Its engine is not installed.
        OutputError: It cannot be written there.
    """
    folder = gallery_folder(name)
    create_embedded(folder, about)
    return EmbeddedStorage(folder)


def is_gallery(name: str | os.PathLike[str]) -> bool:
    """Return whether a name, path or address is that of a gallery."""
    return (gallery_folder(name) / DATABASE).is_file()
