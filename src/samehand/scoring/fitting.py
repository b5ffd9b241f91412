"""A comparator and held-out paintings to a calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from samehand.scoring.calibration import Calibration, fit_calibration
from samehand.scoring.comparator import Comparator, Enrolled


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Paintings by artists whom neither their embeddings nor the comparator's cohort has seen.

    Attributes:
        comparator: What scores their pairs.
        enrolled: N paintings.
        artists: The artist of each, N of them.
        styles: The style of each, None where it is not known.
    """

    comparator: Comparator
    enrolled: Enrolled
    artists: Sequence[str]
    styles: Sequence[str | None]


def calibrate(
    comparator: Comparator,
    enrolled: Enrolled,
    artists: list[str],
    styles: Sequence[str | None] | None = None,
) -> Calibration:
    """Fit the calibration on pairs of held-out paintings.

    Args:
        comparator: The model's comparator.
        enrolled: N held-out paintings, none by an artist of the training or test set.
        artists: The artist of each, N of them.
        styles: The style of each, None where it is not known: only pairs of one style are used,
            and their scores for such pairs. By default all pairs are.

    Raises:
        ModelError: The pairs cannot calibrate a model.
    """
    group = HeldOut(comparator, enrolled, artists, styles or [None] * len(artists))
    return calibrate_together([group], one_style=styles is not None)


def calibrate_together(groups: Sequence[HeldOut], *, one_style: bool = False) -> Calibration:
    """Fit one calibration on the pairs within each of several groups.

    With k folds of training artists, each embedded and compared by a model that was fitted on the
    other folds, all of them can calibrate, and not only the few that no fold needs (stacked
    regression's way to honest predictions: Wolpert 1992, "Stacked generalization", Neural
    Networks 5(2)).

    Args:
        groups: No artist is in two of them.
        one_style: Use only pairs of one style, and their scores for such pairs.

    Raises:
        ModelError: The pairs cannot calibrate a model.
    """
    names = np.unique(np.concatenate([group.artists for group in groups]))
    found = []
    for group in groups:
        labels = np.searchsorted(names, group.artists)
        left, right = np.triu_indices(len(labels), k=1)
        score = group.comparator.pair_scores
        if one_style:
            known = np.array([style or "" for style in group.styles])
            kept = (known[left] == known[right]) & (known[left] != "")
            left, right = left[kept], right[kept]
            score = group.comparator.style_scores
        found.append((score(group.enrolled, left, right), labels[left], labels[right]))
    scores, left_artist, right_artist = (np.concatenate(part) for part in zip(*found, strict=True))
    return fit_calibration(scores, left_artist == right_artist, left_artist, right_artist)
