"""The report's network trained by the loop of every other recipe, exported, and served."""

import csv
import json
from itertools import combinations

import imagehash
import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from samehand.catalogue.schema import load_catalogue, write_catalogue
from samehand.errors import RecipeError
from samehand.evaluation.evaluate import evaluate
from samehand.images.decode import decode_file
from samehand.images.views import render_views
from samehand.pairs.draws import all_pairs
from samehand.pairs.protocol import load_protocol, write_protocol
from samehand.training.pairwise import PairLoss, PairwiseObjective
from samehand.training.recipe import read_recipe
from samehand.training.release import export
from samehand.training.runlog import load_tensors
from samehand.training.train import train
from samehand.verification.score import score_csv
from samehand.verification.verifier import SameHand

OEUVRES = {"train": {"ada": 9, "bea": 7, "cid": 6}, "test": {"joe": 4, "kim": 3}}
SIZE = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory, make_catalogue):
    """Three artists who train and validate, four who only validate, two who are tested."""
    folder = make_catalogue(
        tmp_path_factory.mktemp("pairs") / "catalogue",
        OEUVRES | {"validation": {"fay": 5, "gus": 4, "hal": 4, "ida": 4}},
    )
    table = load_catalogue(folder)
    hashes = [str(imagehash.phash(Image.open(folder / path))) for path in table["path"]]
    number = pl.col("painting_id").str.slice(-1).cast(pl.Int64)
    split = pl.when((pl.col("split") == "train") & (number % 3 == 0)).then(pl.lit("validation"))
    write_catalogue(
        table.with_columns(
            pl.Series("phash", hashes),
            split.otherwise(pl.col("split")).alias("split"),
            # The cache of embeddings goes by content, the protocol by id.
        ),
        folder,
    )
    return folder


@pytest.fixture(scope="module")
def make(resnet):
    def recipe(frozen=True, head="max", **changes):
        values = {
            "kind": "siamese",
            "name": "tiny-pairs",
            "seed": 3,
            "size": SIZE,
            "pairs_per_step": 8,
            "epochs": 3,
            "steps_per_epoch": 6,
            "validation_steps": 5,
            "model": {
                "backbone": resnet,
                "head": head,
                "dropout": 0.1,
                "train_backbone": not frozen,
            },
        }
        return read_recipe(values | changes)

    return recipe


def objective_of(recipe, folder):
    return PairwiseObjective(recipe, load_catalogue(folder), folder)


def image_of(path):
    return torch.from_numpy(render_views(decode_file(path).image, ("whole",), SIZE))


@pytest.mark.parametrize("head", ["max", pytest.param("flatten", marks=pytest.mark.slow)])
def test_frozen_maps_train_as_images_would(folder, make, head):
    recipe = make(head=head)
    objective = objective_of(recipe, folder)
    pairs = objective.generator.draw(8, recipe.seed, 0, 1, 2)
    left, right, same = objective.load(2, 1, 2)
    np.testing.assert_array_equal(same.numpy(), pairs.same)
    model = objective.model.eval()
    with torch.inference_mode():
        found = model.compare(left, right)
        by_image = model(
            torch.cat([image_of(objective.paths[i]) for i in pairs.left]),
            torch.cat([image_of(objective.paths[i]) for i in pairs.right]),
        )
    np.testing.assert_allclose(found.numpy(), by_image.numpy(), atol=0.02)


@pytest.mark.parametrize("frozen", [True, False])
def test_validation_measures_the_pairs_of_known_artists(folder, make, frozen):
    objective = objective_of(make(frozen), folder)
    assert set(objective.validation_artists) == {"ada", "bea", "cid"}
    model = objective.model.eval()
    # Rounding must not decide: every logit clearly on its side.
    with torch.no_grad():
        model.dense.weight.mul_(100)
    pairs = objective.validation_pairs
    assert len(pairs.same) == 40
    with torch.inference_mode():
        logits = torch.cat(
            [
                model(
                    image_of(objective.validation_paths[i]), image_of(objective.validation_paths[j])
                )
                for i, j in zip(pairs.left, pairs.right, strict=True)
            ]
        ).numpy()
    right = (logits > 0) == (pairs.same == 1)
    signs = np.where(pairs.same == 1, -logits, logits)
    measured = objective.validate(model)
    assert measured["accuracy"] == pytest.approx(right.mean(), abs=0.026)
    assert measured["loss"] == pytest.approx(np.logaddexp(0, signs).mean(), rel=0.05)


def test_the_loss_is_cross_entropy_and_counts_what_is_right():
    criterion = PairLoss()
    logits = torch.tensor([2.0, -1.0, 0.5, -3.0])
    same = torch.tensor([1.0, 1.0, 0.0, 0.0])
    chance = 1 / (1 + np.exp(-logits.numpy()))
    expected = -np.mean(np.log(np.where(same.numpy() == 1, chance, 1 - chance)))
    assert criterion(logits, same).item() == pytest.approx(expected, rel=1e-6)
    criterion(torch.tensor([5.0]), torch.tensor([1.0]))
    # An interrupted epoch goes on counting.
    again = PairLoss()
    again.load_state_dict(criterion.state_dict())
    assert again.accuracy() == pytest.approx(3 / 5)
    assert again.accuracy() == 0


@pytest.fixture(scope="module")
def run(tmp_path_factory, folder, make):
    out = tmp_path_factory.mktemp("runs") / "run"
    train(make(frozen=False), folder, out)
    return out


