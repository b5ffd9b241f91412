"""Ties among floats: what is equal but for rounding is treated as equal.

The last bits of a matrix product depend on the processor, on the number of threads, and on where a
row lies in its block, so that two works of one embedding may have cosines of 1 and 0.99999994.
"""

import numpy as np
from numpy.typing import NDArray

from samehand.records import Floats

ROUNDING = 4e-6
"""Cosines no further apart than this may differ by rounding alone.

A float32 product of unit vectors of D values errs by about sqrt(D) / 2 units of 2^-24, which is
1e-6 for D = 1280.
"""


def first_best(values: Floats, axis: int) -> NDArray[np.int64]:
    """Return, along an axis, the first position whose value is the largest but for rounding."""
    least = values.max(axis=axis, keepdims=True) - ROUNDING
    first: NDArray[np.int64] = (values >= least).argmax(axis=axis).astype(np.int64)
    return first


def ranked(values: Floats | NDArray[np.float64]) -> NDArray[np.int64]:
    """Return positions by falling value, (N,); equals but for rounding stay as they came."""
    order = np.argsort(-values, kind="stable")
    falls = -np.diff(values[order].astype(np.float64), prepend=values[order[:1]])
    group = np.cumsum(falls > ROUNDING)
    position: NDArray[np.int64] = order[np.lexsort((order, group))].astype(np.int64)
    return position
