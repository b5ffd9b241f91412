"""Learning from a larger model: the loss by hand, the shipped network, and a whole small run."""

import sys

import numpy as np
import pytest
import torch

from benchmarks import distil
from samehand.atelier import build_atelier
from samehand.catalogue.prepare import prepare


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_loss_is_distance_and_divergence_by_hand():
    rng = np.random.default_rng(0)
    mine, theirs = (unit(rng.normal(size=(5, 4))).astype(np.float32) for _ in range(2))
    expected = 0.0
    for i in range(5):
        expected += 3 * (1 - mine[i] @ theirs[i]) / 5
        others = [j for j in range(5) if j != i]
        q, p = (np.exp([rows[i] @ rows[j] / 0.07 for j in others]) for rows in (mine, theirs))
        q, p = q / q.sum(), p / p.sum()
        expected += 0.5 * (p * np.log(p / q)).sum() / 5
    found = distil.distance(torch.from_numpy(mine), torch.from_numpy(theirs))
    assert float(found) == pytest.approx(expected, rel=1e-4)
    same = distil.distance(torch.from_numpy(mine), torch.from_numpy(mine))
    assert float(same) == pytest.approx(0.0, abs=1e-5)


def test_a_batch_of_one_style_is_of_it_and_filled_up_where_it_has_too_few(monkeypatch):
    monkeypatch.setattr(distil, "BATCH", 8)
    styles = ["rococo"] * 20 + [None] * 30 + ["baroque"] * 5 + ["pop art"] * 9
    seen = set()
    for seed in range(60):
        found = distil.of_one_style(styles, np.random.default_rng(seed))
        assert len(set(found.tolist())) == 8
        counts = {style: [styles[i] for i in found].count(style) for style in set(styles)}
        assert counts[None] == 0
        assert sorted(counts.values()) in ([0, 0, 0, 8], [0, 0, 3, 5])
        assert counts["baroque"] in (0, 5)
        seen |= {style for style in counts if counts[style] == 8}
    assert seen == {"rococo", "pop art"}


@pytest.mark.slow
@pytest.mark.parametrize("member", ["0", "1"])
def test_a_student_learns_and_goes_on_where_it_was_stopped(member, tmp_path, monkeypatch, capsys):
    build_atelier(tmp_path / "works", painters=12, works=6, seed=0, layout="folder", size=(64, 64))
    prepare("folder", tmp_path / "works", tmp_path / "catalogue", split="artist-disjoint")
    monkeypatch.setattr(distil, "BATCH", 8)
    told = []
    for epochs in ("1", "2"):
        command = ["distil", str(tmp_path / "catalogue"), "--out", str(tmp_path / "student")]
        monkeypatch.setattr(
            sys, "argv", [*command, "--member", member, "--teacher", "lite", "--epochs", epochs]
        )
        distil.main()
        told.append(capsys.readouterr().out)
    assert "ridge regression:" in told[0]
    assert "ridge regression:" not in told[1]
    assert told[1].count('"step"') < told[0].count('"step"') * 2 + 1
    assert "distilled:" in told[1]
