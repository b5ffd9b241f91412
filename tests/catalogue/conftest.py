import io
import zipfile

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def picture():
    """A made-up painting: every seed another composition, every size the same one."""

    def make(seed, size=(64, 48)):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        fine = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        layers = [
            Image.fromarray(layer).resize(size, Image.Resampling.BICUBIC)
            for layer in (coarse, fine)
        ]
        return Image.blend(*layers, 0.4)

    return make


@pytest.fixture(scope="session")
def encoded(picture):
    def make(seed, size=(64, 48), kind="JPEG", **options):
        stream = io.BytesIO()
        picture(seed, size).save(stream, kind, **options)
        return stream.getvalue()

    return make


@pytest.fixture(scope="session")
def write_zip():
    def make(path, members):
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return path

    return make
