import json
import signal
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from samehand.catalogue.schema import load_catalogue
from samehand.errors import RecipeError
from samehand.images.decode import decode_file
from samehand.images.views import render_views
from samehand.training.loop import Interrupted
from samehand.training.metric import MetricObjective
from samehand.training.runlog import RunFolder
from samehand.training.train import train


@pytest.fixture(scope="module")
def objective(catalogue, make_recipe):
    return MetricObjective(make_recipe(), load_catalogue(catalogue), catalogue)


def auc(scores, same):
    """How often a genuine pair scores above an impostor pair, ties counting half."""
    wins = [
        (genuine > impostor) + (genuine == impostor) / 2
        for genuine in scores[same]
        for impostor in scores[~same]
    ]
    return sum(wins) / len(wins)


def test_validation_auc_over_all_pairs_and_over_pairs_of_one_style(catalogue, make_recipe):
    # Names and styles at random, so that pairs are confused.
    table = load_catalogue(catalogue).filter(pl.col("split") == "validation")
    rng = np.random.default_rng(0)
    validation = table.with_columns(
        pl.Series("artist", rng.choice(["fay", "gus"], len(table))),
        pl.Series("style", rng.choice(np.array(["Cubism", "Baroque", None]), len(table)).tolist()),
    )
    training = load_catalogue(catalogue).filter(pl.col("split") == "train")
    objective = MetricObjective(make_recipe(), pl.concat([validation, training]), catalogue)
    model = objective.model.eval()
    rows = validation.to_dicts()
    for row in rows:
        view = render_views(decode_file(catalogue / row["path"]).image, ("whole",), 32)
        with torch.inference_mode():
            row["embedding"] = model(torch.from_numpy(view))[0].numpy()
    pairs = [(one, two) for i, one in enumerate(rows) for two in rows[:i]]
    scores = np.array([one["embedding"] @ two["embedding"] for one, two in pairs])
    same = np.array([one["artist"] == two["artist"] for one, two in pairs])
    # Two paintings of unknown style are not of one style.
    styled = np.array([one["style"] == two["style"] is not None for one, two in pairs])
    assert len(pairs) == 14 * 13 // 2
    assert 0 < styled.sum() < sum(one["style"] == two["style"] for one, two in pairs)
    assert objective.validate(model) == {
        "auc": pytest.approx(auc(scores, same), abs=0.002),
        "auc_same_style": pytest.approx(auc(scores[styled], same[styled]), abs=0.002),
    }


@pytest.mark.parametrize("style", [None, "Cubism"])
def test_without_several_styles_there_is_one_auc(catalogue, make_recipe, style):
    table = load_catalogue(catalogue).with_columns(pl.lit(style, pl.String).alias("style"))
    objective = MetricObjective(make_recipe(), table, catalogue)
    assert objective.validate(objective.model.eval()).keys() == {"auc"}


def test_only_training_paintings_are_trained_on(objective, catalogue):
    train_rows = load_catalogue(catalogue).filter(pl.col("split") == "train")
    paths = {catalogue / path for path in train_rows["path"]}
    assert set(objective.paths) == paths
    assert not set(objective.validation_paths) & paths
    batches = [batch for epoch in range(30) for batch in objective.batches(epoch)]
    assert len(objective.batches(0)) == 18 // 6
    drawn = {objective.artists[index] for batch in batches for index in batch}
    assert drawn == {"ada", "bea", "cid", "dov"}


def test_a_batch_is_views_of_the_drawn_paintings_with_their_artists(objective):
    (batch, *_) = objective.batches(0)
    images, labels = objective.load(batch, 0, 0)
    assert images.shape == (6, 3, 32, 32)
    assert images.dtype == torch.float32
    assert 0 <= images.min() <= images.max() <= 1
    names = sorted(set(objective.artists))
    assert [names[label] for label in labels] == [objective.artists[index] for index in batch]
    # The painters differ in ground colour, which no training view may change much.
    for view, index in zip(images, batch, strict=True):
        picture = np.asarray(decode_file(objective.paths[index]).image) / 255
        np.testing.assert_allclose(view.mean(dim=(1, 2)), picture.mean(axis=(0, 1)), atol=0.15)


def test_views_are_fixed_by_seed_epoch_and_step(objective):
    (batch, *_) = objective.batches(0)
    images = objective.load(batch, 0, 0)[0]
    assert torch.equal(objective.load(batch, 0, 0)[0], images)
    assert not torch.equal(objective.load(batch, 1, 0)[0], images)
    assert not torch.equal(objective.load(batch, 0, 1)[0], images)


