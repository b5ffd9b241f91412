import io
import zipfile

import pytest


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
