"""What the parts of samehand hand to one another: small frozen records.

The tensor contract, stated here once:

    images      RGB, shape (B, 3, H, W), float32 in [0, 1]; what a backbone wants instead of
                [0, 1] (mean and standard deviation, say) lives inside the model
    embeddings  unit length, shape (B, D), float32
    letters     B batch, V views of one painting, D embedding width, P patches, C cohort
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""A float32 array; the docstring beside it gives its shape."""

Decision = Literal["same", "different", "inconclusive"]
OperatingPoint = Literal["eer", "fmr1", "fmr0.1"]
Qualifier = Literal[
    "attributed to",
    "workshop of",
    "circle of",
    "follower of",
    "after",
    "manner of",
    "forgery of",
]
"""How a work that is not autograph stands to the artist it is catalogued under."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the images say about "same artist or not", and how far to trust it.

    Attributes:
        score: The comparator's raw similarity; only comparable within one model.
        llr: log10 of the likelihood ratio P(images | same artist) / P(images | different artists).
        probability: P(same artist) in [0, 1] once the llr has updated `prior`.
        prior: The P(same artist) assumed before looking at the images.
        decision: At `operating_point`; "inconclusive" where neither error rate is met.
        operating_point: Which measured error rate the decision promises.
        error_rate: That rate as measured on the calibration artists, in [0, 1].
        strength: The llr in words, on the ENFSI verbal scale.
        llr_one_style: The llr against another artist of the same style, for who knows that both
            paintings are of one style; None where the model was not calibrated for that, as with
            its fast setting.
        warnings: Reasons to trust this verdict less; empty for ordinary photographs.
        model: Name and hash of the model that answered.
        seconds: Wall time spent on this verdict.
    """

    score: float
    llr: float
    probability: float
    prior: float
    decision: Decision
    operating_point: OperatingPoint
    error_rate: float
    strength: str
    llr_one_style: float | None = None
    warnings: tuple[str, ...] = field(default=())
    model: str = ""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-ready values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {"warnings": list(self.warnings)}
