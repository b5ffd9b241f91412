"""A model such as vit, made by one command from made-up painters and random weights."""

import csv
import json
import zipfile

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from benchmarks.make_vit.folds import Head, Material, conditions_of, folds_of
from benchmarks.make_vit.gather import gather, slug
from samehand.catalogue.schema import SCHEMA, write_catalogue
from samehand.errors import CatalogueError
from samehand.files import sha256_file
from samehand.networks.discriminant import discriminants
from samehand.verification.verifier import SameHand

TRAIN, VALIDATION = 14, 13


RECIPE = """
name = "small"
seed = 0
stages = []

[model]
backbone = "BACKBONE"
pooling = "tokens"
width = 8
blocks = [2, 3]
region_block = 3

[discriminant]
start = 6.0
finish = 6.0

[serve]
size = 32
views = ["whole"]
normalisation = "csls"
cohort = 100
cohort_of = "artists"
neighbours = 5
nearby = true
weights = "int8"
backbone_apart = true
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory, _offline):
    from transformers import CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
    )
    folder = tmp_path_factory.mktemp("nets") / "clip"
    CLIPVisionModel(config).save_pretrained(folder)
    return str(folder)


def painted(work_of, artist, work, size):
    return work_of(artist, work).resize(size)


def row_of(folder, artist, work, split):
    path = folder / "images" / f"{artist}-{work}.jpg"
    return dict.fromkeys(SCHEMA) | {
        "painting_id": f"{artist}-{work}",
        "path": f"images/{artist}-{work}.jpg",
        "artist": f"Artist {artist}",
        "style": f"style {artist % 2}",
        "width": 224,
        "height": 224,
        "bytes": path.stat().st_size,
        "sha256": sha256_file(path),
        "phash": "0" * 16,
        "origin": path.name,
        "repaired": False,
        "split": split,
    }


@pytest.fixture(scope="module")
def pbn(tmp_path_factory, work_of):
    folder = tmp_path_factory.mktemp("pbn")
    (folder / "images").mkdir()
    rows = []
    plan = [("train", range(TRAIN)), ("validation", range(20, 20 + VALIDATION)), ("test", [40, 41])]
    for split, artists in plan:
        for artist in artists:
            for work in range(4):
                image = painted(work_of, artist, work, (224, 224))
                image.save(folder / "images" / f"{artist}-{work}.jpg", quality=90)
                rows.append(row_of(folder, artist, work, split))
    write_catalogue(pl.DataFrame(rows, schema=SCHEMA), folder)
    return folder


@pytest.fixture(scope="module")
def more(tmp_path_factory, work_of):
    """Two works by each training artist and by new ones, by a validation and by a test artist."""
    folder = tmp_path_factory.mktemp("more")
    names = ["file", "artist", "title", "style", "pbn_group", "copy_of_pbn_mini"]
    names += [f"crop_{side}" for side in ("x0", "y0", "x1", "y1")]
    with (
        zipfile.ZipFile(folder / "natural-224.zip", "w") as archive,
        open(folder / "paintings.csv", "w", newline="") as sink,
    ):
        writer = csv.DictWriter(sink, names)
        writer.writeheader()
        groups = {0: "train_and_test", 20: "train_only", 40: "test_only"}
        for artist in (*range(4), *range(60, 66), 20, 40):
            for work in (5, 6):
                image = Image.new("RGB", (224, 224), "grey")
                image.paste(painted(work_of, artist, work, (224, 160)), (0, 32))
                file = f"natural-224/{artist}-{work}.png"
                with archive.open(file, "w") as target:
                    image.save(target, "PNG")
                name = f"Ârtist {artist}" if artist == 20 else f"Artist {artist}"
                row = dict.fromkeys(names, "") | {"file": file, "artist": name}
                group = "" if artist >= 60 else groups.get(artist, "train_only")
                row |= {"pbn_group": group, "copy_of_pbn_mini": "0", "style": "style_1"}
                row |= {"crop_x0": 0, "crop_y0": 32, "crop_x1": 224, "crop_y1": 192}
                writer.writerow(row)
    return folder


def test_names_are_compared_without_accents_and_capitals():
    assert slug("Józef  PANKIEWICZ, jr.") == slug("Jozef Pankiewicz Jr") == "jozefpankiewiczjr"


@pytest.mark.slow
def test_only_what_may_train_is_gathered_and_cut_out_of_its_border(pbn, more, tmp_path):
    table = gather(pbn, [more], tmp_path)
    further = table.filter(pl.col("path").str.starts_with("natural-224"))
    assert set(further["artist"]) == {f"Artist {n}" for n in (*range(4), *range(60, 66))}
    assert set(further["split"]) == {"train"}
    assert "test" not in table["split"].to_list()
    assert not (tmp_path / "images" / "40-0.jpg").exists()
    with Image.open(tmp_path / further["path"][0]) as image:
        assert image.size == (224, 160)
    assert gather(pbn, [more], tmp_path).equals(table)
    (tmp_path / "none").mkdir()
    with pytest.raises(CatalogueError, match="is not a table of further pictures"):
        gather(pbn, [tmp_path / "none"], tmp_path)


def material(artists=15, works=8, width=10):
    rng = np.random.default_rng(0)
    artist = np.repeat(np.arange(artists), works).astype(np.int64)
    features = rng.normal(size=(artists, width))[artist] + rng.normal(size=(len(artist), width))
    collection = np.tile([0, 0, 0, 0, 0, 1, 1, 1], artists)[: len(artist)].astype(np.int64)
    kinds = ["thumbnail" if one == 0 else "photograph" for one in collection]
    return Material(features.astype(np.float32), artist, ["s"] * len(artist), kinds, collection)


def test_a_fold_is_seen_through_discriminants_and_a_cohort_of_the_others():
    made = material()
    folds = list(folds_of(made, Head(width=6, ridge=2.0, neighbours=4, nearby=False), 3, seed=1))
    met = [np.unique(fold.pictures.artist) for fold in folds]
    assert sorted(np.concatenate(met)) == list(range(15))
    for own, fold in zip(met, folds, strict=True):
        others = ~np.isin(made.artist, own)
        known = np.unique(made.artist[others], return_inverse=True)[1]
        rows = made.features[others]
        mean, deviation = rows.mean(0), rows.std(0) + np.float32(1e-3)
        projection = discriminants((rows - mean) / deviation, known, width=6, ridge=2.0)
        embedded = (made.features[fold.pictures.work] - mean) / deviation @ projection
        embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
        cohort = fold.held_out.comparator.cohort
        assert len(cohort) == 10
        first = (rows - mean) / deviation @ projection
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        direction = first[known == 0].mean(0)
        np.testing.assert_allclose(cohort[0], direction / np.linalg.norm(direction), atol=1e-5)
        left, right = np.triu_indices(len(embedded), k=1)
        near = np.sort(embedded @ cohort.T, axis=1)[:, -4:].mean(1)
        expected = 2 * (embedded[left] * embedded[right]).sum(1) - near[left] - near[right]
        found = fold.held_out.comparator.pair_scores(fold.held_out.enrolled, left, right)
        assert np.corrcoef(found, expected)[0, 1] > 0.9999
        # Three works of each artist and collection.
        for artist in own:
            mine = fold.pictures.collection[fold.pictures.artist == artist]
            assert sorted(mine) == [0, 0, 0, 1, 1, 1]


def test_kinds_are_calibrated_by_the_pairs_of_all_folds():
    made = material()
    folds = list(folds_of(made, Head(width=6, ridge=2.0, neighbours=4, nearby=False), 3, seed=1))
    found = conditions_of([(fold.held_out.comparator, fold.pictures) for fold in folds])
    kinds = {condition.kinds: condition for condition in found}
    assert set(kinds) == {
        ("photograph", "photograph"),
        ("photograph", "thumbnail"),
        ("thumbnail", "thumbnail"),
    }
    alike = kinds["thumbnail", "thumbnail"].calibration
    assert alike.genuine_pairs == 15 * 3
    assert alike.impostor_pairs == 3 * 10 * 9
    # No collection shows both kinds, so two together count as one.
    assert kinds["photograph", "thumbnail"].calibration.genuine_pairs == 15 * 9


@pytest.mark.slow
def test_one_command_makes_a_model_that_answers_by_kinds(pbn, more, clip, tmp_path):
    from benchmarks.make_vit.__main__ import app

    (tmp_path / "small.toml").write_text(RECIPE.replace("BACKBONE", clip))
    arguments = [tmp_path / "small.toml", "--pbn", pbn, "--more", more, "--work", tmp_path / "work"]
    arguments += ["--out", tmp_path / "model", "--folds", "3"]
    done = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0
    assert "76 paintings by 20 artists, calibrated on 20 in 3 folds" in done.output
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["training"]["folds"] == 3
    assert config["calibration"]["artists"] == 20
    kinds = [condition["kinds"] for condition in config["conditions"]]
    assert ["thumbnail", "thumbnail"] in kinds
    assert ["greyscale", "greyscale"] in kinds
    model = SameHand(tmp_path / "model", threads=1)
    a, b = (model.open(pbn / "images" / f"40-{work}.jpg") for work in (0, 1))
    verdict = model.compare(a, b)
    assert verdict.condition == "two thumbnails"
    assert np.isfinite(verdict.llr)
    assert model.explain(a, b) is not None
    again = [*arguments[:-4], "--out", tmp_path / "second", "--folds", "3"]
    CliRunner().invoke(app, [str(one) for one in again], catch_exceptions=False)
    other = SameHand(tmp_path / "second", threads=1)
    assert other.folder.identity == model.folder.identity
