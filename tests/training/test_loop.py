import json
import math
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_objective import STEPS, Toy, train_toy

from samehand.errors import OutputError, RecipeError
from samehand.training.loop import Interrupted, fit
from samehand.training.recipe import OptimiserConfig
from samehand.training.runlog import RunFolder, load_tensors

RATES = OptimiserConfig(warmup=0.25, average=0.9)


def run_toy(toy, path, **changes):
    options = {"epochs": 2, "patience": 0, "optimiser": RATES, "seed": 5, "resume": False}
    return fit(toy, RunFolder(path), **options | changes)


def measured(folder):
    """What a run says it did, without how long it took."""
    rows = json.loads((folder / "metrics.json").read_text())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    train_toy(folder)
    return folder


@pytest.mark.parametrize(
    ("stop", "where", "epoch", "step"),
    [
        (signal.SIGINT, "load", 1, 3),
        pytest.param(signal.SIGKILL, "loss", 1, 2, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, "validate", 1, STEPS, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    uninterrupted, tmp_path, stop, where, epoch, step
):
    if stop == signal.SIGINT:
        stopping = Toy()
        stopping.stop_at = (stop, where, epoch, step)
        with pytest.raises(Interrupted):
            train_toy(tmp_path, stopping)
    else:
        script = Path(__file__).with_name("toy_objective.py")
        command = [sys.executable, script, tmp_path, where, str(epoch), str(step)]
        stopped = subprocess.run(command, capture_output=True, text=True, check=False)
        assert stopped.returncode == -stop, stopped.stderr
    _, facts = load_tensors(tmp_path / "checkpoint.safetensors")
    assert facts["epoch"] == epoch
    assert 0 < facts["step"] <= STEPS
    assert len(measured(tmp_path)) == epoch

    train_toy(tmp_path)
    best = [(folder / "best.safetensors").read_bytes() for folder in (uninterrupted, tmp_path)]
    assert best[0] == best[1]
    assert measured(tmp_path) == measured(uninterrupted)
    tensors = [
        load_tensors(folder / "checkpoint.safetensors")[0] for folder in (uninterrupted, tmp_path)
    ]
    assert tensors[0].keys() == tensors[1].keys()
    for name, tensor in tensors[0].items():
        assert torch.equal(tensor, tensors[1][name]), name


def test_another_seed_trains_other_weights(uninterrupted, tmp_path):
    run_toy(Toy(), tmp_path, seed=6)
    assert measured(tmp_path) != measured(uninterrupted)


def test_a_finished_run_is_not_trained_further(uninterrupted, tmp_path):
    toy = Toy()
    history = run_toy(toy, tmp_path)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    seen = toy.steps
    assert run_toy(toy, tmp_path, resume=True) == history
    assert toy.steps == seen
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before


def test_rates_warm_up_and_fall_along_a_cosine(tmp_path):
    toy = Toy()
    run_toy(toy, tmp_path, optimiser=OptimiserConfig(warmup=0.25))
    # 10 steps: round(2.5) = 2 rise, 8 fall.
    expected = [0.5, 1.0] + [(1 + math.cos(math.pi * k / 8)) / 2 for k in range(8)]
    assert 2 * STEPS == len(expected) == 10
    found = np.array(toy.rates)
    np.testing.assert_allclose(found[:, 0], 0.02 * np.array(expected), rtol=1e-12)
    np.testing.assert_allclose(found[:, 1], 0.005 * np.array(expected), rtol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.995])
def test_what_is_validated_and_kept_is_the_moving_average(tmp_path, decay):
    toy = Toy()
    run_toy(toy, tmp_path, optimiser=OptimiserConfig(average=decay))
    average = toy.trace[0]
    for count, weights in enumerate(toy.trace[1:], start=1):
        share = min(decay, (1 + count) / (10 + count))
        average = {name: share * average[name] + (1 - share) * weights[name] for name in average}
    for name, value in toy.validated[-1].items():
        if value.is_floating_point():
            torch.testing.assert_close(value, average[name])
    kept, facts = load_tensors(tmp_path / "best.safetensors")
    best = toy.validated[int(facts["epoch"]) - 1]
    assert kept.keys() == best.keys()
    assert all(torch.equal(kept[name], best[name]) for name in kept)


@pytest.mark.parametrize(
    ("patience", "scores", "epochs", "best"),
    [
        (0, (0.7, 0.6, 0.9), 3, 3),
        (1, (0.7, 0.7, 0.9), 2, 1),
        (2, (math.nan, -0.2, -0.3, -0.2, 0.9), 4, 2),
    ],
)
def test_patience_ends_training_and_keeps_the_best_epoch(tmp_path, patience, scores, epochs, best):
    toy = Toy(scores=scores)
    options = {"epochs": len(scores), "patience": patience}
    history = run_toy(toy, tmp_path, **options)
    assert [row["epoch"] for row in history] == list(range(1, epochs + 1))
    kept, facts = load_tensors(tmp_path / "best.safetensors")
    assert facts == {"epoch": best, "score": scores[best - 1]}
    weights = toy.validated[best - 1]
    assert all(torch.equal(kept[name], weights[name]) for name in weights)
    # Continuing after it ended changes nothing.
    again = Toy(scores=scores)
    assert run_toy(again, tmp_path, **options, resume=True)[-1]["epoch"] == epochs
    assert again.steps == 0


def test_the_loss_of_an_epoch_is_its_mean_step(tmp_path):
    toy = Toy()
    history = run_toy(toy, tmp_path)
    for epoch, row in enumerate(history):
        steps = toy.losses[epoch * STEPS : (epoch + 1) * STEPS]
        assert row["loss"] == pytest.approx(sum(steps) / STEPS, rel=1e-6)
        assert row["validation_score"] == pytest.approx(toy.scored[epoch])


def test_metrics_that_could_not_be_written_are_written_on_resume(tmp_path, uninterrupted):
    (tmp_path / "metrics.json").mkdir()
    options = {"checkpoint_every": 0, "epochs": 1}
    with pytest.raises(OutputError, match=r"metrics\.json"):
        run_toy(Toy(), tmp_path, **options)
    (tmp_path / "metrics.json").rmdir()
    history = run_toy(Toy(), tmp_path, **options, resume=True)
    assert json.loads((tmp_path / "metrics.json").read_text()) == history
    assert len(history) == 1


def test_no_half_written_file_is_ever_left(tmp_path):
    class Watching(Toy):
        def loss(self, tensors):
            for path in tmp_path.iterdir():
                assert path.name in {"checkpoint.safetensors", "best.safetensors"} | {
                    "metrics.json",
                    "curves.png",
                }
                if path.suffix == ".safetensors":
                    load_tensors(path)
            return super().loss(tensors)

    run_toy(Watching(), tmp_path, checkpoint_every=0)


def test_an_error_in_a_background_thread_ends_the_run(tmp_path):
    class Unreadable(Toy):
        def load(self, batch, epoch, step):
            if (epoch, step) == (0, 3):
                raise RecipeError("no such painting")
            return super().load(batch, epoch, step)

    with pytest.raises(RecipeError, match="no such painting"):
        run_toy(Unreadable(), tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_step_and_is_handed_back(tmp_path, number):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]

    class Stopping(Toy):
        def loss(self, tensors):
            signal.raise_signal(number)
            return super().loss(tensors)

    toy = Stopping()
    with pytest.raises(Interrupted):
        run_toy(toy, tmp_path)
    assert toy.steps == 1
    assert load_tensors(tmp_path / "checkpoint.safetensors")[1]["step"] == 1
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_every_part_that_learns_is_in_the_checkpoint(uninterrupted):
    tensors, _ = load_tensors(uninterrupted / "checkpoint.safetensors")
    toy = Toy()
    parts = {"model": toy.model, "criterion": toy.criterion}
    for part, module in parts.items():
        assert {n for n in tensors if n.startswith(f"{part}/")} == {
            f"{part}/{name}" for name in module.state_dict()
        }
    learned = sum(len(list(module.parameters())) for module in parts.values())
    assert len({n.split("/")[1] for n in tensors if n.startswith("adam/")}) == learned


def test_a_loss_that_is_no_number_ends_the_run_before_it_spoils_the_weights(tmp_path):
    class Diverging(Toy):
        def loss(self, tensors):
            return super().loss(tensors) * float("nan")

    toy = Diverging()
    before = [value.clone() for value in toy.model.parameters()]
    with pytest.raises(RecipeError, match="training diverged"):
        run_toy(toy, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(before, toy.model.parameters(), strict=True))
    assert not (tmp_path / "checkpoint.safetensors").exists()
