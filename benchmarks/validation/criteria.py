"""What must hold, written down before it was measured.

The characteristics are those of Meuwly, Ramos and Haraksim (2017), "A guideline for the validation
of likelihood ratio methods used for forensic evidence evaluation", Forensic Science International
276, table 1. A figure is a number that `figures.py` measures on a data set; a criterion is the
largest value of it that passes. A criterion that fails stays in the report as failed.
"""

from dataclasses import dataclass
from typing import Literal

Characteristic = Literal[
    "accuracy",
    "discriminating power",
    "calibration",
    "robustness",
    "coherence",
    "generalisation",
]

Metric = Literal[
    "Cllr",
    "EER",
    "minimum Cllr",
    "Cllr less its minimum",
    "devPAV",
    "false matches over promise",
    "misleading beyond 0 bans",
    "misleading beyond 1 ban",
    "misleading beyond 2 bans",
    "minimum Cllr above that of the originals",
    "Cllr with five references over Cllr with one",
]


@dataclass(frozen=True, slots=True)
class Criterion:
    """A figure's largest value that passes.

    Attributes:
        characteristic: What is validated.
        metric: The figure.
        at_most: The largest value that passes.
        why: Where that value comes from, in one sentence.
    """

    characteristic: Characteristic
    metric: Metric
    at_most: float
    why: str


CRITERIA = (
    Criterion("accuracy", "Cllr", 0.8, "1 is as good as saying nothing; a fifth less is of use"),
    Criterion("discriminating power", "EER", 0.25, "three right of four at the balanced cut"),
    Criterion("discriminating power", "minimum Cllr", 0.75, "what the best calibration leaves"),
    Criterion("calibration", "Cllr less its minimum", 0.04, "a twentieth of the useful range"),
    Criterion("calibration", "devPAV", 0.2, "a factor of 1.6 between said and seen ratio"),
    Criterion("calibration", "false matches over promise", 1.25, "a promise kept within a quarter"),
    Criterion("calibration", "misleading beyond 0 bans", 0.5, "fewer wrong than right"),
    Criterion(
        "calibration", "misleading beyond 1 ban", 0.1, "true ratios reach 10 in 10 % at most"
    ),
    Criterion("calibration", "misleading beyond 2 bans", 0.01, "and 100 in 1 % at most"),
    Criterion("robustness", "minimum Cllr above that of the originals", 0.1, "half a grade weaker"),
    Criterion("robustness", "Cllr less its minimum", 0.04, "as for calibration"),
    Criterion("robustness", "false matches over promise", 1.25, "as for calibration"),
    Criterion("coherence", "Cllr with five references over Cllr with one", 1.0, "more says more"),
    Criterion("generalisation", "Cllr less its minimum", 0.04, "as for calibration"),
    Criterion("generalisation", "false matches over promise", 1.25, "as for calibration"),
)
"""The bound on misleading evidence: P(ratio >= k | two artists) <= 1 / k for calibrated ratios
(Royall 2000, "On the probability of observing misleading statistical evidence", JASA 95).
"""


def passes(criterion: Criterion, value: float) -> bool:
    """Return whether a figure meets its criterion."""
    return value <= criterion.at_most
