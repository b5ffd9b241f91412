"""A drawn picture to a file of the kind that its name says."""

from pathlib import Path
from typing import Any

from PIL import Image

from samehand.errors import OutputError
from samehand.files import atomic_path

_KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"lossless": True}),
    ".tif": ("TIFF", {"compression": "tiff_deflate"}),
    ".tiff": ("TIFF", {"compression": "tiff_deflate"}),
    ".pdf": ("PDF", {"resolution": 144}),
}


def check_picture_target(target: Path) -> None:
    """Refuse a file whose kind cannot be written, before anything is computed.

    Raises:
        OutputError: Its suffix is none of those that are known.
    """
    if target.suffix.lower() not in _KINDS and not target.is_dir():
        raise OutputError(
            f"{target} cannot be written as a picture; name it with {', '.join(list(_KINDS)[:-1])} "
            f"or {list(_KINDS)[-1]}"
        )


def save_picture(image: Image.Image, target: Path) -> None:
    """Write an RGB image as its file's suffix says, all or nothing.

    Raises:
        OutputError: The suffix is none that is known, or the file cannot be written.
    """
    check_picture_target(target)
    with atomic_path(target) as temporary:
        kind, options = _KINDS[target.suffix.lower()]
        image.save(temporary, kind, **options)
