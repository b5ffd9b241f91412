"""How a model reads many pairs of pictures: each by the calibration for the kinds of its two."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import get_args

import numpy as np

from samehand.model.folder import ModelConfig, ModelFolder
from samehand.records import Floats, PictureKind
from samehand.scoring.calibration import Float64s, llr_from_score
from samehand.scoring.comparator import Enrolled, Indices
from samehand.scoring.conditions import Reading, read_pair

CrossScores = Callable[[Indices, Indices], Floats]
"""Scores of some of N works, (R,), with others, (C,): (R, C)."""

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


def usual_scores(
    folder: ModelFolder, enrolled: Enrolled, kinds: Sequence[PictureKind | None]
) -> CrossScores:
    """Return what gives scores of works as if all pictures were the usual ones.

    So scores of pairs of several kinds of pictures can be averaged, and held against one threshold.

    Args:
        folder: The model.
        enrolled: N works.
        kinds: What the picture of each can show, or None where that is not known.
    """
    config = folder.config
    number = np.array([_KINDS.index(kind) for kind in kinds], int)
    slope, offset = (np.full((len(_KINDS), len(_KINDS)), value, np.float32) for value in (1.0, 0.0))
    for one, two in product(np.unique(number).tolist(), repeat=2):
        line = read_stored(config, _KINDS[one], _KINDS[two]).as_usual(config.calibration, [0.0, 1])
        slope[one, two], offset[one, two] = line[1] - line[0], line[0]
    moved = bool(config.conditions) and any(kind is not None for kind in kinds)

    def scores(rows: Indices, columns: Indices) -> Floats:
        raw = folder.comparator.cross_scores(enrolled.take(rows), enrolled.take(columns))
        if not moved:
            return raw
        pairs = np.ix_(number[rows], number[columns])
        usual: Floats = slope[pairs] * raw + offset[pairs]
        return usual

    return scores
