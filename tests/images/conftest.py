import io

import numpy as np
import pytest
from PIL import Image

from samehand.images.decode import decode_bytes


@pytest.fixture(scope="session")
def painting():
    def make(width: int = 60, height: int = 40) -> Image.Image:
        """A smooth picture with no symmetry, in colours that survive compression."""
        rows, columns = np.indices((height, width))
        red = columns * 255 // max(width - 1, 1)
        green = rows * 200 // max(height - 1, 1)
        blue = np.where((columns < width // 3) & (rows < height // 3), 200, 40)
        return Image.fromarray(np.stack([red, green, blue], axis=2).astype(np.uint8))

    return make


@pytest.fixture(scope="session")
def saved():
    def make(image: Image.Image, kind: str, **options: object) -> bytes:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    return make


@pytest.fixture(scope="session")
def pixels():
    def make(data: bytes, max_side: int = 2048) -> np.ndarray:
        image = decode_bytes(data, "a file", max_side).image
        assert image.mode == "RGB"
        return np.asarray(image).astype(int)

    return make


@pytest.fixture(scope="session")
def jpeg(painting, saved) -> bytes:
    """An ordinary photograph of a painting."""
    return saved(painting(), "JPEG", quality=95)


@pytest.fixture(scope="session")
def small(painting, saved) -> dict[str, bytes]:
    """One tiny file of every format."""
    kinds = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
    return {kind: saved(painting(24, 16), kind) for kind in kinds}
