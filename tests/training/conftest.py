"""A catalogue of painters who differ in colour, and a network small enough to train on it."""

import zlib

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from samehand.catalogue.schema import SCHEMA, write_catalogue
from samehand.training.recipe import Recipe

OEUVRES = {
    "train": {"ada": 9, "bea": 5, "cid": 4, "dov": 7, "eli": 1},
    "validation": {"fay": 5, "gus": 4, "hal": 4, "ivy": 1},
    "test": {"joe": 4, "kim": 3},
}


@pytest.fixture(autouse=True, scope="module")
def _small_networks(one_thread):
    """Everything here trains or runs small networks."""


def picture(artist, number):
    """Noise on a painter's own ground colour."""
    ground = np.random.default_rng(zlib.crc32(artist.encode())).integers(20, 236, 3)
    noise = np.random.default_rng([ord(artist[0]), number]).normal(0, 25, (40, 36, 3))
    return Image.fromarray(np.clip(ground + noise, 0, 255).astype(np.uint8))


def write_rows(folder, oeuvres):
    """Write a catalogue of the given numbers of paintings by split and artist."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for split, artists in oeuvres.items():
        for artist, count in artists.items():
            for number in range(count):
                identity = f"{artist}{number}"
                picture(artist, number).save(folder / "images" / f"{identity}.png")
                row = dict.fromkeys(SCHEMA) | {
                    "painting_id": identity,
                    "path": f"images/{identity}.png",
                    "artist": artist,
                    "style": [None, "Cubism", "Baroque"][number % 3],
                    "width": 36,
                    "height": 40,
                    "bytes": 1,
                    "sha256": identity,
                    "phash": "0" * 16,
                    "split": split,
                    "origin": identity,
                }
                rows.append(row)
    # Their order in the file says nothing.
    order = np.random.default_rng(0).permutation(len(rows))
    write_catalogue(pl.DataFrame([rows[i] for i in order], schema=SCHEMA), folder)
    return folder


@pytest.fixture(scope="session")
def make_catalogue():
    return write_rows


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("data") / "catalogue", OEUVRES)


@pytest.fixture(scope="session")
def resnet(tmp_path_factory, _offline):
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    folder = tmp_path_factory.mktemp("nets") / "resnet"
    ResNetModel(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def make_recipe(resnet):
    def make(**changes):
        values = {
            "name": "tiny",
            "seed": 3,
            "per_epoch": 18,
            "model": {"backbone": resnet, "pooling": "gem", "width": 16, "dropout": 0.1},
            "batch": {"artists": 3, "per_artist": 2},
            "optimiser": {"average": 0.9},
            "serve": {"size": 32, "views": ["whole"], "cohort": 12, "neighbours": 3},
            "stages": [{"epochs": 2, "size": 32}],
        }
        return Recipe.model_validate(values | changes)

    return make
