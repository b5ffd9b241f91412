"""Whether the regions that evidence names are those that the verdict rests on.

    python benchmarks/deletion.py CATALOGUE --out FOLDER [--pairs 200] [--model MODEL]

Pairs of paintings by artists who are in neither training nor calibration: half by one artist, half
by two of one style. In the left painting cells are covered one after the other, in the order of
their influence (the deletion test of Petsiuk, Das and Saenko, BMVC 2018, section 4.2), in the
reverse order, and in random order. Influence is found by blurring; the curve is measured by
covering with the mean colour, so that it does not merely repeat what found it. "Towards" is the
claim that the verdict makes: the llr is turned so that it falls where the verdict weakens.

Prints the area between each curve and the uncovered llr, with 95 % intervals from resampling
the artists of the left paintings, and the strength of the most unusual match of genuine and
impostor pairs. Writes deletion.json and, where matplotlib is installed, deletion.png.
"""

import json
from pathlib import Path

import numpy as np
import polars as pl
from shared import arguments, unseen_paintings

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.evaluation.metrics import auc
from samehand.explain.occlusion import GRID, coverable, influence_of, llr_when_covered
from samehand.model.background import read_background
from samehand.model.correspondence import correspond
from samehand.model.painting import Painting
from samehand.model.regions import cell
from samehand.progress import track

SHARES = (0.0, 0.1, 0.25, 0.5)
ORDERS = ("named first", "random", "named last")
SEED, DRAWS = 0, 2000


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    same_hand = SameHand(options.model, options.threads)
    pairs = draw_pairs(load_catalogue(options.catalogue), options.pairs)
    background = read_background(same_hand.folder)
    rng = np.random.default_rng(SEED)
    curves, strengths = [], []
    for left, right, _, _ in track(pairs, "covering regions"):
        paintings = [same_hand.open(options.catalogue / path) for path in (left, right)]
        patches = [painting.patches for painting in paintings]
        matches = correspond(
            *patches, background.regions, background.places, background.discount
        ).matches
        strengths.append(matches[0].strength if matches else 0.0)
        curves.append(curves_of(same_hand, *paintings, rng))
    report(np.array(curves), pairs, np.array(strengths), same_hand.folder.identity, options.out)


def draw_pairs(table: pl.DataFrame, count: int) -> list[tuple[str, str, str, bool]]:
    """Return left path, right path, left artist and whether one artist made both."""
    unseen = unseen_paintings(table).filter(pl.col("style").is_not_null())
    rng = np.random.default_rng(SEED)
    artists = rng.permutation(unseen["artist"].unique().sort().to_list())
    pairs = []
    for number in range(count):
        artist, same = str(artists[number // 2 % len(artists)]), number % 2 == 0
        own = unseen.filter(pl.col("artist") == artist)
        left = own.row(int(rng.integers(len(own))), named=True)
        others = unseen.filter(
            (pl.col("artist") == artist if same else pl.col("artist") != artist)
            & (pl.col("painting_id") != left["painting_id"])
            & (pl.lit(same) | (pl.col("style") == left["style"]))
        )
        if others.is_empty():
            continue
        right = others.row(int(rng.integers(len(others))), named=True)
        pairs.append((left["path"], right["path"], artist, same))
    return pairs


def curves_of(
    same_hand: SameHand, left: Painting, right: Painting, rng: np.random.Generator
) -> np.ndarray:
    """Return how far the verdict's claim weakens, (orders, shares), in log10 units."""
    other = right.embedding
    cells = influence_of(same_hand, coverable(same_hand, left), other).ravel()
    painting = coverable(same_hand, left, fill="mean")
    direction = 1.0 if llr_when_covered(same_hand, painting, other, [[]])[0] >= 0 else -1.0
    named = np.argsort(-direction * cells, kind="stable")
    orders = (named, rng.permutation(named), named[::-1])
    coverings = [
        [cell(int(index), GRID) for index in order[: round(share * GRID**2)]]
        for order in orders
        for share in SHARES
    ]
    llrs = llr_when_covered(same_hand, painting, other, coverings)
    return direction * llrs.reshape(len(orders), len(SHARES))


def report(curves: np.ndarray, pairs: list, strengths: np.ndarray, model: str, out: Path) -> None:
    artists = np.array([artist for _, _, artist, _ in pairs])
    same = np.array([same for _, _, _, same in pairs])
    moved = curves - curves[:, :, :1]
    # The mean height of a curve over the shares: the area beneath it, over its width.
    areas = np.trapezoid(moved, SHARES, axis=2) / SHARES[-1]
    chosen = resampled(artists)
    print(f"{len(pairs)} pairs, {len(set(artists))} artists, model {model}")
    print("order          mean change of the llr towards the verdict, up to half covered")
    results = {}
    for name, values in [
        *((order, areas[:, index]) for index, order in enumerate(ORDERS)),
        ("named first less random", areas[:, 0] - areas[:, 1]),
    ]:
        results[name] = interval(values, chosen)
        print(f"{name:25s}{'{:+.3f} [{:+.3f}, {:+.3f}]'.format(*results[name])}")
    falls = float((areas[:, 0] < areas[:, 1]).mean())
    print(f"pairs whose named cells weaken the verdict more than random ones: {falls:.0%}")
    matched = auc(strengths, same)
    print(
        f"most unusual match, median one in: genuine {10 ** np.median(strengths[same]):.0f}, ",
        end="",
    )
    print(f"impostor {10 ** np.median(strengths[~same]):.0f}; as a score its AUC is {matched:.3f}")
    out.mkdir(parents=True, exist_ok=True)
    curve = {
        o: [interval(moved[:, i, s], chosen) for s in range(len(SHARES))]
        for i, o in enumerate(ORDERS)
    }
    facts = {"model": model, "pairs": len(pairs), "shares": SHARES, "areas": results}
    facts |= {"curves": curve, "pairs_falling_faster": falls, "match_auc": matched}
    (out / "deletion.json").write_text(json.dumps(facts, indent=2) + "\n")
    plot(curve, out / "deletion.png")


def resampled(artists: np.ndarray) -> list[np.ndarray]:
    """Return the pairs of each bootstrap draw, artists drawn with replacement."""
    names = np.unique(artists)
    members = {name: np.flatnonzero(artists == name) for name in names}
    rng = np.random.default_rng(SEED)
    return [
        np.concatenate([members[name] for name in rng.choice(names, len(names))])
        for _ in range(DRAWS)
    ]


def interval(values: np.ndarray, chosen: list[np.ndarray]) -> tuple[float, float, float]:
    draws = [values[members].mean() for members in chosen]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def plot(curve: dict[str, list[tuple[float, float, float]]], target: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4))
    for (name, points), colour in zip(
        curve.items(), ("#00805f", "#6b6b70", "#8e44ad"), strict=True
    ):
        mean, low, high = np.array(points).T
        axes.plot(np.array(SHARES) * 100, mean, color=colour, label=name)
        axes.fill_between(np.array(SHARES) * 100, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set(xlabel="share of the left painting that is covered, %")
    axes.set(ylabel="change of the log10 likelihood ratio\ntowards the verdict")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(target, dpi=150)


if __name__ == "__main__":
    main()
