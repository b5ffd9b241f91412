"""Every painting against every artist: the llrs that galleries and labels are judged by.

Shapes: P paintings, A artists.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from samehand.scoring.calibration import Calibration, Float64s
from samehand.scoring.comparator import Comparator, Enrolled
from samehand.scoring.references import (
    ReferenceRule,
    combine,
    reference_features,
    unsaturated,
)

Read = Callable[[NDArray[np.int64], NDArray[np.int64], Float64s], Float64s]
"""From probes, (M,), references, (N,), and combined scores, (M,), to those of usual pictures."""


def artist_llrs(
    comparator: Comparator,
    enrolled: Enrolled,
    labels: NDArray[np.int64],
    rule: ReferenceRule,
    pairs: Calibration,
    most: int,
    seed: int,
    *,
    read: Read | None = None,
) -> Float64s:
    """Return the unsaturated llr of every painting with every artist, (P, A).

    A painting is left out of its own artist's references; where nothing else is left, the llr is
    minus infinity.

    Args:
        comparator: The model's comparator.
        enrolled: P paintings.
        labels: (P,) number of each painting's artist, from 0 to A - 1.
        rule: The rule for reference sets.
        pairs: The model's calibration of pairs.
        most: Largest number of works of each artist, drawn at random.
        seed: Decides the draw.
        read: How combined scores are to be read; None reads them as they are.
    """
    llrs = np.full((len(labels), int(labels.max()) + 1), -np.inf)
    for artist in range(llrs.shape[1]):
        draw = np.random.default_rng((seed, most, artist))
        own = draw.permutation(np.flatnonzero(labels == artist))[:most]
        outside = np.setdiff1d(np.arange(len(labels)), own)
        llrs[outside, artist] = _llrs(comparator, enrolled, outside, own, rule, pairs, read)
        for work in own if len(own) > 1 else ():
            rest = own[own != work]
            one = np.array([work])
            llrs[work, artist] = _llrs(comparator, enrolled, one, rest, rule, pairs, read)[0]
    return llrs


def _llrs(
    comparator: Comparator,
    enrolled: Enrolled,
    probes: NDArray[np.int64],
    references: NDArray[np.int64],
    rule: ReferenceRule,
    pairs: Calibration,
    read: Read | None,
) -> Float64s:
    step = rule.at(len(references))
    features = reference_features(
        comparator, enrolled.take(probes), enrolled.take(references), pairs.slope
    )
    scores = combine(step, features)
    if read is not None:
        scores = read(probes, references, scores)
    return unsaturated(step.calibration, scores)
