"""Copies of a picture are told from other works of the same hand."""

import pytest
from PIL import Image, ImageOps

from samehand.images.copied import Shown, show_one_work

COPIES = {
    "a fifth of the size": lambda image: image.resize((96, 80)),
    "mirrored": ImageOps.mirror,
    "upside down": lambda image: image.rotate(180),
    "on its side": lambda image: image.rotate(90, expand=True),
    "in greyscale": lambda image: image.convert("L"),
    "cropped": lambda image: image.crop((30, 20, 450, 390)),
    "cropped and mirrored": lambda image: ImageOps.mirror(image.crop((30, 20, 450, 390))),
    "cropped, in greyscale": lambda image: image.crop((0, 30, 460, 400)).convert("L"),
}


@pytest.fixture(scope="module")
def original(work_of) -> Image.Image:
    return work_of(1, 0, (480, 400))


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_shows_the_same_work(original, name):
    one, two = Shown(original), Shown(COPIES[name](original).convert("RGB"))
    assert show_one_work(one, two, 1.0)
    assert show_one_work(two, one, 1.0)


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_another_work_does_not(original, work_of, name):
    one = Shown(original)
    for work in range(1, 4):
        assert not show_one_work(
            one, Shown(COPIES[name](work_of(1, work, (480, 400))).convert("RGB")), 1.0
        )


def test_no_crop_is_looked_for_where_embeddings_are_far_apart(original):
    assert not show_one_work(Shown(original), Shown(COPIES["cropped"](original)), 0.5)


def test_other_colours_are_another_work_and_no_colours_are_not(original):
    red, green, blue = original.split()
    assert not show_one_work(Shown(original), Shown(Image.merge("RGB", (blue, red, green))), 0.0)
    assert show_one_work(Shown(original), Shown(original.convert("L").convert("RGB")), 0.0)