def test_a_run_has_curves_of_loss_and_accuracy_on_both_sides(run):
    history = json.loads((run / "metrics.json").read_text())
    assert len(history) == 3
    keys = {"loss", "training_accuracy", "validation_accuracy", "validation_loss"}
    assert keys <= history[0].keys()
    assert all(0 <= row[key] <= 1 for row in history for key in keys if "accuracy" in key)
    assert (run / "curves.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("mode", "choose"), [pytest.param("max", max, marks=pytest.mark.slow), ("min", min)]
)
def test_the_best_epoch_is_the_one_that_the_recipe_asks_for(tmp_path, folder, make, mode, choose):
    recipe = make(monitor_mode=mode, epochs=4, optimiser={"algorithm": "adam", "head_rate": 0.05})
    history = train(recipe, folder, tmp_path / "run")
    _, facts = load_tensors(tmp_path / "run" / "best.safetensors")
    accuracies = [row["validation_accuracy"] for row in history]
    assert facts["accuracy"] == choose(accuracies)
    assert facts["epoch"] == 1 + accuracies.index(choose(accuracies))


def test_training_stops_when_patience_ends(tmp_path, folder, make):
    # A rate of next to nothing changes no answer, so that the first epoch stays the best.
    recipe = make(patience=2, epochs=9, optimiser={"algorithm": "adam", "head_rate": 1e-12})
    assert len(train(recipe, folder, tmp_path / "run")) == 3


def test_two_runs_of_one_seed_are_equal(tmp_path, folder, make, run):
    train(make(frozen=False), folder, tmp_path / "again")
    one, other = (load_tensors(path / "best.safetensors")[0] for path in (run, tmp_path / "again"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_collection_without_pairs_is_refused(tmp_path, make_catalogue, make):
    # All hashes of these paintings are equal: each is a near-duplicate of every other.
    folder = make_catalogue(tmp_path / "c", {"train": {"ada": 3, "bea": 3}, "validation": {"x": 2}})
    with pytest.raises(RecipeError, match="two different works"):
        objective_of(make(), folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory, folder, run):
    out = tmp_path_factory.mktemp("models") / "models_1"
    export([run], folder, out)
    return out


def by_hand(run, make, left, right):
    """The logit of the best epoch's network on two images."""
    from samehand.networks.siamese import Siamese

    recipe = make(frozen=False)
    network = Siamese(recipe.model, recipe.size, pretrained=False).eval()
    network.load_state_dict(load_tensors(run / "best.safetensors")[0])
    with torch.inference_mode():
        return network(image_of(left), image_of(right)).item()


def test_the_folder_holds_both_graphs_and_no_cohort(model):
    assert {path.name for path in model.iterdir()} == {
        "encoder.onnx",
        "head.onnx",
        "config.json",
        "README.md",
    }
    card = (model / "README.md").read_text()
    assert "accuracy on balanced pairs" in card
    assert "its logit" in card
    assert "cosine" not in card


def test_compare_score_and_evaluate_give_the_network_s_logit(
    tmp_path, folder, run, make, model, capsys
):
    verifier = SameHand(model, threads=1)
    table = load_catalogue(folder).filter(pl.col("split") == "test")
    paths = dict(table.select("painting_id", "path").rows())
    expected = {
        pair: by_hand(run, make, *(folder / paths[one] for one in pair))
        for pair in combinations(sorted(paths), 2)
    }
    pair = next(iter(expected))
    verdicts = [
        verifier.compare(*(folder / paths[one] for one in order)) for order in (pair, pair[::-1])
    ]
    assert verdicts[0].score == verdicts[1].score
    assert verdicts[0].score == pytest.approx(expected[pair], abs=0.02)
    calibration = verifier.folder.config.calibration
    llr = calibration.slope * verdicts[0].score + calibration.intercept
    assert verdicts[0].llr == pytest.approx(np.clip(llr, calibration.lower, calibration.upper))

    with open(tmp_path / "pairs.csv", "w", newline="") as sink:
        rows = [(paths[one], paths[other]) for one, other in expected]
        csv.writer(sink).writerows([("left", "right"), *rows])
    score_csv(verifier, tmp_path / "pairs.csv", folder, tmp_path / "out.csv", cache=tmp_path / "c")
    scored = pl.read_csv(tmp_path / "out.csv")["score"].to_numpy()
    np.testing.assert_allclose(scored, list(expected.values()), atol=0.02)

    protocol = tmp_path / "unseen.parquet"
    draft = all_pairs(load_catalogue(folder), artists="unseen")
    write_protocol(protocol, draft, description="All.", catalogue_sha256="c0ffee")
    found = evaluate(verifier, folder, protocol, replicates=2, cache=tmp_path / "e")
    frozen = load_protocol(protocol)
    for batch in frozen.batches():
        for left, right, score in zip(
            batch.left, batch.right, found.scores["tiny-pairs"], strict=True
        ):
            names = tuple(sorted((frozen.paintings[left], frozen.paintings[right])))
            assert score == pytest.approx(expected[names], abs=0.02)


def test_the_calibration_artists_trained_and_chose_nothing(folder, model, run):
    config = json.loads((model / "config.json").read_text())
    assert config["calibration"]["artists"] == 4
    assert json.loads((run / "config.json").read_text())["training_artists"] == 3
    genuine = 10 + 6 + 6 + 6  # fay has 5 works, the other three have 4 each
    assert config["calibration"]["genuine_pairs"] == genuine


def test_images_that_look_like_one_painting_are_still_warned_about(
    tmp_path, folder, model, work_of
):
    work_of(1, 1, (300, 260)).save(tmp_path / "one.png")
    work_of(1, 1, (300, 260)).resize((240, 208)).save(tmp_path / "two.png")
    verdict = SameHand(model, threads=1).compare(tmp_path / "one.png", tmp_path / "two.png")
    assert any("two reproductions of one painting" in warning for warning in verdict.warnings)
