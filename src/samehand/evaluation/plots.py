"""The four figures of a report: ROC, DET, score distributions and reliability.

Each function takes systems by name, so that several can be compared in one figure, and writes one
PNG. Figures are made without pyplot, so nothing is shared between calls or threads.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from scipy.special import ndtri

from samehand.evaluation.metrics import (
    PROBABILITY_BINS,
    Bools,
    Float64s,
    Scores,
    auc_of,
    calibration_error,
    class_weights,
    count_levels,
    eer_of,
    error_rates,
    probability_bin,
)
from samehand.files import atomic_path
from samehand.scoring.calibration import probability

Systems = Mapping[str, tuple[Scores, Bools]]
"""Name of each system, with (N,) scores (or llrs, where said so) and (N,) same-artist truth."""

MOST_VERTICES = 2000
_DOTS_PER_INCH = 150
_HISTOGRAM_BINS = 80

# Orange is one artist and blue is two, here as on the pages, so no system has either. The line
# styles tell the systems apart in black and white too.
COLOURS = ("#000000", "#00805f", "#b5307a", "#7a6a00", "#8e44ad", "#6f6f74", "#8a6d5a")
_DASHES = ("-", "--", "-.", ":")
GENUINE, IMPOSTOR, _GUIDE = "#c05500", "#0072b2", "#767676"

_DET_TICKS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
_DET_LEAST, _DET_MOST = 0.0005, 0.7


def plot_roc(systems: Systems, path: str | os.PathLike[str]) -> None:
    """Write the ROC curves: share of genuine pairs accepted against share of impostors accepted.

    Args:
        systems: Raw scores, or anything that rises with them, by name.
        path: The PNG to write.

    Raises:
        ProtocolError: A system has no genuine or no impostor pair.
        OutputError: The file cannot be written.
    """
    figure, axes = _square_figure()
    axes.plot([0, 1], [0, 1], color=_GUIDE, linewidth=1, linestyle=":", label="chance")
    for (name, (scores, same)), style in zip(systems.items(), _styles(), strict=False):
        levels = count_levels(scores, same)
        fmr, fnmr = thin(*error_rates(levels.genuine, levels.impostor))
        area = auc_of(levels.genuine, levels.impostor)
        axes.plot(fmr, 1.0 - fnmr, label=f"{name} (AUC {area:.3f})", **style)
    axes.set(
        title="ROC: how many same-artist pairs are recognised",
        xlabel="different-artist pairs wrongly accepted (false match rate)",
        ylabel="same-artist pairs accepted (1 − false non-match rate)",
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(_percent))
    axes.legend(loc="lower right")
    _save(figure, path)


def plot_det(systems: Systems, path: str | os.PathLike[str]) -> None:
    """Write the detection error trade-off curves on normal deviate axes.

    Martin et al. (1997), "The DET curve in assessment of detection task performance",
    Eurospeech: normally distributed scores give straight lines, and small rates get room.

    Args:
        systems: Raw scores, or anything that rises with them, by name.
        path: The PNG to write.

    Raises:
        ProtocolError: A system has no genuine or no impostor pair.
        OutputError: The file cannot be written.
    """
    figure, axes = _square_figure(room_below=0.3 * (1 + len(systems)))
    least, most = float(ndtri(_DET_LEAST)), float(ndtri(_DET_MOST))
    axes.plot([least, most], [least, most], color=_GUIDE, lw=1, ls=":", label="equal errors")
    for (name, (scores, same)), style in zip(systems.items(), _styles(), strict=False):
        levels = count_levels(scores, same)
        rates = error_rates(levels.genuine, levels.impostor)
        # Rates of 0 and 1 have no place on these axes: they end just outside the frame.
        fmr, fnmr = (ndtri(np.clip(rate, _DET_LEAST / 2, 0.9)) for rate in rates)
        rate = eer_of(levels.genuine, levels.impostor)
        axes.plot(*thin(fmr, fnmr), label=f"{name} (EER {100 * rate:.1f} %)", **style)
    axes.set(
        title="DET: the two kinds of error against each other",
        xlabel="false match rate (different artists called the same)",
        ylabel="false non-match rate (one artist called two)",
        xlim=(least, most),
        ylim=(least, most),
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ndtri(_DET_TICKS), [_percent(tick) for tick in _DET_TICKS])
    # Curves may run anywhere in the frame.
    figure.legend(loc="outside lower center")
    _save(figure, path)


def plot_scores(
    systems: Systems,
    path: str | os.PathLike[str],
    *,
    thresholds: Mapping[str, float] | None = None,
) -> None:
    """Write how the llrs of genuine and of impostor pairs are distributed, a panel a system.

    Args:
        systems: log10 likelihood ratios by name.
        path: The PNG to write.
        thresholds: llrs to mark in every panel, by what to call them.

    Raises:
        ProtocolError: A system has no genuine or no impostor pair.
        OutputError: The file cannot be written.
    """
    marks = sorted((thresholds or {}).items(), key=lambda item: item[1])
    figure = Figure(figsize=(9.5, 0.8 + 3.3 * len(systems)), layout="constrained")
    panels = figure.subplots(len(systems), 1, sharex=True, squeeze=False)[:, 0]
    everything = [llr for llr, _ in systems.values()] + [np.array([0.0, *(x for _, x in marks)])]
    low, high = min(a.min() for a in everything), max(a.max() for a in everything)
    edges = np.linspace(low - 0.05, high + 0.05, _HISTOGRAM_BINS + 1)
    for axes, (name, (llr, same)) in zip(panels, systems.items(), strict=True):
        _tidy(axes)
        _draw_histograms(axes, llr, same, edges)
        axes.axvline(0, color=_GUIDE, linewidth=1, linestyle=":")
        _draw_thresholds(axes, marks)
        axes.set_title(name, loc="left", pad=34 if marks else 8)
        axes.set_ylabel("share of pairs")
        axes.yaxis.set_major_formatter(FuncFormatter(_percent))
        axes.set_xlim(edges[0], edges[-1])
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False)
    panels[-1].set_xlabel("← different artists      log10 likelihood ratio      same artist →")
    _save(figure, path)


def plot_reliability(systems: Systems, path: str | os.PathLike[str]) -> None:
    """Write predicted probability against observed frequency at equal priors, with counts.

    Either class weighs one half in all, as in `metrics.calibration_error`, whose bins these are.

    Args:
        systems: log10 likelihood ratios by name.
        path: The PNG to write.

    Raises:
        ProtocolError: A system has no genuine or no impostor pair.
        OutputError: The file cannot be written.
    """
    figure = Figure(figsize=(7, 8), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    axes.plot([0, 1], [0, 1], color=_GUIDE, linewidth=1, linestyle=":", label="perfectly honest")
    width = 0.9 / PROBABILITY_BINS / max(1, len(systems))
    left = (np.arange(PROBABILITY_BINS) + 0.05) / PROBABILITY_BINS
    styled = zip(systems.items(), _styles(), strict=False)
    for place, ((name, (llr, same)), style) in enumerate(styled):
        predicted, observed, counts = reliability(llr, same)
        error = calibration_error(llr, same)
        axes.plot(
            predicted,
            observed,
            marker="o",
            markersize=5,
            label=f"{name} (calibration error {error:.3f})",
            **style,
        )
        below.bar(left + place * width, counts, width, align="edge", color=style["color"])
    axes.set(
        title="Reliability: is a stated 70 % right 70 % of the time?",
        ylabel="observed share of same-artist pairs",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )
    axes.legend(loc="upper left")
    axes.yaxis.set_major_formatter(FuncFormatter(_percent))
    below.set(xlabel="stated probability of the same artist, at equal priors", ylabel="pairs")
    below.set_yscale("log")
    below.set_ylim(bottom=0.8)
    below.minorticks_off()
    below.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    below.xaxis.set_major_formatter(FuncFormatter(_percent))
    for panel in (axes, below):
        _tidy(panel)
    _save(figure, path)


def reliability(llr: Scores, same: Bools) -> tuple[Float64s, Float64s, NDArray[np.intp]]:
    """Return what `plot_reliability` draws.

    Args:
        llr: (N,) log10 likelihood ratios.
        same: (N,) whether one artist made both paintings.

    Returns:
        Mean predicted probability and observed frequency at equal priors, NaN where a bin is
        empty, and the number of pairs in each bin; (PROBABILITY_BINS,) each.
    """
    bins = probability_bin(llr)
    share = class_weights(same)
    counts = np.bincount(bins, minlength=PROBABILITY_BINS)
    mass = np.where(counts > 0, np.bincount(bins, share, PROBABILITY_BINS), np.nan)
    predicted = np.bincount(bins, share * probability(llr, 0.5), PROBABILITY_BINS) / mass
    observed = np.bincount(bins, share * same, PROBABILITY_BINS) / mass
    return predicted, observed, counts


def thin(x: Float64s, y: Float64s) -> tuple[Float64s, Float64s]:
    """Keep at most MOST_VERTICES vertices of a curve, spread evenly along its drawn length.

    Args:
        x: (K,) horizontal positions.
        y: (K,) vertical positions.

    Returns:
        The kept positions, in order, with both ends.
    """
    if x.size <= MOST_VERTICES:
        return x, y
    travelled = np.concatenate(([0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))))
    marks = np.linspace(0.0, travelled[-1], MOST_VERTICES)
    kept = np.searchsorted(travelled, marks)
    kept[0], kept[-1] = 0, x.size - 1
    kept = np.unique(kept)
    return x[kept], y[kept]


def _draw_histograms(axes: Axes, llr: Scores, same: Bools, edges: Float64s) -> None:
    """Draw both classes, each as shares of its own pairs."""
    share = class_weights(same)
    classes = (("same artist", same, GENUINE), ("different artists", ~same, IMPOSTOR))
    heights = [
        np.histogram(llr[chosen], edges, weights=share[chosen])[0] for _, chosen, _ in classes
    ]
    # Saturated llrs pile up in the outer bins and would flatten everything between them, so they
    # may leave the frame, with their share written beside them.
    inner = max(float(height[1:-1].max()) for height in heights)
    outer = max(float(height.max()) for height in heights)
    top = min(1.3 * inner, 1.05 * outer) if inner > 0 else 1.05 * outer
    axes.set_ylim(0, top)
    for row, (height, (label, chosen, colour)) in enumerate(zip(heights, classes, strict=True)):
        axes.stairs(height, edges, color=colour, fill=True, alpha=0.18)
        label = f"{label}\n({np.count_nonzero(chosen):,} pairs)"
        axes.stairs(height, edges, color=colour, linewidth=1.8, label=label)
        for place, edge, side in ((0, edges[1], 1), (-1, edges[-2], -1)):
            if height[place] > top:
                axes.annotate(
                    f"{_percent(height[place])} in this bar",
                    (edge, top * (0.97 - 0.09 * row)),
                    xytext=(5 * side, 0),
                    textcoords="offset points",
                    ha="left" if side > 0 else "right",
                    va="top",
                    fontsize=9,
                    color=colour,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
                )


def _draw_thresholds(axes: Axes, marks: list[tuple[str, float]]) -> None:
    """Draw a numbered line per threshold; the legend says what the numbers mean."""
    for number, (label, llr) in enumerate(marks, start=1):
        axes.axvline(llr, color="black", linewidth=1, linestyle="--", label=f"{number}  {label}")
        # Neighbours stand at different heights, so that close thresholds stay legible.
        height = 1.015 + 0.06 * (number % 2)
        axes.text(llr, height, str(number), transform=axes.get_xaxis_transform(), ha="center")


def _square_figure(room_below: float = 0.0) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 7 + room_below), layout="constrained")
    axes = figure.subplots()
    axes.set_aspect("equal")
    _tidy(axes)
    return figure, axes


def _tidy(axes: Axes) -> None:
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _styles() -> Iterator[dict[str, Any]]:
    """Yield line styles without end, each unlike its neighbours in colour and dashes."""
    place = 0
    while True:
        yield {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": _DASHES[place % len(_DASHES)],
            "linewidth": 2,
        }
        place += 1


def _percent(share: float, _position: int | None = None) -> str:
    return f"{100 * share:.3g} %"


def _save(figure: Figure, path: str | os.PathLike[str]) -> None:
    with atomic_path(Path(path)) as temporary:
        figure.savefig(temporary, dpi=_DOTS_PER_INCH, format="png")
