"""How a model reads many pairs of pictures: each by the calibration for the kinds of its two."""

from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np

from samehand.model.folder import ModelConfig
from samehand.records import Floats, PictureKind
from samehand.scoring.calibration import Float64s, llr_from_score
from samehand.scoring.comparator import Indices
from samehand.scoring.conditions import Reading, read_pair

_KINDS: tuple[PictureKind | None, ...] = (*get_args(PictureKind), None)


def read_stored(
    config: ModelConfig, one: PictureKind | None, two: PictureKind | None, *, novel: bool = False
) -> Reading:
    """Return how a pair is to be read, as `read_pair`; by the usual calibration if not known.

    Args:
        config: The model's configuration.
        one: What one picture can show, or None where that is not known.
        two: What the other can show.
        novel: Whether one of them is unlike all that the model was calibrated on.
    """
    if one is None or two is None:
        return read_pair(config.calibration, (), "photograph", "photograph")
    return read_pair(config.calibration, config.conditions, one, two, novel=novel)


def readings_of_pairs(
    config: ModelConfig,
    kinds: Sequence[PictureKind | None],
    left: Indices,
    right: Indices,
    *,
    novel: bool = False,
) -> Iterator[tuple[Reading, Indices]]:
    """Yield how many pairs are to be read, with the numbers of those that are read so.

    Args:
        config: The model's configuration.
        kinds: What each of P pictures can show, or None where that is not known.
        left: Left pictures' numbers, (N,).
        right: Right pictures' numbers, (N,).
        novel: Whether every pair holds a picture unlike all that the model was calibrated on; of
            the pictures themselves it is not asked.
    """
    number = np.array([_KINDS.index(kind) for kind in kinds], int)
    lower, upper = (pick(number[left], number[right]) for pick in (np.minimum, np.maximum))
    code = lower * len(_KINDS) + upper
    for both in np.unique(code).tolist():
        one, two = divmod(both, len(_KINDS))
        reading = read_stored(config, _KINDS[one], _KINDS[two], novel=novel)
        yield reading, np.flatnonzero(code == both)


def llrs_of_pairs(
    config: ModelConfig,
    kinds: Sequence[PictureKind | None],
    left: Indices,
    right: Indices,
    scores: Floats,
    *,
    novel: bool = False,
) -> tuple[Float64s, Float64s]:
    """Return log10 likelihood ratios of many pairs, and what orders them.

    Args:
        config: The model's configuration.
        kinds: As for `readings_of_pairs`.
        left: As for `readings_of_pairs`.
        right: As for `readings_of_pairs`.
        scores: Raw scores, (N,).
        novel: As for `readings_of_pairs`.

    Returns:
        The llrs, (N,), and the scores as those of usual pictures, (N,): in the order of the llrs,
        and not saturated.
    """
    llrs, usual = np.empty(len(scores)), np.empty(len(scores))
    for reading, chosen in readings_of_pairs(config, kinds, left, right, novel=novel):
        llrs[chosen] = llr_from_score(reading.calibration, scores[chosen])
        usual[chosen] = reading.as_usual(config.calibration, scores[chosen])
    return llrs, usual
