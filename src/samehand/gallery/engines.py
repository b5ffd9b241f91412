"""Which engine keeps a gallery, by its address: "lance://..." and "s3://..." are Lance's."""

import os
from pathlib import Path

from samehand.errors import GalleryError
from samehand.gallery.embedded import EmbeddedStorage, create_embedded
from samehand.gallery.places import DATABASE, gallery_folder
from samehand.gallery.schema import About
from samehand.gallery.storage import Storage

LANCE_WORKS = "works.lance"
"""The folder of a gallery in Lance has a folder of this name."""

STORES = ("s3", "gs", "az")
"""Object stores that LanceDB reaches, with the settings that each has in the environment."""


def open_storage(name: str | os.PathLike[str]) -> Storage:
    """Open what keeps a gallery.

    Args:
        name: A name in the user's data folder, a path, or an address.

    Raises:
        GalleryError: There is no such gallery, or it is damaged or of another version.
        MissingExtraError: Its engine is not installed.
    """
    if (address := lance_address(name)) is not None:
        from samehand.gallery.lance import LanceStorage

        return LanceStorage(address)
    return EmbeddedStorage(gallery_folder(name))


def create_storage(name: str | os.PathLike[str], about: About) -> Storage:
    """Make what keeps a new gallery, empty; `name` is that of `open_storage`.

    Raises:
        GalleryError: It exists, or something else does.
        MissingExtraError: Its engine is not installed.
        OutputError: It cannot be written there.
    """
    if (address := lance_address(name)) is not None:
        from samehand.gallery.lance import create_lance

        return create_lance(address, about)
    folder = gallery_folder(name)
    create_embedded(folder, about)
    return EmbeddedStorage(folder)


def is_gallery(name: str | os.PathLike[str]) -> bool:
    """Return whether a name, path or address is that of a gallery."""
    return lance_address(name) is not None or (gallery_folder(name) / DATABASE).is_file()


def lance_address(name: str | os.PathLike[str]) -> str | None:
    """Return the address of a gallery in Lance, absolute on a disk; None for another name.

    Raises:
        GalleryError: The address names no folder, or its scheme is not one that Lance reaches.
    """
    text = os.fspath(name)
    scheme, found, place = text.partition("://")
    if not found:
        there = (Path(text) / LANCE_WORKS).is_dir()
        return f"lance://{os.path.abspath(text)}" if there else None
    if not place.strip("/"):
        raise GalleryError(f"{text} names no folder; write lance:///folder or s3://bucket/folder")
    if scheme == "lance":
        return f"lance://{os.path.abspath(place)}"
    if scheme not in STORES:
        raise GalleryError(
            f"{text} is not the address of a gallery; write lance:///folder or s3://bucket/folder"
        )
    return text.rstrip("/")
