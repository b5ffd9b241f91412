import numpy as np
import polars as pl
import pytest
import torch

from samehand.catalogue.schema import load_catalogue
from samehand.errors import RecipeError
from samehand.model.folder import open_model
from samehand.model.runtime import Embedder
from samehand.networks.discriminant import discriminants
from samehand.training.crossfit import CrossfitLoss, CrossfitObjective
from samehand.training.release import export
from samehand.training.train import train


def made(seed=0):
    """Standardised features of six artists, and a loss fitted to them."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(6), 5)
    features = (rng.normal(size=(6, 8))[labels] + rng.normal(size=(30, 8))).astype(np.float32)
    loss = CrossfitLoss(6, 8, 4, margin=0.1, scale=7.0, seed=3)
    loss.fit(features, labels, ridge=2.0)
    return features, labels, loss


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_the_halves_are_as_large_and_each_is_seen_through_the_other():
    features, labels, loss = made()
    half = loss.side.numpy()
    assert sorted(half) == [0, 0, 0, 1, 1, 1]
    for own in (0, 1):
        others = half[labels] != own
        known = np.unique(labels[others], return_inverse=True)[1]
        expected = discriminants(features[others], known, width=4, ridge=2.0)
        np.testing.assert_allclose(loss.projections[own].numpy(), expected.T, atol=1e-5)
        for artist in np.flatnonzero(half == own):
            mean = unit(features[labels == artist] @ expected).mean(0)
            np.testing.assert_allclose(loss.centres[artist].numpy(), unit(mean), atol=1e-5)


def test_every_pair_by_hand():
    features, labels, loss = made()
    half = loss.side.numpy()
    batch = [i for i in range(30) if half[labels[i]] == 1 and i % 5 < 3]
    embedded = unit(features[batch].astype(float) @ loss.projections[1].numpy().astype(float).T)
    costs = []
    for i, one in enumerate(batch):
        rivals = [
            np.exp(7 * embedded[i] @ embedded[k])
            for k, other in enumerate(batch)
            if labels[other] != labels[one]
        ]
        rivals += [
            np.exp(7 * embedded[i] @ loss.centres[artist].numpy())
            for artist in range(6)
            if half[artist] == 1 and artist != labels[one]
        ]
        own = [
            np.log1p(sum(rivals) / np.exp(7 * (embedded[i] @ embedded[j] - 0.1)))
            for j, other in enumerate(batch)
            if j != i and labels[other] == labels[one]
        ]
        costs.append(sum(own) / len(own))
    found = loss(torch.from_numpy(features[batch]), torch.from_numpy(labels[batch]))
    assert float(found) == pytest.approx(np.mean(costs), rel=1e-4)


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


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory, make_catalogue):
    """Enough artists for two halves."""
    oeuvres = {
        "train": dict.fromkeys(["ada", "bea", "cid", "dov", "eli", "flo", "gil", "han"], 4),
        "validation": {"fay": 5, "gus": 4, "hal": 4},
    }
    return make_catalogue(tmp_path_factory.mktemp("data") / "catalogue", oeuvres)


@pytest.fixture
def recipe(clip, make_recipe):
    return make_recipe(
        model={
            "backbone": clip,
            "pooling": "tokens",
            "width": 8,
            "blocks": [2, 3],
            "region_block": 3,
            "frozen_blocks": 2,
            "kept_patches": 9,
        },
        loss={"kind": "crossfit", "margin": 0.1},
        discriminant={"start": 8.0, "finish": 8.0},
        batch={"artists": 2, "per_artist": 2, "one_style": 0.5},
        serve={
            "size": 32,
            "views": ["whole"],
            "cohort": 12,
            "cohort_of": "artists",
            "neighbours": 3,
            "weights": "int8",
        },
    )


def test_batches_are_of_one_half_each_and_in_turn(recipe, catalogue):
    objective = CrossfitObjective(recipe, load_catalogue(catalogue), catalogue)
    half = objective.crossfit.side.numpy()
    batches = objective.batches(0)
    assert len(batches) == 18 // 4
    for number, batch in enumerate(batches):
        labels = objective.labels[batch]
        assert len(set(batch)) == 4
        assert sorted(np.unique(labels, return_counts=True)[1]) == [2, 2]
        assert set(half[labels]) == {number % 2}
    assert batches == objective.batches(0)
    assert batches != objective.batches(1)


def test_only_trained_blocks_are_in_the_optimiser(recipe, catalogue):
    objective = CrossfitObjective(recipe, load_catalogue(catalogue), catalogue)
    names = {id(p): name for name, p in objective.model.named_parameters()}
    moved = {names[id(p)] for group in objective.groups() for p in group["params"]}
    assert any(".layers.1." in name for name in moved)
    assert not [name for name in moved if "projection" == name.split(".")[0] or "layers.0" in name]


@pytest.mark.slow
def test_a_run_becomes_a_model_whose_discriminants_are_of_the_trained_features(
    recipe, catalogue, tmp_path
):
    history = train(recipe, catalogue, tmp_path / "run")
    assert len(history) == 2
    assert all(np.isfinite(row["loss"]) for row in history)
    config = export([tmp_path / "run"], catalogue, tmp_path / "model", name="small")
    opened = open_model(tmp_path / "model")
    assert opened.config == config
    assert Embedder(opened.embedder).width == 8
    assert config.one_style is not None
    table = load_catalogue(catalogue).filter(pl.col("split") == "train")
    assert opened.comparator.cohort.shape == (table["artist"].n_unique(), 8)
    with pytest.raises(RecipeError, match="export it alone"):
        export([tmp_path / "run", tmp_path / "run"], catalogue, tmp_path / "two")


@pytest.mark.slow
def test_a_recipe_without_stages_fits_discriminants_alone(recipe, catalogue, tmp_path):
    frozen = recipe.model_copy(update={"stages": ()})
    history = train(frozen, catalogue, tmp_path / "run")
    assert len(history) == 1
    assert history[0]["epoch"] == 0
    assert 0 <= history[0]["validation_auc"] <= 1
    config = export([tmp_path / "run"], catalogue, tmp_path / "model")
    assert config.training["best"]["epoch"] == 0
    assert open_model(tmp_path / "model").config.pairwise is False


def test_without_stages_and_discriminants_there_is_nothing_to_do(recipe):
    values = recipe.model_dump() | {"stages": [], "discriminant": None}
    with pytest.raises(ValueError, match="nothing is trained"):
        type(recipe).model_validate(values)


def test_it_needs_discriminants(recipe, catalogue):
    plain = recipe.model_copy(update={"discriminant": None})
    with pytest.raises(RecipeError, match="discriminant"):
        CrossfitObjective(plain, load_catalogue(catalogue), catalogue)
