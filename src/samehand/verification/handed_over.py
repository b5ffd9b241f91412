"""What programs hand over as paintings."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard

from samehand.errors import ImageError
from samehand.images.decode import ImageSource
from samehand.images.source import is_one_image
from samehand.model.painting import Painting

PaintingLike = Painting | ImageSource
"""A `Painting`, or whatever one can be opened from: a path, bytes, an open file, a Pillow image or
an array."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An image that could not be opened, in place of its painting.

    Attributes:
        name: What it is called.
        error: Why, in one sentence.
    """

    name: str
    error: str


def is_path(source: PaintingLike) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether an image is named by its path."""
    return isinstance(source, str | os.PathLike)


def each_of(sources: PaintingLike | Iterable[PaintingLike]) -> Iterable[PaintingLike]:
    """Return images that were handed over; one alone is one, not its bytes, lines or rows."""
    if isinstance(sources, Painting) or is_one_image(sources):
        return [sources]
    if not isinstance(sources, Iterable):
        raise ImageError(
            f"images of type {type(sources).__name__} were handed over; hand over a list of paths, "
            "of bytes, open files, Pillow images or arrays"
        )
    return sources
