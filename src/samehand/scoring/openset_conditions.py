"""Held-out artists' pictures, by kind and collection, to the open-set rules by condition.

How high the best of many artists scores depends on what the pictures show more than a pair does:
where one camera took them all, some stranger's work nearly always looks alike. So thresholds, and
the level of the evidence, are measured for each two kinds of pictures, on galleries of each
collection that shows them, and the promise holds in the worst of those (as in `condition_fitting`).

Shapes: P pictures, M probes, A artists, T trials.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import log10

import numpy as np
from numpy.typing import NDArray

from samehand.records import FalseAlarms
from samehand.scoring.calibration import Calibration, Float64s
from samehand.scoring.comparator import Comparator
from samehand.scoring.condition_fitting import ENOUGH_ARTISTS, Pictures
from samehand.scoring.conditions import Condition, Reading, read_pair
from samehand.scoring.openset import (
    PROMISED_FALSE_ALARMS,
    Attribution,
    OpenSet,
    OpenSetCondition,
    OpenSetPoint,
)
from samehand.scoring.references import (
    ReferenceRule,
    combine,
    reference_features,
    unsaturated,
)

LEAST_PICTURES = 100
"""Fewer pictures of a collection say too little of a rate of one in ten."""

_SIZES = (3, 30)
"""Works of each artist at most: galleries with few and with many."""

_GALLERIES = 20
_ONE_SIDED = 1.64
"""Standard deviations that hold 95 % of a normal distribution from one side."""

_HALVINGS = 40

_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
_LARGE = (2, 3, 4)
"""Which of them thresholds are held against: real galleries are as large as these, or larger."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Probes put to galleries of one collection; every array has shape (T,).

    Attributes:
        evidence: The usual rule's score for "one of these".
        known: Whether the probe's hand is among them.
        right: Whether the likeliest artist is the probe's.
        share: Number of the gallery's size: which share of the artists, and works of each.
        hand: Number of the probe's artist.
    """

    evidence: Float64s
    known: NDArray[np.bool_]
    right: NDArray[np.bool_]
    share: Indices
    hand: Indices

    def take(self, chosen: NDArray[np.bool_]) -> "Trials":
        """Return some of them, (T,) marking which."""
        return Trials(*(getattr(self, field.name)[chosen] for field in fields(self)))


def fit_open_conditions(
    comparator: Comparator,
    pictures: Pictures,
    attribution: Attribution,
    usual: Calibration,
    conditions: Sequence[Condition],
    *,
    seed: int = 0,
) -> tuple[OpenSetCondition, ...]:
    """Fit the open-set rule for every two kinds that enough artists show.

    Args:
        comparator: The model's comparator.
        pictures: P pictures of held-out artists.
        attribution: The rules for reference sets and for usual pictures.
        usual: The model's calibration of all its calibration pairs.
        conditions: The calibrations by condition.
        seed: Decides the galleries.
    """
    kind = np.array(pictures.kind)
    found = []
    for condition in conditions:
        one, two = condition.kinds
        reading = read_pair(usual, conditions, one, two)
        trials: list[Trials] = []
        hands: set[int] = set()
        largest = 1
        for probes, stored in collections_of(pictures, kind == one, kind == two):
            trials.append(
                collection_trials(
                    comparator, pictures, (probes, stored), attribution, usual, reading, seed
                )
            )
            hands |= set(pictures.artist[probes].tolist())
            largest = max(largest, np.unique(pictures.artist[stored]).size)
        if trials:
            rule = fit_open_condition(attribution.open_set, trials, len(hands))
            rule = replace(rule, largest=largest)
            found.append(OpenSetCondition(condition.kinds, rule, len(hands), len(trials)))
    return tuple(found)


def collection_trials(
    comparator: Comparator,
    pictures: Pictures,
    asked: tuple[Indices, Indices],
    attribution: Attribution,
    usual: Calibration,
    reading: Reading,
    seed: int,
) -> Trials:
    """Put probes of one collection to galleries of it, with few works of each artist and with many.

    Args:
        comparator: The model's comparator.
        pictures: P pictures.
        asked: (M,) which of them are asked about, and which may be in a gallery.
        attribution: The rules for reference sets and for usual pictures.
        usual: The model's calibration of all its calibration pairs.
        reading: How such pictures are to be read.
        seed: Decides the galleries.
    """
    own, stored = pictures.artist[asked[0]], pictures.artist[asked[1]]
    sizes = []
    for most in _SIZES:
        llrs, artists = probe_llrs(
            comparator, pictures, asked, attribution.references, usual, reading, most
        )
        sizes.append(draw_trials(llrs, own, artists, attribution.open_set, seed))
        if np.unique(stored, return_counts=True)[1].max() <= most:
            break
    return _together(sizes)


def collections_of(
    pictures: Pictures, one: NDArray[np.bool_], two: NDArray[np.bool_]
) -> list[tuple[Indices, Indices]]:
    """Return probes and stored pictures by collection; all of both where no collection has both."""

    def enough(probes: Indices, stored: Indices) -> bool:
        hands = np.intersect1d(pictures.artist[probes], pictures.artist[stored])
        return len(hands) >= ENOUGH_ARTISTS and min(len(probes), len(stored)) >= LEAST_PICTURES

    within = []
    for number in np.unique(pictures.collection):
        own = pictures.collection == number
        within.append((np.flatnonzero(one & own), np.flatnonzero(two & own)))
    found = [pair for pair in within if enough(*pair)]
    everything = (np.flatnonzero(one), np.flatnonzero(two))
    return found or ([everything] if enough(*everything) else [])


def probe_llrs(
    comparator: Comparator,
    pictures: Pictures,
    asked: tuple[Indices, Indices],
    rule: ReferenceRule,
    usual: Calibration,
    reading: Reading,
    most: int,
) -> tuple[Float64s, Indices]:
    """Return the unsaturated llr of every probe with every stored artist, and those artists.

    Pictures of the probe's own work are no references; where nothing else is left, the llr is minus
    infinity.

    Args:
        comparator: The model's comparator.
        pictures: P pictures.
        asked: (M,) which of them are asked about, and which are in the gallery.
        rule: The rule for reference sets.
        usual: The model's calibration of all its calibration pairs.
        reading: How such pictures are to be read.
        most: Works of each artist at most.

    Returns:
        (M, A), and the artists' numbers, (A,).
    """
    probes, stored = asked
    artists = np.unique(pictures.artist[stored])
    llrs = np.full((len(probes), len(artists)), -np.inf)
    work = pictures.work

    def read(some: Indices, own: Indices) -> Float64s:
        step = rule.at(len(own))
        features = reference_features(
            comparator, pictures.enrolled.take(some), pictures.enrolled.take(own), usual.slope
        )
        scores = combine(step, features)
        if len(own) == 1:
            return unsaturated(reading.calibration, scores)
        return unsaturated(step.calibration, reading.as_usual(usual, scores))

    for column, artist in enumerate(artists.tolist()):
        own = stored[pictures.artist[stored] == artist][:most]
        shown = np.isin(work[probes], work[own])
        llrs[~shown, column] = read(probes[~shown], own) if not shown.all() else ()
        for place in np.flatnonzero(shown).tolist():
            rest = own[work[own] != work[probes[place]]]
            if len(rest):
                llrs[place, column] = read(probes[place : place + 1], rest)[0]
    return llrs, artists


def draw_trials(llrs: Float64s, own: Indices, artists: Indices, rule: OpenSet, seed: int) -> Trials:
    """Put probes to galleries of a tenth to all of a collection's artists.

    In the largest galleries every artist is there, and each probe is also asked of all the others:
    the picture of a hand that is not there against a whole collection.

    Args:
        llrs: Of each probe with each artist, (M, A).
        own: (M,) number of each probe's artist.
        artists: (A,) number of each stored artist.
        rule: The usual rule.
        seed: Decides the galleries.
    """
    draw = np.random.default_rng(seed)
    found: list[Trials] = []
    column_of = np.where(own[:, None] == artists[None], np.arange(len(artists)), -1).max(axis=1)

    def put(gallery: Indices, rows: Indices, share: int) -> None:
        inside = np.isin(column_of[rows], gallery)
        # A work that is the only one of its artist has nothing to be recognised by.
        usable = ~inside | np.isfinite(llrs[rows, column_of[rows]])
        rows, inside = rows[usable], inside[usable]
        best = llrs[np.ix_(rows, gallery)]
        held = log10(len(gallery))
        found.append(
            Trials(
                rule.best * best.max(axis=1) + rule.artists * held + rule.intercept,
                inside,
                gallery[best.argmax(axis=1)] == column_of[rows],
                np.full(len(rows), share),
                own[rows],
            )
        )

    everybody = np.arange(len(llrs))
    for number, share in enumerate(_SHARES):
        held = max(1, round(share * len(artists)))
        if held < len(artists):
            for _ in range(_GALLERIES):
                put(draw.permutation(len(artists))[:held], everybody, number)
            continue
        put(np.arange(len(artists)), np.flatnonzero(column_of >= 0), number)
        for column in range(-1, len(artists)):
            rows = np.flatnonzero(column_of == column)
            others = np.setdiff1d(np.arange(len(artists)), [column])
            if len(rows) and len(others):
                put(others, rows, number)
    return _concatenated(found)


def _together(sizes: Sequence[Trials]) -> Trials:
    """Return the trials of galleries with few works and with many, each share a size of its own."""
    return _concatenated(
        [replace(one, share=one.share + len(_SHARES) * n) for n, one in enumerate(sizes)]
    )


def _concatenated(trials: Sequence[Trials]) -> Trials:
    return Trials(
        np.concatenate([one.evidence for one in trials]),
        np.concatenate([one.known for one in trials]),
        np.concatenate([one.right for one in trials]),
        np.concatenate([one.share for one in trials]),
        np.concatenate([one.hand for one in trials]),
    )


def fit_open_condition(usual: OpenSet, trials: Sequence[Trials], hands: int) -> OpenSet:
    """Fit the level of the evidence, and thresholds that keep the promise in every collection.

    The slopes stay those of the usual rule. No rate is promised below one in the number of hands.

    Args:
        usual: The usual rule.
        trials: Those of each collection.
        hands: By how many artists the probes were.
    """
    from scipy.optimize import brentq
    from scipy.special import expit

    evidence = np.concatenate([one.evidence for one in trials])
    known = np.concatenate([one.known for one in trials])
    weight = np.concatenate([_weights(one) for one in trials]) / len(trials)

    def slope_of_loss(level: float) -> float:
        logit = (evidence + level) * np.log(10.0)
        return float(weight @ (expit(logit) - known))

    level = float(brentq(slope_of_loss, -10.0, 10.0))
    points = {}
    for name, promised in PROMISED_FALSE_ALARMS.items():
        least = max(promised, 1.0 / hands)
        threshold = max(_keeping(one, least) for one in trials)
        rates = [_rates(one, threshold) for one in trials]
        points[name] = OpenSetPoint(
            false_alarms=max(least, *(rate[0] for rate in rates)),
            detected=float(np.mean([rate[1] for rate in rates])),
            known_at_least=threshold + level,
        )
    limit = log10(hands + 1)
    return replace(
        usual, intercept=usual.intercept + level, lower=-limit, upper=limit, points=points
    )


def false_alarms_across(trials: Trials, *, seed: int = 0) -> dict[FalseAlarms, float]:
    """Return what thresholds fitted on half of the hands give on the other half, by name.

    Args:
        trials: Those of one collection.
        seed: Halves the hands.

    Returns:
        The share of unknown hands that are named, in galleries as large as thresholds are held
        against; the mean of the two halves.
    """
    hands = np.unique(trials.hand)
    half = np.random.default_rng(seed).permutation(len(hands)) < len(hands) // 2
    first = half[np.searchsorted(hands, trials.hand)]
    found: dict[FalseAlarms, float] = {}
    for name, promised in PROMISED_FALSE_ALARMS.items():
        rates = []
        for learned in (first, ~first):
            count = np.unique(trials.hand[learned]).size
            threshold = _keeping(trials.take(learned), max(promised, 1.0 / count))
            rates.append(false_alarms(trials.take(~learned), threshold))
        found[name] = float(np.mean(rates))
    return found


def false_alarms(trials: Trials, threshold: float) -> float:
    """Return the share of unknown hands whose evidence reaches a threshold.

    Only of galleries as large as thresholds are held against, each size counting alike.

    Args:
        trials: Those of one collection.
        threshold: Of the usual rule's evidence.
    """
    chosen = ~trials.known & np.isin(trials.share % len(_SHARES), _LARGE)
    weight = _weights(trials)[chosen]
    return float(weight @ (trials.evidence[chosen] >= threshold) / weight.sum())


def _weights(trials: Trials) -> Float64s:
    """Return weights, (T,), by which each share and either answer count alike; they sum to 1."""
    weight = np.zeros(len(trials.known))
    numbers = np.unique(trials.share)
    for number in numbers:
        for side in (trials.known, ~trials.known):
            chosen = side & (trials.share == number)
            weight[chosen] = 0.5 / max(1, chosen.sum()) / len(numbers)
    return weight


def _keeping(trials: Trials, promised: float) -> float:
    """Return the least threshold that keeps a rate of false alarms, each size counting alike.

    A threshold that keeps 10 % of these hands keeps more or less of others, so what must stay below
    the promise is the upper end of the rate's 95 % interval, from how far the hands lie apart.
    """
    chosen = ~trials.known & np.isin(trials.share % len(_SHARES), _LARGE)
    evidence, weight = trials.evidence[chosen], _weights(trials)[chosen]
    hand = np.unique(trials.hand[chosen], return_inverse=True)[1]
    low, high = float(evidence.min()), float(np.nextafter(evidence.max(), np.inf))
    # The upper end falls with the threshold, up to noise.
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        kept = _upper_end(evidence >= middle, hand, weight) <= promised
        low, high = (low, middle) if kept else (middle, high)
    return high


def _upper_end(named: NDArray[np.bool_], hand: Indices, weight: Float64s) -> float:
    """Return the upper end of the interval of a rate, from the rates of each hand's probes."""
    total = np.bincount(hand, weight)
    rates, share = np.bincount(hand, weight * named) / total, total / total.sum()
    rate = float(share @ rates)
    # The variance of a mean with unequal weights.
    variance = float((share**2) @ (rates - rate) ** 2) * len(total) / max(len(total) - 1, 1)
    return rate + _ONE_SIDED * float(np.sqrt(variance))


def _rates(trials: Trials, threshold: float) -> tuple[float, float]:
    """Return the share of unknown hands that are named, and of known ones rightly named."""
    weight, named = 2.0 * _weights(trials), trials.evidence >= threshold
    strange, right = named & ~trials.known, named & trials.known & trials.right
    return float(weight[strange].sum()), float(weight[right].sum())
