"""What a program has in its hands, to the bytes of a file, a picture, or samples."""

import os
import stat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from samehand.errors import ImageError
from samehand.images.addresses import missing, path_of_address

MAX_BYTES = 2**30
"""The largest file that is read."""

ImageSource = Any
"""A path; the bytes of a file; a file opened for reading bytes; a Pillow image; or an array of
shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), with 8 or 16 bits or floating-point numbers."""

_HAND_OVER = "a path, the bytes of a file, an open file, a Pillow image or an array"


def contents(source: ImageSource, name: str) -> bytes | Image.Image | NDArray[Any]:
    """Return what is to be decoded.

    Args:
        source: Anything but a path; see `ImageSource`.
        name: What error sentences call it.

    Raises:
        ImageError: It is of another type, an unreadable or empty file, or a damaged image.
    """
    if isinstance(source, bytes):
        return source
    if isinstance(source, (bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, Image.Image):
        return _of_untouched_file(source) or source
    if hasattr(source, "read"):
        return _read(source, name)
    if isinstance(source, (list, tuple)) or not hasattr(source, "__array__"):
        raise ImageError(f"{name} is of type {type(source).__name__}; hand over {_HAND_OVER}")
    array = np.asarray(source)
    # The way of OpenCV: a whole file read as one row of bytes.
    return array.tobytes() if array.ndim == 1 and array.dtype == np.uint8 else array


def is_one_image(source: object) -> bool:
    """Return whether something is one image, where many may be handed over as well.

    Bytes, open files and Pillow images are one, though some of them can be iterated over; an array
    is one unless it has more dimensions than a picture.
    """
    if isinstance(source, str | os.PathLike | bytes | bytearray | memoryview | Image.Image):
        return True
    if hasattr(source, "read"):
        return True
    return isinstance(source, np.ndarray) and source.ndim <= 3


def read_file(path: str | os.PathLike[str], name: str) -> bytes:
    """Return the bytes of a regular file of at most `MAX_BYTES`.

    Raises:
        ImageError: It is missing, unreadable, no regular file, or too large.
    """
    try:
        # Asked before opening: opening a pipe or a device can block for ever.
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{name} is a folder; name an image file inside it")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{name} is a pipe or a device; name an ordinary image file")
        if status.st_size > MAX_BYTES:
            raise _too_large(name, status.st_size)
        with open(path, "rb") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        if (other := path_of_address(path)) is not None:
            return read_file(other, name)
        raise ImageError(missing(path, name)) from error
    except PermissionError as error:
        raise ImageError(
            f"{name} cannot be opened: permission denied; change its permissions"
        ) from error
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "not enough memory"
        raise ImageError(f"{name} cannot be read: {reason.lower()}; check the path") from error


def samples_of(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an array as samples of shape (H, W, C).

    Raises:
        ImageError: Its shape or its type is not that of a picture.
    """
    samples = array[:, :, None] if array.ndim == 2 else array
    if samples.ndim != 3 or samples.shape[2] not in (1, 2, 3, 4) or 0 in samples.shape:
        shape = "x".join(str(side) for side in array.shape) or "nothing"
        raise ImageError(
            f"{name} is an array of {shape}; hand over height x width, or height x width x 3 (RGB)"
        )
    if samples.dtype.kind not in "buif" or samples.dtype.itemsize > 8:
        raise ImageError(
            f"{name} is an array of {samples.dtype}; hand over 8 or 16 bits, or values from 0 to 1"
        )
    return samples


def _too_large(name: str, size: int) -> ImageError:
    return ImageError(
        f"{name} is {size / 2**30:.1f} GiB, more than {MAX_BYTES / 2**30:g} GiB; "
        "save a smaller copy and try again"
    )


def _read(stream: Any, name: str) -> bytes:  # noqa: ANN401
    """Return a whole open file, wherever it stands, and leave it standing there."""
    try:
        if hasattr(stream, "seekable") and stream.seekable():
            place = stream.tell()
            stream.seek(0)
            try:
                data = stream.read(MAX_BYTES + 1)
            finally:
                stream.seek(place)
        else:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError, TypeError, MemoryError) as error:
        raise ImageError(f"{name} cannot be read from its open file ({error})") from error
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise ImageError(f'{name} is a file opened as text; open it with mode "rb"')
    if len(data) > MAX_BYTES:
        raise _too_large(name, len(data))
    return bytes(data)


def _of_untouched_file(image: Image.Image) -> bytes | None:
    """Return the file of an image that Pillow has opened and not decoded yet.

    Such an image is its file, and is decoded like it: at a reduced size, say.
    """
    if not isinstance(image, ImageFile.ImageFile) or not image.tile or image.tell() != 0:
        return None
    stream = image.fp
    try:
        if stream is None or not stream.seekable():
            return None
        place = stream.tell()
        stream.seek(0)
        try:
            data = stream.read(MAX_BYTES + 1)
        finally:
            stream.seek(place)
    except (AttributeError, OSError, ValueError):
        return None
    return data if isinstance(data, bytes) and len(data) <= MAX_BYTES else None
