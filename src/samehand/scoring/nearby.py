"""How alike two paintings are beyond what the artists near to both share: for pairs of one style.

Shapes: N enrolled paintings, M pairs, A artists of the cohort, K neighbours.

Two Impressionists resemble one another because they are Impressionists. What both share with the
painters around them is taken off before they are compared: the mean of the K cohort artists nearest
to the two together becomes the origin, and the cosine is taken from there. No style needs to be
known, and the two paintings are never measured from different origins. (Centring by a speaker's own
background population is as old as speaker verification: Reynolds, Quatieri and Dunn 2000, "Speaker
verification using adapted Gaussian mixture models", Digital Signal Processing 10, section 2.)
"""

import numpy as np
from numpy.typing import NDArray

from samehand.records import Floats

Indices = NDArray[np.integer]

_PAIRS_AT_ONCE = 4096
_LEAST = 1e-6


def nearby_cosines(
    embeddings: Floats, cohort: Floats, neighbours: int, left: Indices, right: Indices
) -> Floats:
    """Compare pairs from the mean of the artists nearest to both.

    Added to a score of the pair, it makes the score for pairs of one style; see ADR 0033.
    Swapping `left` and `right` changes nothing.

    Args:
        embeddings: Unit length, (N, D).
        cohort: Unit embeddings of artists, (A, D).
        neighbours: K, from 1 to A.
        left: Indices of embeddings, (M,).
        right: Indices of embeddings, (M,).

    Returns:
        The cosines, (M,), in [-1, 1].
    """
    used, place = np.unique(np.concatenate([left, right]), return_inverse=True)
    profiles = embeddings[used] @ cohort.T
    gram = cohort @ cohort.T
    first, second = place[: len(left)], place[len(left) :]
    cosines = np.empty(len(left), np.float32)
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        block = slice(start, start + _PAIRS_AT_ONCE)
        cosine = np.einsum("md,md->m", embeddings[left[block]], embeddings[right[block]])
        one, two = profiles[first[block]], profiles[second[block]]
        cosines[block] = _centred(cosine, one, two, gram, neighbours)
    return cosines


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