def test_stages_decide_the_size_of_views(catalogue, make_recipe):
    stages = [{"epochs": 1, "size": 32}, {"epochs": 1, "size": 48}]
    objective = MetricObjective(make_recipe(stages=stages), load_catalogue(catalogue), catalogue)
    sides = [objective.load([0], epoch, 0)[0].shape[-1] for epoch in (0, 1)]
    assert sides == [32, 48]


def test_every_trainable_parameter_is_in_one_group(objective):
    rates = objective.recipe.optimiser
    groups = objective.groups()
    listed = [id(parameter) for group in groups for parameter in group["params"]]
    modules = (objective.model, objective.criterion)
    wanted = {
        id(parameter): name
        for module in modules
        for name, parameter in module.named_parameters()
        if parameter.requires_grad
    }
    assert len(listed) == len(set(listed))
    assert set(listed) == set(wanted)
    backbone = {id(parameter) for parameter in objective.model.backbone.parameters()}
    optimiser = torch.optim.AdamW(groups, weight_decay=rates.weight_decay)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            decay = rates.weight_decay if parameter.ndim >= 2 else 0.0
            rate = rates.backbone_rate if id(parameter) in backbone else rates.head_rate
            assert group["weight_decay"] == decay, wanted[id(parameter)]
            assert group["lr"] == rate, wanted[id(parameter)]
    undecayed = {wanted[i] for g in groups if "weight_decay" in g for i in map(id, g["params"])}
    assert {"exponent", "centre.weight"} <= undecayed
    assert "centre.bias" not in wanted.values()


@pytest.mark.parametrize(
    ("oeuvres", "sentence"),
    [
        (
            {"train": {"ada": 9, "bea": 2}, "validation": {"fay": 2, "gus": 2}},
            r"do not fit the recipe: only 2 artists have 2 paintings; a batch needs 3",
        ),
        (
            {"train": {"ada": 9, "bea": 9, "cid": 9, "dov": 1}, "validation": {"fay": 9}},
            "has too few validation paintings",
        ),
        # Four painters and not one genuine pair.
        (
            {"train": {"ada": 9, "bea": 9, "cid": 9}, "validation": dict.fromkeys("fghi", 1)},
            "has too few validation paintings",
        ),
        ({"train": {"ada": 2, "bea": 2, "cid": 2}}, "has too few validation paintings"),
    ],
)
def test_too_few_artists_are_refused(tmp_path, make_catalogue, make_recipe, oeuvres, sentence):
    folder = make_catalogue(tmp_path / "few", oeuvres)
    with pytest.raises(RecipeError, match=sentence) as caught:
        train(make_recipe(), folder, tmp_path / "run")
    assert str(folder) in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_an_interrupted_training_ends_with_the_same_weights(
    catalogue, make_recipe, tmp_path, monkeypatch
):
    recipe = make_recipe()
    train(recipe, catalogue, tmp_path / "whole")
    loss, steps = MetricObjective.loss, count(1)

    def interrupted(self, tensors):
        if next(steps) == 5:
            signal.raise_signal(signal.SIGINT)
        return loss(self, tensors)

    with monkeypatch.context() as patch:
        patch.setattr(MetricObjective, "loss", interrupted)
        with pytest.raises(Interrupted):
            train(recipe, catalogue, tmp_path / "halves")
    assert len(json.loads((tmp_path / "halves" / "metrics.json").read_text())) == 1
    history = train(recipe, catalogue, tmp_path / "halves")
    whole, halves = (RunFolder(tmp_path / name).best.read_bytes() for name in ("whole", "halves"))
    assert whole == halves
    assert [row["epoch"] for row in history] == [1, 2]

    config = RunFolder(tmp_path / "halves").config()
    assert config["recipe"] == recipe.model_dump(mode="json")
    counts = [config[f"{split}_artists"] for split in ("training", "validation")]
    assert counts == [5, 4]
    assert [config[f"{split}_paintings"] for split in ("training", "validation")] == [26, 14]
    changed = make_recipe(seed=4)
    with pytest.raises(RecipeError, match="holds a run with another recipe"):
        train(changed, catalogue, tmp_path / "halves")
    assert Path(tmp_path / "halves" / "best.safetensors").read_bytes() == halves
