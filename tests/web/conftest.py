"""A small app over the tiny model, and pictures to post to it."""

import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from samehand.gallery import Gallery
from samehand.verification.verifier import SameHand
from samehand.web.app import create_app
from samehand.web.limits import Limits

HERE = "http://127.0.0.1:8017"


@pytest.fixture(scope="session")
def png():
    def save(image: Image.Image, kind: str = "PNG") -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind)
        return buffer.getvalue()

    return save


@pytest.fixture(scope="session")
def pair(work_of, png):
    """Two files by one made-up artist, as a form posts them."""
    return {
        "left": ("a.png", png(work_of(1, 0)), "image/png"),
        "right": ("b.png", png(work_of(1, 1)), "image/png"),
    }


@pytest.fixture(scope="session")
def limits() -> Limits:
    return Limits(body_bytes=2**20, pixels=250_000, decoders=1, queue=2, files=8, decode_seconds=60)


@pytest.fixture(scope="session")
def client(verifier: SameHand, limits: Limits):
    with TestClient(create_app(verifier, limits, {"museum.example"}), base_url=HERE) as client:
        yield client


@pytest.fixture(scope="session")
def shipped() -> SameHand:
    """The shipped model, which has rules for reference sets and galleries."""
    return SameHand(threads=1)


@pytest.fixture(scope="session")
def whole_client(shipped: SameHand, limits: Limits):
    with TestClient(create_app(shipped, limits), base_url=HERE) as client:
        yield client


@pytest.fixture(scope="session")
def shelf(shipped: SameHand, work_of, tmp_path_factory):
    """A gallery of four works by each of three artists."""
    folder = tmp_path_factory.mktemp("works")
    for artist in range(3):
        (folder / f"Artist {artist}").mkdir()
        for work in range(4):
            work_of(artist, work).save(folder / f"Artist {artist}" / f"{work}.png")
    with Gallery.create(folder.parent / "shown", shipped.folder) as gallery:
        gallery.add([folder], shipped)
        yield gallery


@pytest.fixture(scope="session")
def served(shipped: SameHand, limits: Limits, shelf: Gallery):
    with TestClient(create_app(shipped, limits, gallery=shelf), base_url=HERE) as client:
        yield client


@pytest.fixture(scope="session")
def routes_of():
    """Every route of an app that has a path, those of its routers as well."""

    def walk(app):
        for route in app.routes:
            router = getattr(route, "original_router", None)
            yield from [route] if router is None else walk(router)

    return walk
