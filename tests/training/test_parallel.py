"""Training on several processes gives the run of one; real torchrun, gloo, on the CPU.

pytest -m slow tests/training/test_parallel.py
"""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from samehand.errors import RecipeError
from samehand.training.parallel import ALONE, Processes, joined, share_statistics, shared_loss
from samehand.training.runlog import load_tensors
from samehand.training.train import _require_parallel

RECIPE = """
name = "tiny"
seed = 3
per_epoch = 36
[model]
backbone = "{backbone}"
pooling = "mean"
width = 16
dropout = 0.0
[batch]
artists = 3
per_artist = 2
[optimiser]
average = 0.9
[serve]
size = 32
views = ["whole"]
cohort = 12
neighbours = 3
[[stages]]
epochs = {epochs}
size = 32
"""


@pytest.fixture(scope="session")
def transformer(tmp_path_factory, _offline):
    """A transformer; the head that an encoder puts upon it normalises by batch."""
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=16,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    folder = tmp_path_factory.mktemp("nets") / "vit"
    ViTModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def run(tmp_path, transformer, catalogue):
    def start(name, processes, epochs=2, wait=True):
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(RECIPE.format(backbone=transformer, epochs=epochs))
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone",
                    "--nproc-per-node", str(processes)]  # fmt: skip
        train = ["-m", "samehand", "train", recipe, "--catalogue", catalogue]
        command = [*torchrun, *map(os.fspath, train), "--out", str(tmp_path / name)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        child = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        if wait:
            error = child.communicate()[1]
            assert child.returncode == 0, error
        return tmp_path / name if wait else child

    return start


def history(folder):
    return json.loads((folder / "metrics.json").read_text())


def same_runs(one, two):
    for mine, its in zip(history(one), history(two), strict=True):
        assert mine["loss"] == pytest.approx(its["loss"], rel=1e-3)
        assert mine["validation_auc"] == pytest.approx(its["validation_auc"], abs=0.02)
    weights, others = (load_tensors(folder / "checkpoint.safetensors")[0] for folder in (one, two))
    assert weights.keys() == others.keys()
    assert any(name.startswith("criterion/") for name in weights)
    for name, tensor in weights.items():
        # Batch normalisation and softmax take no notice of biases before them: their gradients are
        # rounding, which Adam scales up.
        if name.startswith(("model/", "criterion/")) and tensor.ndim > 1:
            np.testing.assert_allclose(tensor, others[name], atol=5e-3, err_msg=name)


@pytest.mark.slow
def test_two_processes_train_as_one_does(run):
    one, two = run("one", 1), run("two", 2)
    same_runs(one, two)
    assert history(one)[0]["loss"] != pytest.approx(history(one)[1]["loss"], rel=1e-3)


@pytest.mark.slow
def test_an_interrupted_run_of_two_continues_with_one_or_two(run, tmp_path):
    whole = run("whole", 2, epochs=25)
    child = run("stopped", 2, epochs=25, wait=False)
    while not (tmp_path / "stopped" / "checkpoint.safetensors").exists():
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    child.communicate()
    assert len(history(tmp_path / "stopped")) < 25
    same_runs(run("stopped", 1, epochs=25), whole)


def test_shares_are_the_batch():
    batch = [7, 5, 3, 1, 0, 2]
    shares = [Processes(rank, 3).share(batch) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == sorted(enumerate(batch))
    assert {len(share) for share in shares} == {2}
    assert ALONE.share(batch) == list(enumerate(batch))
    with pytest.raises(RecipeError, match="evenly"):
        Processes(0, 4).require_equal_shares(6)


def test_alone_there_is_nobody_to_ask(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    with joined() as processes:
        assert processes is ALONE
        assert (processes.told("x"), processes.any(True), processes.any(False)) == ("x", 1, 0)
        assert processes.mean(0.25) == 0.25
    model, criterion = torch.nn.Linear(2, 2), torch.nn.CrossEntropyLoss()
    images, labels = torch.ones(3, 2), torch.tensor([0, 1, 1])
    loss = shared_loss(model, criterion, ALONE)(images, labels)
    assert loss == criterion(model(images), labels)


def test_the_mean_of_shares_is_the_mean_of_the_batch(make_recipe):
    from samehand.training.losses import build_loss

    torch.manual_seed(0)
    rows, labels = torch.randn(8, 16), torch.arange(8) % 4
    criterion = build_loss(make_recipe().loss, 4, 16)
    whole = criterion(rows, labels)
    (mine,) = torch.autograd.grad(whole, criterion.W)
    parts = [criterion(rows[rank::2], labels[rank::2]) for rank in range(2)]
    halves = [torch.autograd.grad(part, criterion.W)[0] for part in parts]
    torch.testing.assert_close(sum(parts) / 2, whole)
    torch.testing.assert_close(sum(halves) / 2, mine)


def test_shared_batch_normalisation_is_that_of_the_whole_batch():
    torch.distributed.init_process_group(
        "gloo", store=torch.distributed.HashStore(), rank=0, world_size=1
    )
    try:
        for kind, shape in ((torch.nn.BatchNorm1d, (6, 3)), (torch.nn.BatchNorm2d, (4, 3, 5, 2))):
            torch.manual_seed(0)
            plain, shared = torch.nn.Sequential(kind(3)), torch.nn.Sequential(kind(3))
            share_statistics(shared)
            assert isinstance(shared[0], kind)
            for _ in range(3):
                images = torch.randn(shape) * 3 + 5
                one, two = (images.clone().requires_grad_() for _ in range(2))
                weights = torch.randn(shape)
                (plain(one) * weights).sum().backward()
                (shared(two) * weights).sum().backward()
                torch.testing.assert_close(shared(two), plain(one), rtol=1e-4, atol=1e-4)
                torch.testing.assert_close(two.grad, one.grad, rtol=1e-3, atol=1e-4)
            for name, tensor in plain.state_dict().items():
                torch.testing.assert_close(shared.state_dict()[name], tensor, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(shared.eval()(images), plain.eval()(images))
    finally:
        torch.distributed.destroy_process_group()


def test_losses_that_compare_within_a_batch_are_refused(make_recipe):
    two = Processes(0, 2, joined=True)
    _require_parallel(make_recipe(), two)
    with pytest.raises(RecipeError, match="without torchrun"):
        _require_parallel(make_recipe(loss={"kind": "supcon"}), two)
    with pytest.raises(RecipeError, match="evenly"):
        _require_parallel(make_recipe(batch={"artists": 3, "per_artist": 3}), two)
