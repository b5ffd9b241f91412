"""A model and labelled pictures to the figures that the criteria are about.

Shapes: P pictures, N pairs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.validation.criteria import Metric
from samehand.catalogue.pictures import find_pictures
from samehand.evaluation.metrics import Float64s, cllr, count_levels, eer_of, min_cllr_of
from samehand.model.embed import embed_files
from samehand.model.readings import readings_of_pairs
from samehand.records import OperatingPoint, PictureKind
from samehand.scoring.calibration import llr_from_score, operating_threshold
from samehand.scoring.comparator import Enrolled
from samehand.scoring.conditions import read_pair
from samehand.scoring.reference_fitting import make_trials
from samehand.scoring.references import combine
from samehand.verification.condition import (
    one_style_decisions,
    one_style_llr,
    picture_kinds,
)
from samehand.verification.verifier import SameHand

REFERENCES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """All pairs of a set as the model answers them; arrays are (N,).

    Attributes:
        name: Of the set.
        artists: How many artists.
        pictures: How many pictures.
        scores: Raw scores.
        llrs: log10 likelihood ratios as answered.
        same: Whether one artist made both.
        refused: Whether the model has no calibration for such a pair.
        promised: By operating point, the error rate that is promised.
        called_same: By operating point, whether "same" is decided.
        promised_in_style: The error rate that is promised against artists of the same style.
        called_in_style: Whether "same" is decided against them.
        same_style: Whether both are of one style.
        llrs_one_style: llrs within a style; NaN where the model has none.
        styles: By style, which pairs have both pictures in it.
    """

    name: str
    artists: int
    pictures: int
    scores: Float64s
    llrs: Float64s
    same: NDArray[np.bool_]
    refused: NDArray[np.bool_]
    promised: Mapping[OperatingPoint, Float64s]
    called_same: Mapping[OperatingPoint, NDArray[np.bool_]]
    same_style: NDArray[np.bool_]
    llrs_one_style: Float64s
    styles: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    promised_in_style: Mapping[OperatingPoint, Float64s] = field(default_factory=dict)
    called_in_style: Mapping[OperatingPoint, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class PictureSet:
    """Pictures of a set, embedded.

    Attributes:
        name: Of the set.
        enrolled: The P pictures.
        artist: Number of each picture's artist.
        style: The style of each, or "".
        kind: What each can show.
    """

    name: str
    enrolled: Enrolled
    artist: NDArray[np.int64]
    style: NDArray[np.str_]
    kind: list[PictureKind]


def read_set(
    model: SameHand, name: str, table: Path, images: Path | None, cache: Path | None
) -> PictureSet:
    """Embed the pictures of a table, and tell their kinds."""
    items = [
        one
        for one in find_pictures([table], images=images).items
        if one.path is not None and one.problem is None and one.labels.get("artist")
    ]
    paths = [one.path for one in items if one.path is not None]
    embedded = embed_files(model.embedder, paths, cache)
    kinds = picture_kinds(model.folder.config, paths, embedded, cache)
    chosen = [i for i, path in enumerate(paths) if path not in embedded.failures]
    return PictureSet(
        name,
        model.folder.comparator.enrol(embedded.embeddings[chosen]),
        np.unique([items[i].labels["artist"] for i in chosen], return_inverse=True)[1].astype(int),
        np.array([items[i].labels.get("style", "") for i in chosen]),
        [kinds[i] for i in chosen],
    )


def answer(model: SameHand, pictures: PictureSet) -> Answers:
    """Answer all pairs of a set, by the very functions that `samehand compare` calls."""
    config, comparator = model.folder.config, model.folder.comparator
    left, right = np.triu_indices(len(pictures.artist), k=1)
    scores = comparator.pair_scores(pictures.enrolled, left, right).astype(np.float64)
    llrs, within = np.zeros(len(scores)), np.full(len(scores), np.nan)
    refused = np.zeros(len(scores), bool)
    names: tuple[OperatingPoint, ...] = ("eer", "fmr1", "fmr0.1")
    promised = {name: np.ones(len(scores)) for name in names}
    called = {name: np.zeros(len(scores), bool) for name in names}
    styled = comparator.style_scores(pictures.enrolled, left, right)
    style = pictures.style
    of_one = (style[left] == style[right]) & (style[left] != "")
    in_style: dict[OperatingPoint, Float64s] = {"eer": np.ones(len(scores))}
    called_in = {name: np.zeros(len(scores), bool) for name in in_style}
    for reading, chosen in readings_of_pairs(config, pictures.kind, left, right):
        llrs[chosen] = llr_from_score(reading.calibration, scores[chosen])
        refused[chosen] = reading.refusal is not None
        found = one_style_llr(config, reading, scores[chosen], styled[chosen])
        if found is not None:
            within[chosen] = found
        alike = chosen[of_one[chosen]]
        for name in in_style:
            pairs = scores[alike], styled[alike]
            said = one_style_decisions(
                config, reading, pairs, None if found is None else within[alike], name
            )
            if said is not None:
                called_in[name][alike] = [decision == "same" for decision in said[0]]
                in_style[name][alike] = said[1]
        for name in names:
            point = operating_threshold(reading.calibration, name)
            rate = reading.error_rate(point)
            promised[name][chosen] = 1.0 if rate is None else rate
            called[name][chosen] = [
                reading.decide(score, point, llr) == "same"
                for score, llr in zip(scores[chosen], llrs[chosen], strict=True)
            ]
    return Answers(
        pictures.name,
        int(pictures.artist.max()) + 1,
        len(pictures.kind),
        scores,
        llrs,
        pictures.artist[left] == pictures.artist[right],
        refused,
        promised,
        called,
        of_one,
        within,
        {str(one): of_one & (style[left] == one) for one in np.unique(style) if one},
        in_style,
        called_in,
    )


def figures(found: Answers, chosen: NDArray[np.bool_] | None = None) -> dict[Metric, float]:
    """Return the figures of a set, or of some of its pairs, that were not refused."""
    kept = ~found.refused if chosen is None else chosen & ~found.refused
    llrs, scores, same = found.llrs[kept], found.scores[kept], found.same[kept]
    levels = count_levels(scores, same)
    least = min_cllr_of(levels.genuine, levels.impostor)
    return {
        "Cllr": cllr(llrs, same),
        "EER": eer_of(levels.genuine, levels.impostor),
        "minimum Cllr": least,
        "Cllr less its minimum": cllr(llrs, same) - least,
        "devPAV": dev_pav(llrs, same),
        "false matches over promise": _worst(promises(found, kept)),
        "misleading beyond 0 bans": float((llrs[~same] > 0).mean()),
        "misleading beyond 1 ban": float((llrs[~same] >= 1).mean()),
        "misleading beyond 2 bans": float((llrs[~same] >= 2).mean()),
    }


def promises(
    found: Answers, chosen: NDArray[np.bool_] | None = None, *, in_style: bool = False
) -> dict[OperatingPoint, tuple[float, float]]:
    """Return the promised and the measured share of false matches at each operating point.

    Of a set, or of some of its pairs, that were not refused. Both are between 0 and 1.

    Args:
        found: The answers.
        chosen: Which pairs; None for all.
        in_style: Whether what is decided against artists of the same style is asked for.
    """
    kept = ~found.refused if chosen is None else chosen & ~found.refused
    impostor = kept & ~found.same
    rates = found.promised_in_style if in_style else found.promised
    called = found.called_in_style if in_style else found.called_same
    return {
        name: (float(rates[name][impostor].mean()), float(called[name][impostor].mean()))
        for name in rates
    }


def _worst(rates: Mapping[OperatingPoint, tuple[float, float]]) -> float:
    return max(measured / promised for promised, measured in rates.values())


def within_style(found: Answers) -> dict[Metric, float]:
    """Return how the llr within a style holds on pairs of one style."""
    kept = found.same_style & ~found.refused & np.isfinite(found.llrs_one_style)
    llrs, same = found.llrs_one_style[kept], found.same[kept]
    levels = count_levels(found.scores[kept], same)
    least = min_cllr_of(levels.genuine, levels.impostor)
    value = cllr(llrs, same)
    return {
        "Cllr": value,
        "EER": eer_of(levels.genuine, levels.impostor),
        "minimum Cllr": least,
        "Cllr less its minimum": value - least,
        "false matches over promise": _worst(promises(found, kept, in_style=True)),
    }


def coherence(model: SameHand, pictures: PictureSet) -> float | None:
    """Return Cllr with five references over Cllr with one, or None where no artist has six works.

    A picture is read as most references would be: all pictures of these sets are of one kind.
    """
    config, comparator = model.folder.config, model.folder.comparator
    if config.attribution is None:
        return None
    kind = max(set(pictures.kind), key=pictures.kind.count)
    reading = read_pair(config.calibration, config.conditions, kind, kind)
    costs = []
    for count in (1, REFERENCES):
        step = config.attribution.references.at(count)
        trials = make_trials(
            comparator, pictures.enrolled, pictures.artist, count, config.calibration.slope
        )
        if not trials.same.any() or np.bincount(pictures.artist).max() <= REFERENCES:
            return None
        scores = combine(step, trials.features)
        calibration = reading.calibration if count == 1 else step.calibration
        read = scores if count == 1 else reading.as_usual(config.calibration, scores)
        costs.append(cllr(llr_from_score(calibration, read), trials.same))
    return costs[1] / costs[0]


def pav_llrs(llrs: Float64s, same: NDArray[np.bool_]) -> Float64s:
    """Return the llrs that pool-adjacent-violators finds for the same pairs, (N,), perhaps inf."""
    from sklearn.isotonic import isotonic_regression

    levels, place = np.unique(llrs, return_inverse=True)
    genuine = np.bincount(place, same / same.sum(), len(levels))
    impostor = np.bincount(place, ~same / (~same).sum(), len(levels))
    weight = genuine + impostor
    posterior = isotonic_regression(genuine / weight, sample_weight=weight, y_min=0, y_max=1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(posterior) - np.log10(1 - posterior), np.float64)[place]


def dev_pav(llrs: Float64s, same: NDArray[np.bool_]) -> float:
    """Return devPAV: the mean distance of the PAV line from the identity, in bans.

    Vergeer, van Schaik and Sjerps (2021), "Measuring calibration of likelihood-ratio systems: a
    comparison of four metrics", Forensic Science International 321, section 2.4: the area between
    the two over the llrs that have a finite PAV llr, by the width of that range.
    """
    x, first = np.unique(llrs, return_index=True)
    y = pav_llrs(llrs, same)[first]
    finite = np.isfinite(y)
    x, gap = x[finite], (y - llrs[first])[finite]
    if len(x) < 2:
        return float("nan")
    width, one, two = np.diff(x), gap[:-1], gap[1:]
    crossing = one * two < 0
    # A straight line that crosses zero encloses two triangles.
    total = np.where(crossing, 1.0, np.abs(one) + np.abs(two))
    area = np.where(crossing, (one**2 + two**2) / (np.abs(one) + np.abs(two) + ~crossing), total)
    return float((area * width / 2).sum() / (x[-1] - x[0]))


def empirical_cross_entropy(
    llrs: Float64s, same: NDArray[np.bool_], log_odds: Float64s
) -> Float64s:
    """Return the empirical cross-entropy at prior log10 odds, in bits, same shape as `log_odds`.

    Ramos and Gonzalez-Rodriguez (2013), "Reliable support: measuring calibration of likelihood
    ratios", Forensic Science International 230, equation 9.
    """
    ln10 = np.log(10.0)
    genuine, impostor = llrs[same], llrs[~same]
    found = []
    for odds in log_odds:
        prior = 1.0 / (1.0 + 10.0**-odds)
        one = np.logaddexp(0.0, -(genuine + odds) * ln10).mean()
        two = np.logaddexp(0.0, (impostor + odds) * ln10).mean()
        found.append((prior * one + (1 - prior) * two) / np.log(2.0))
    return np.array(found)
