"""The intervals of what copies cost: artists drawn again, against pairs that are counted."""

import runpy
from pathlib import Path

import numpy as np

COPIES = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "copies_loss.py"))


def test_a_pair_counts_as_often_as_its_artists_are_drawn() -> None:
    draw = np.random.default_rng(5)
    labels = np.repeat(np.arange(6), 3)
    left, right = np.triu_indices(len(labels), k=1)
    scores = draw.normal(size=len(left)).astype(np.float32) + (labels[left] == labels[right])
    found = COPIES["drawn_aucs"](scores, labels, left, right)
    times = np.random.default_rng(0).multinomial(6, np.full(6, 1 / 6), COPIES["DRAWS"])
    for drawn, auc in list(zip(times, found, strict=True))[:5]:
        same = labels[left] == labels[right]
        one, two = drawn[labels[left]], drawn[labels[right]]
        genuine = np.repeat(scores[same], one[same])
        impostor = np.repeat(scores[~same], (one * two)[~same])
        assert np.isclose(auc, (genuine[:, None] > impostor).mean())


def test_scores_that_tell_all_pairs_apart_have_an_auc_of_one() -> None:
    labels = np.repeat(np.arange(6), 3)
    left, right = np.triu_indices(len(labels), k=1)
    scores = (labels[left] == labels[right]) + np.linspace(0, 0.5, len(left))
    assert np.allclose(COPIES["drawn_aucs"](scores, labels, left, right), 1.0)
