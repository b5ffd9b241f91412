"""Where a score lies among the calibration pairs.

Shapes: E bins.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samehand.scoring.calibration import Calibration
from samehand.serving.background import Background


@dataclass(frozen=True, slots=True)
class Context:
    """A score among the scores of pairs whose answer is known.

    Attributes:
        llr: Of this pair, log10, before it saturates at the calibration's limits.
        edges: Where the bins begin and end, as log10 likelihood ratios before saturation, E + 1.
        genuine: Density of the pairs by one artist in each bin, E; its integral is 1.
        impostor: Density of the pairs by two artists in each bin, E; its integral is 1.
        impostors_as_high: Share of the pairs by two artists that score at least as high.
        genuine_as_low: Share of the pairs by one artist that score at most as high.
        genuine_pairs: How many pairs by one artist there are.
        impostor_pairs: How many pairs by two artists there are.
        artists: How many artists painted them; none was trained or tested on.
    """

    llr: float
    edges: tuple[float, ...]
    genuine: tuple[float, ...]
    impostor: tuple[float, ...]
    impostors_as_high: float
    genuine_as_low: float
    genuine_pairs: int
    impostor_pairs: int
    artists: int

    def to_dict(self) -> dict[str, Any]:
        """Return the context as JSON-ready values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {name: list(values[name]) for name in ("edges", "genuine", "impostor")}


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
