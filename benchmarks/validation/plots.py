"""Tippett, PAV, DET and empirical cross-entropy plots, several data sets in each."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.validation.measure import Answers, empirical_cross_entropy, pav_llrs
from samehand.evaluation.plots import COLOURS, plot_det
from samehand.files import atomic_path

_ODDS = np.linspace(-3, 3, 61)


def draw_all(sets: Mapping[str, Answers], folder: Path) -> list[tuple[str, str]]:
    """Write the plots and return the file and the caption of each.

    Args:
        sets: The answers by data set.
        folder: Where to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _tippett(sets, folder / "validation-tippett.png")
    _pav(sets, folder / "validation-pav.png")
    _entropy(sets, folder / "validation-ece.png")
    plot_det(
        {name: (one.scores[~one.refused], one.same[~one.refused]) for name, one in sets.items()},
        folder / "validation-det.png",
    )
    return [
        (
            "validation-tippett.png",
            "Tippett: share of pairs whose ratio is at least so high; solid lines are pairs by one "
            "artist, dotted ones pairs by two. Where a dotted line lies right of 0, the ratio "
            "misleads.",
        ),
        (
            "validation-pav.png",
            "PAV: the ratio that the pairs themselves show against the ratio given. On the "
            "diagonal both agree; below it the ratio given is too high.",
        ),
        ("validation-det.png", "DET: misses against false matches at every cut."),
        (
            "validation-ece.png",
            "Empirical cross-entropy (ECE) by prior odds: solid as given, dashed after PAV, and "
            "in grey without any ratio. Above the grey line a ratio does harm.",
        ),
    ]


def _figure() -> tuple[Figure, object]:
    figure = Figure(figsize=(7.2, 4.8), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    return figure, axes


def _save(figure: Figure, target: Path) -> None:
    with atomic_path(target) as temporary:
        figure.savefig(temporary, format="png", dpi=130)


def _tippett(sets: Mapping[str, Answers], target: Path) -> None:
    figure, axes = _figure()
    for (name, one), colour in zip(sets.items(), COLOURS * 2, strict=False):
        for side, style in ((True, "-"), (False, ":")):
            llrs = np.sort(one.llrs[(one.same == side) & ~one.refused])
            share = 1 - np.arange(len(llrs)) / len(llrs)
            step = max(1, len(llrs) // 2000)
            label = name if side else None
            axes.plot(llrs[::step], share[::step], style, color=colour, label=label)
    axes.axvline(0, color="#767676", linewidth=0.8)
    axes.set_xlabel("log10 likelihood ratio")
    axes.set_ylabel("share of pairs at least so high")
    axes.legend(frameon=False, fontsize=8)
    _save(figure, target)


def _pav(sets: Mapping[str, Answers], target: Path) -> None:
    figure, axes = _figure()
    for (name, one), colour in zip(sets.items(), COLOURS * 2, strict=False):
        kept = ~one.refused
        x, first = np.unique(one.llrs[kept], return_index=True)
        y = pav_llrs(one.llrs[kept], one.same[kept])[first]
        axes.plot(x, np.where(np.isfinite(y), y, np.nan), color=colour, label=name)
    axes.plot([-3, 4], [-3, 4], color="#767676", linewidth=0.8)
    axes.set_xlabel("log10 likelihood ratio as given")
    axes.set_ylabel("as the pairs show (PAV)")
    axes.legend(frameon=False, fontsize=8)
    _save(figure, target)


def _entropy(sets: Mapping[str, Answers], target: Path) -> None:
    figure, axes = _figure()
    for (name, one), colour in zip(sets.items(), COLOURS * 2, strict=False):
        llrs, same = one.llrs[~one.refused], one.same[~one.refused]
        best = np.clip(pav_llrs(llrs, same), -12, 12)
        axes.plot(_ODDS, empirical_cross_entropy(llrs, same, _ODDS), color=colour, label=name)
        axes.plot(_ODDS, empirical_cross_entropy(best, same, _ODDS), "--", color=colour)
    nothing = empirical_cross_entropy(np.zeros(2), np.array([True, False]), _ODDS)
    axes.plot(_ODDS, nothing, color="#767676")
    axes.set_xlabel("prior log10 odds")
    axes.set_ylabel("empirical cross-entropy, bits")
    axes.legend(frameon=False, fontsize=8)
    _save(figure, target)
