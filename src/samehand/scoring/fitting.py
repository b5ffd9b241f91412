"""A comparator and held-out paintings to a calibration."""

import numpy as np

from samehand.scoring.calibration import Calibration, fit_calibration
from samehand.scoring.comparator import Comparator, Enrolled, pair_scores


def calibrate(comparator: Comparator, enrolled: Enrolled, artists: list[str]) -> Calibration:
    """Fit the calibration on all pairs of held-out paintings.

    Args:
        comparator: The model's comparator.
        enrolled: N held-out paintings, none by an artist of the training or test set.
        artists: The artist of each, N of them.

    Raises:
        ModelError: The pairs cannot calibrate a model.
    """
    labels = np.unique(artists, return_inverse=True)[1]
    left, right = np.triu_indices(len(labels), k=1)
    scores = pair_scores(comparator, enrolled, left, right)
    return fit_calibration(scores, labels[left] == labels[right], labels[left], labels[right])
