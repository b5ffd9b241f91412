"""The error rates that verdicts state, held against those that a protocol's pairs show.

Shapes: P pictures, M pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from samehand.model.folder import ModelConfig
from samehand.model.readings import readings_of_pairs
from samehand.records import Floats, OperatingPoint, PictureKind
from samehand.scoring.calibration import NO_SUPPORT, llr_from_score
from samehand.scoring.comparator import Indices


@dataclass(frozen=True, slots=True)
class Promise:
    """One operating point in one condition.

    Attributes:
        condition: What the pairs are, in words.
        operating_point: Which thresholds decided.
        promised: The error rate that verdicts state; None where the model refuses such pairs, and
            so decides nothing.
        false_matches: Share of pairs by two artists that were decided "same"; None without any.
        false_non_matches: Share of pairs by one artist decided "different"; None without any.
        undecided: Share of all pairs on which nothing was decided.
        genuine_pairs: Pairs by one artist.
        impostor_pairs: Pairs by two.
    """

    condition: str
    operating_point: OperatingPoint
    promised: float | None
    false_matches: float | None
    false_non_matches: float | None
    undecided: float
    genuine_pairs: int
    impostor_pairs: int


def promises(
    config: ModelConfig,
    kinds: Sequence[PictureKind],
    left: Indices,
    right: Indices,
    scores: Floats,
    same: NDArray[np.bool_],
) -> list[Promise]:
    """Decide M pairs of P pictures as the product does, and count what is wrong.

    Args:
        config: The model's configuration.
        kinds: What each picture can show, P of them.
        left: Left pictures' numbers, (M,).
        right: Right pictures' numbers, (M,).
        scores: Raw scores, (M,).
        same: Whether one artist made both, (M,).

    Returns:
        By condition, and for each by operating point, the laxest first.
    """
    found = []
    for reading, chosen in readings_of_pairs(config, kinds, left, right):
        some, genuine = scores[chosen].astype(np.float64), same[chosen]
        # As `calibration.decide`, of all pairs at once.
        told = np.abs(llr_from_score(reading.calibration, some)) >= NO_SUPPORT
        told &= reading.refusal is None
        for name in get_args(OperatingPoint):
            point = reading.calibration.points[name]
            matched = told & (some >= point.same_at_least)
            parted = told & ~matched & (some <= point.different_at_most)
            found.append(
                Promise(
                    reading.condition,
                    name,
                    reading.error_rate(point),
                    _share(matched, ~genuine),
                    _share(parted, genuine),
                    1.0 - float((matched | parted).mean()),
                    int(genuine.sum()),
                    int((~genuine).sum()),
                )
            )
    return found


def _share(decided: NDArray[np.bool_], of: NDArray[np.bool_]) -> float | None:
    return float(decided[of].mean()) if of.any() else None


def promises_markdown(found: Sequence[Promise]) -> list[str]:
    """Return the lines of a Markdown table; none where there is nothing to hold to."""
    if not found:
        return []
    return [
        "**Promised and measured error rates**, with the decisions that verdicts give. A rate "
        "over its promise is in bold. Nothing is decided in between the thresholds, nor where a "
        "ratio is within 2 of even.",
        "",
        "| condition | operating point | promised | false matches | false non-matches "
        "| undecided | pairs by one artist | by two |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {one.condition} | {one.operating_point} | {_promised(one)} "
            f"| {_kept(one.false_matches, one.promised)} "
            f"| {_kept(one.false_non_matches, one.promised)} | {one.undecided:.1%} "
            f"| {one.genuine_pairs:,} | {one.impostor_pairs:,} |"
            for one in found
        ),
        "",
    ]


def promises_text(found: Sequence[Promise]) -> list[str]:
    """Return the same as lines of at most 80 columns; a star stands for a rate over its promise."""
    lines = []
    for words in dict.fromkeys(one.condition for one in found):
        rows = [one for one in found if one.condition == words]
        pairs = f"{rows[0].genuine_pairs:,} pairs by one artist, {rows[0].impostor_pairs:,} by two"
        lines += ["", f"error rates of decisions, {words}:", f"  {pairs}"]
        lines.append(
            f"  {'':10}{'promised':>10}{'false matches':>16}{'missed':>11}{'undecided':>12}"
        )
        lines += [
            f"  {one.operating_point:10}{_promised(one):>10}"
            f"{_kept(one.false_matches, one.promised, '', ' *'):>16}"
            f"{_kept(one.false_non_matches, one.promised, '', ' *'):>11}{one.undecided:>12.1%}"
            for one in rows
        ]
    return lines


def _promised(one: Promise) -> str:
    return "refused" if one.promised is None else _percent(one.promised)


def _kept(rate: float | None, promised: float | None, before: str = "**", after: str = "**") -> str:
    if rate is None:
        return "-"
    if promised is not None and rate > promised:
        return f"{before}{_percent(rate)}{after}"
    return _percent(rate)


def _percent(rate: float) -> str:
    return f"{rate:.1%}" if rate == 0 or rate >= 0.01 else f"{rate:.2%}"
