"""Which files of a folder are pictures: one rule for hidden files, links, letter case and order."""

import os
import re
import unicodedata
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

IMAGE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .pjpeg .mpo .png .webp .tif .tiff .bmp .gif .avif .heic .heif .jxl "
    ".jp2 .jpx .jpf .j2k .jpc .ppm .pgm .pnm".split()
)
"""In lower case; a kind that cannot be decoded is listed all the same, so that it is named."""

_NEVER_MEANT = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "@eadir",
        "__macosx",
        "#recycle",
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "icon\r",
    }
)
"""Thumbnails and waste bins that systems leave in people's folders, in lower case."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What a folder holds.

    Attributes:
        images: Its image files, in natural order.
        faults: Why a part of it cannot be read, by that part's path.
    """

    images: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name below a folder is never meant as a picture."""
    return name.startswith(".") or name.casefold() in _NEVER_MEANT


def is_litter(name: str) -> bool:
    """Return whether a system made this file, even where a shell's `*` has named it."""
    return name.startswith("._") or name == ".DS_Store" or name.casefold() in _NEVER_MEANT


def is_image_name(name: str) -> bool:
    """Return whether a file name ends like an image's, in any letter case."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return what sorts names as people do: 2.jpg before 10.jpg, whatever case and Unicode form."""
    folded = unicodedata.normalize("NFC", name).casefold()
    # A separator sorts first, so that a folder's files stand before those of "folder-2".
    parts = re.findall(r"[/\\]|[0-9]+|[^0-9/\\]+", folded)
    key = [
        (0, 0, "") if part in "/\\" else (1, int(part), "") if part.isdigit() else (2, 0, part)
        for part in parts
    ]
    return key, name


def images_below(root: str | os.PathLike[str]) -> Walk:
    """Find the images anywhere below a folder.

    Hidden files and what systems leave behind (`is_hidden`) are skipped, below the folder but not
    in its own path. Linked folders are followed. Each folder is read once, under its own name
    rather than a link's where both lie below `root`, so loops end; a link to a folder that holds
    `root` is not followed.

    Args:
        root: An existing folder.

    Returns:
        Paths that begin with `root`, and what could not be read.
    """
    root = os.fspath(root)
    real_root = Path(os.path.realpath(root))
    found = Walk()
    seen: set[tuple[int, int]] = set()
    links = deque([root])
    while links:
        pending = [links.popleft()]
        while pending:
            folder = pending.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                folders, linked = _look_into(folder, found)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                found.faults[folder] = f"cannot look into the folder {folder}: {reason}"
                continue
            pending += folders
            links += [
                link for link in linked if not real_root.is_relative_to(os.path.realpath(link))
            ]
    found.images.sort(key=natural_key)
    return found


def _look_into(folder: str, found: Walk) -> tuple[list[str], list[str]]:
    """Note the images that lie in a folder itself, and return its folders and linked folders."""
    folders: list[str] = []
    links: list[str] = []
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: natural_key(entry.name))
    for entry in entries:
        if is_hidden(entry.name):
            continue
        if entry.is_dir():
            (links if entry.is_symlink() else folders).append(entry.path)
        elif entry.is_file():
            if is_image_name(entry.name):
                found.images.append(entry.path)
        elif entry.is_symlink():
            found.faults[entry.path] = (
                f"{entry.path} is a link to {os.readlink(entry.path)}, which cannot be reached"
            )
    return folders, links
