"""A score against the artists who paint like both: for pairs that may well be of one style.

Shapes: N enrolled paintings, M pairs, A artists of the cohort, K neighbours.

Two Impressionists resemble one another because they are Impressionists. What both share with the
painters around them is taken off before they are compared: the mean of the K cohort artists nearest
to the two together becomes the origin, and the cosine is taken from there. No style needs to be
known, and the two paintings are never measured from different origins. (Centring by a speaker's own
background population is as old as speaker verification: Reynolds, Quatieri and Dunn 2000, "Speaker
verification using adapted Gaussian mixture models", Digital Signal Processing 10, section 2.)
"""

import numpy as np

from samehand.errors import ModelError
from samehand.records import Floats
from samehand.scoring.comparator import Comparator, Enrolled, Indices, pair_scores

WEIGHT = 1.0
"""How much the centred cosine counts beside the score. Between 0.5 and 2 little depends on it."""

_PAIRS_AT_ONCE = 4096
_LEAST = 1e-6


def nearby_scores(
    comparator: Comparator, enrolled: Enrolled, left: Indices, right: Indices
) -> Floats:
    """Score pairs against artists near to both; swapping `left` and `right` changes nothing.

    Args:
        comparator: With a cohort, best one of artists.
        enrolled: The N paintings that the indices name.
        left: Indices, (M,).
        right: Indices, (M,).

    Returns:
        The scores of `pair_scores`, plus the centred cosines, (M,).

    Raises:
        ModelError: The model compares by a head, and has no cohort.
    """
    if comparator.head is not None:
        raise ModelError("a model that learned to score pairs has no cohort to centre them by")
    scores = pair_scores(comparator, enrolled, left, right)
    used, place = np.unique(np.concatenate([left, right]), return_inverse=True)
    profiles = enrolled.embeddings[used] @ comparator.cohort.T
    gram = comparator.cohort @ comparator.cohort.T
    first, second = place[: len(left)], place[len(left) :]
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        block = slice(start, start + _PAIRS_AT_ONCE)
        cosine = np.einsum(
            "md,md->m", enrolled.embeddings[left[block]], enrolled.embeddings[right[block]]
        )
        one, two = profiles[first[block]], profiles[second[block]]
        scores[block] += WEIGHT * _centred(cosine, one, two, gram, comparator.neighbours)
    return scores


def _centred(cosine: Floats, one: Floats, two: Floats, gram: Floats, count: int) -> Floats:
    """Return cosines from the mean m of the nearest artists.

    With unit vectors x and y, (x - m)(y - m) = xy - (xm + ym) + mm, and all of xm, ym and mm are
    means over profiles and over the products of artists.
    """
    both = one + two
    nearest = np.argpartition(both, -count, axis=1)[:, -count:]
    to_one = np.take_along_axis(one, nearest, axis=1).mean(axis=1)
    to_two = np.take_along_axis(two, nearest, axis=1).mean(axis=1)
    within = gram[nearest[:, :, None], nearest[:, None, :]].mean(axis=(1, 2))
    product = cosine - (to_one + to_two) + within
    lengths = (1 - 2 * to_one + within) * (1 - 2 * to_two + within)
    centred: Floats = product / np.sqrt(np.maximum(lengths, _LEAST))
    return centred
