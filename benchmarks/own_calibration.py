r"""What a collection's own calibration is worth with few artists, on its other artists.

    python -m benchmarks.own_calibration work/held-out/held-out.csv --model vit \
        --artists 10 --draws 40

Draws artists of the museum's photographs again and again, calibrates on their pairs, and holds the
shipped calibration and the own one against each other on pairs of all other artists. An own one is
worse if the whole 95 % interval of the difference in Cllr, from drawing those artists again, is
above 0. With `--without`, the shipped calibration of photographs is fitted anew without the museum
first.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.held_out import read_held_out
from samehand.model.folder import ModelConfig
from samehand.scoring.calibration import Calibration, Float64s, llr_from_score
from samehand.scoring.condition_fitting import ScoredPairs, fit_conditions, pairs_of
from samehand.scoring.conditions import Condition
from samehand.scoring.own_fitting import cross_validated, fit_own
from samehand.verification.verifier import SameHand

REPLICATES = 400


@dataclass(frozen=True, slots=True)
class Draw:
    """Cllr of both on other artists, and the interval of the difference, after less before."""

    before: float
    after: float
    low: float
    high: float


def costs(calibration: Calibration, pairs: ScoredPairs) -> Float64s:
    """Return what each pair costs in bits, (N,)."""
    llrs = llr_from_score(calibration, pairs.scores)
    cost: Float64s = np.logaddexp(0.0, np.where(pairs.same, -llrs, llrs) * np.log(10.0))
    return cost / np.log(2.0)


def compare(before: Calibration, after: Calibration, pairs: ScoredPairs, seed: int) -> Draw:
    """Return Cllr of two calibrations on the same pairs, and the paired interval over artists."""
    cost = [costs(one, pairs) for one in (before, after)]
    artists = np.union1d(pairs.left_artist, pairs.right_artist)
    left, right = (
        np.searchsorted(artists, side) for side in (pairs.left_artist, pairs.right_artist)
    )
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(REPLICATES):
        times = np.bincount(draw.integers(len(artists), size=len(artists)), minlength=len(artists))
        weight = np.where(pairs.same, times[left], times[left] * times[right]).astype(float)
        found.append(_cllr(cost[1], pairs, weight) - _cllr(cost[0], pairs, weight))
    low, high = np.nanquantile(found, [0.025, 0.975])
    even = np.ones(len(pairs.same))
    return Draw(_cllr(cost[0], pairs, even), _cllr(cost[1], pairs, even), float(low), float(high))


def _cllr(cost: Float64s, pairs: ScoredPairs, weight: Float64s) -> float:
    sides = [
        cost[side] @ weight[side] / max(weight[side].sum(), 1e-12)
        for side in (pairs.same, ~pairs.same)
    ]
    return float(np.mean(sides))


def shipped_photographs(config: ModelConfig) -> Condition:
    """Return the calibration of two photographs."""
    return next(one for one in config.conditions if one.kinds == ("photograph", "photograph"))


def main() -> None:
    """Draw, and print what came out."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    asked.add_argument("table", type=Path)
    asked.add_argument("--model", default="vit")
    asked.add_argument("--cache", type=Path)
    asked.add_argument("--artists", type=int, default=10)
    asked.add_argument("--draws", type=int, default=40)
    asked.add_argument("--new", choices=["none", "apart", "all"], default="none")
    asked.add_argument("--without", action="store_true")
    options = asked.parse_args()
    model = SameHand(options.model)
    comparator = model.folder.comparator
    held_out = read_held_out(model, options.table, options.cache, new=options.new)
    shipped = shipped_photographs(model.folder.config)
    if options.without:
        others = fit_conditions(comparator, held_out.without("museum").pictures)
        shipped = next(one for one in others if one.kinds == shipped.kinds)
    museum = held_out.only("museum").pictures
    photograph = np.array(museum.kind) == "photograph"
    pairs = pairs_of(comparator, museum, photograph, photograph)
    able = np.unique(pairs.left_artist[pairs.same])
    gain = cross_validated(shipped, pairs)
    share = (gain.cllr_before - gain.cllr_after) / (gain.cllr_before - gain.cllr_least)
    print(
        f"{model.folder.identity}, {gain.artists} artists, cross-validated: Cllr "
        f"{gain.cllr_before:.3f} before, {gain.cllr_after:.3f} after, {gain.cllr_least:.3f} at "
        f"least: {share:.0%} of the way"
    )
    rng = np.random.default_rng(0)
    found = []
    for number in range(options.draws):
        chosen = rng.permutation(able)[: options.artists]
        inside = [np.isin(side, chosen) for side in (pairs.left_artist, pairs.right_artist)]
        own = fit_own(shipped, pairs.take(inside[0] & inside[1]))
        rest = pairs.take(~inside[0] & ~inside[1])
        found.append(compare(shipped.calibration, own.calibration, rest, number))
    change = np.array([one.after - one.before for one in found])
    before, after = (np.mean([getattr(one, name) for one in found]) for name in ("before", "after"))
    print(
        f"{options.artists} artists, {options.draws} draws: Cllr {before:.3f} before, {after:.3f} "
        f"after; difference {change.mean():+.3f}, from {change.min():+.3f} to {change.max():+.3f}; "
        f"higher in {int((change > 0).sum())} draws, worse by the interval in "
        f"{sum(one.low > 0 for one in found)}, better in {sum(one.high < 0 for one in found)}"
    )


if __name__ == "__main__":
    main()
