"""Addresses where paths are expected: "file:///scans/a%20b.jpg" is a file, "https://..." is not."""

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

# A `Path` has made one slash of two, and so hidden where a host's name ends.
_FILE = re.compile(r"file:(?:(?://|/)localhost(?=/)|//)?(/.*)", re.IGNORECASE | re.DOTALL)
_WEB = re.compile(r"(?:https?|ftps?|iiif)://?[^/]", re.IGNORECASE)
_DRIVE = re.compile(r"/+([A-Za-z]:[/\\].*)", re.DOTALL)


def path_of_address(told: str | os.PathLike[str]) -> Path | None:
    """Return the path that a file:// address means (RFC 8089), or None for anything else.

    A name that an existing file bears is taken as it is before this is asked.
    """
    text = os.fspath(told)
    found = _FILE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    path = os.fsdecode(unquote_to_bytes(found[1].encode("utf-8", "surrogateescape")))
    drive = _DRIVE.fullmatch(path) if os.name == "nt" else None
    return Path(drive[1] if drive else "/" + path.lstrip("/"))


def missing(told: str | os.PathLike[str], name: str) -> str:
    """Return the sentence for a path where no file is.

    Args:
        told: The path, or what was handed over as one.
        name: What error sentences call it.
    """
    if _WEB.match(os.fsdecode(told)):
        return (
            f"{name} is an address on the web, and samehand fetches nothing by itself; "
            "download the image and name the file"
        )
    return f"no file at {name}; check the path"
