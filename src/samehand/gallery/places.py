"""Where galleries live: a name means a folder in the user's data folder, a path means itself."""

import os
import sys
from pathlib import Path

from samehand.errors import GalleryError

DATABASE = "gallery.sqlite"


def home() -> Path:
    """Return the folder of what the user keeps: $SAMEHAND_HOME, or the platform's usual place."""
    named = os.environ.get("SAMEHAND_HOME")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "samehand"
    base = os.environ.get("XDG_DATA_HOME") or os.environ.get("LOCALAPPDATA")
    return Path(base) / "samehand" if base else Path.home() / ".local" / "share" / "samehand"


def gallery_folder(name: str | os.PathLike[str]) -> Path:
    """Return the folder that a gallery's name or path means, whether or not it exists.

    Raises:
        GalleryError: The name is empty, or hides its folder.
    """
    text = os.fspath(name)
    if not text or text.startswith(".") and Path(text).name == text:
        raise GalleryError(f"{text!r} cannot name a gallery; use letters and digits")
    path = Path(text)
    if path.name == text and not text.isprintable() and not path.exists():
        raise GalleryError(f"{ascii(text)} cannot name a gallery; use letters and digits")
    if path.name != text or (path / DATABASE).is_file():
        return path
    return home() / "galleries" / text


def known_galleries() -> list[str]:
    """Return the names of the galleries in the user's data folder, in alphabetical order."""
    return sorted(path.parent.name for path in (home() / "galleries").glob(f"*/{DATABASE}"))
