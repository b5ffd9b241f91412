"""What the product answers to each pair of a protocol, read by the kinds of its two pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samehand.model.folder import ModelConfig
from samehand.model.readings import readings_of_pairs
from samehand.records import Floats, PictureKind
from samehand.scoring.calibration import llr_from_score
from samehand.scoring.comparator import Indices
from samehand.verification.condition import one_style_llr


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """Answers to M pairs.

    Attributes:
        scores: Scores as if all pictures were the usual ones, (M,): what the llr is before it is
            saturated, on the scale of the model's calibration, so that all pairs share an order.
        llrs: log10 likelihood ratios, (M,).
        within: The same against another artist of the same style, (M,), NaN where the pair is of
            two styles; None without such a calibration.
        conditions: Which pairs each condition holds, (M,), by its words; refused ones say so.
    """

    scores: Floats
    llrs: Floats
    within: Floats | None
    conditions: dict[str, NDArray[np.bool_]]


def served(
    config: ModelConfig,
    kinds: Sequence[PictureKind],
    left: Indices,
    right: Indices,
    scores: Floats,
    styled: Floats | None,
) -> Served:
    """Read M pairs of P pictures as the product does; whether a picture is novel is not asked.

    Args:
        config: The model's configuration.
        kinds: What each picture can show, P of them.
        left: Left pictures' numbers, (M,).
        right: Right pictures' numbers, (M,).
        scores: Raw scores, (M,).
        styled: Scores as of one style, (M,), NaN for pairs of two; None where the model has no
            calibration for them.
    """
    usual = np.empty(len(scores), np.float32)
    llrs = np.empty(len(scores), np.float32)
    within = None if styled is None else np.full(len(scores), np.nan, np.float32)
    conditions: dict[str, NDArray[np.bool_]] = {}
    for reading, chosen in readings_of_pairs(config, kinds, left, right):
        some = scores[chosen]
        usual[chosen] = reading.as_usual(config.calibration, some)
        llrs[chosen] = llr_from_score(reading.calibration, some)
        if within is not None and styled is not None:
            read = one_style_llr(config, reading, some, styled[chosen])
            within[chosen] = np.nan if read is None else read
        words = reading.condition + (", refused" if reading.refusal else "")
        mask = conditions.setdefault(words, np.zeros(len(scores), bool))
        mask[chosen] = True
    return Served(usual, llrs, within, conditions)
