"""A comparator and held-out paintings to a calibration."""

from collections.abc import Sequence

import numpy as np

from samehand.scoring.calibration import Calibration, fit_calibration
from samehand.scoring.comparator import Comparator, Enrolled


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
    labels = np.unique(artists, return_inverse=True)[1]
    left, right = np.triu_indices(len(labels), k=1)
    if styles is not None:
        known = np.array([style or "" for style in styles])
        kept = (known[left] == known[right]) & (known[left] != "")
        left, right = left[kept], right[kept]
    score = comparator.pair_scores if styles is None else comparator.style_scores
    scores = score(enrolled, left, right)
    return fit_calibration(scores, labels[left] == labels[right], labels[left], labels[right])
