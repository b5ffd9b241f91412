"""Where a score lies among the calibration pairs.

Shapes: E bins.
"""

import numpy as np
from numpy.typing import NDArray

from samehand.model.background import Background
from samehand.results import Context
from samehand.scoring.calibration import Calibration


def context_of(score: float, calibration: Calibration, background: Background) -> Context:
    """Place a raw score among the calibration pairs.

    The two shares are counted to the edge of the score's bin, so that neither is too small.

    Args:
        score: The raw score of a pair.
        calibration: The model's calibration.
        background: The model's background.
    """
    edges = background.edges
    bins = len(background.genuine)
    own = int(np.clip(np.searchsorted(edges, score, side="right") - 1, 0, bins - 1))
    genuine, impostor = background.genuine, background.impostor
    in_llr = calibration.slope * edges + calibration.intercept
    return Context(
        llr=calibration.slope * score + calibration.intercept,
        edges=tuple(in_llr.tolist()),
        genuine=_density(genuine, in_llr),
        impostor=_density(impostor, in_llr),
        impostors_as_high=float(impostor[own:].sum() / impostor.sum()),
        genuine_as_low=float(genuine[: own + 1].sum() / genuine.sum()),
        genuine_pairs=int(genuine.sum()),
        impostor_pairs=int(impostor.sum()),
        artists=calibration.artists,
    )


def _density(counts: NDArray[np.int64], edges: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple((counts / (counts.sum() * np.diff(edges))).tolist())
