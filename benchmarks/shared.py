"""What several of these scripts need: arguments, a catalogue, intervals, and documents to fill."""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from samehand import SameHand
from samehand.evaluation.bootstrap import bootstrap_replicates, percentile_intervals
from samehand.evaluation.metrics import Metrics, auc, compute_metrics
from samehand.files import write_text
from samehand.model.embed import embed_catalogued
from samehand.records import Floats

ROOT = Path(__file__).parents[1]
EXAMPLES = [ROOT / "examples" / "atelier" / f"painter-{name}.jpg" for name in ("a-1", "b-1")]
"""Two paintings of the repository, by two painters."""


def arguments(about: str | None, *, out: bool = False) -> argparse.ArgumentParser:
    """Return a parser of CATALOGUE and --model, and of --out and --docs where results are kept."""
    parser = argparse.ArgumentParser(description=(about or "").split("\n")[0])
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--model", default=None)
    if out:
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--docs", type=Path)
    return parser


def unseen_paintings(table: pl.DataFrame) -> pl.DataFrame:
    """Return the test paintings, by id, of artists whom neither training nor calibration saw."""
    known = table.filter(pl.col("split").is_in(["train", "validation"]))["artist"].unique()
    return table.filter(
        (pl.col("split") == "test") & ~pl.col("artist").is_in(known.to_list())
    ).sort("painting_id")


def embeddings_of(verifier: SameHand, rows: pl.DataFrame, folder: Path) -> Floats:
    """Return embeddings of a catalogue's paintings, from its cache where it has them."""
    return embed_catalogued(
        verifier.embedder, rows["path"].to_list(), folder, folder / "embeddings"
    )


def pair_aucs(scores: Floats, table: pl.DataFrame) -> list[float]:
    """Return the AUC over all pairs of a table's paintings, and over those of one style.

    The second is left out where no style is known. Pairs are in the order of `np.triu_indices`.
    """
    artists, styles = (table[name].fill_null("").to_numpy() for name in ("artist", "style"))
    left, right = np.triu_indices(len(artists), k=1)
    same = artists[left] == artists[right]
    alike = (styles[left] == styles[right]) & (styles[left] != "")
    found = [auc(scores, same)]
    return [*found, auc(scores[alike], same[alike])] if same[alike].any() else found


def measured(
    scores: Floats,
    llrs: Floats,
    same: np.ndarray,
    artists: tuple[np.ndarray, np.ndarray],
    *,
    threshold: float,
    replicates: int,
) -> tuple[Metrics, dict[str, tuple[float, float]]]:
    """Return the metrics of M trials, and their intervals over the artists of both sides."""
    draws = bootstrap_replicates(
        scores, llrs, same, *artists, threshold=threshold, replicates=replicates, seed=0
    )
    found = compute_metrics(scores, llrs, same, threshold=threshold)
    return found, percentile_intervals(draws)


def ranged(value: float, low: float, high: float) -> str:
    """Return a figure with its interval, as a cell of a table."""
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Return a Markdown table as lines, the first one empty."""
    lines = ["", f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def write_block(document: Path, begin: str, end: str, text: str) -> None:
    """Put text between two marked lines of a document."""
    before, _, rest = document.read_text(encoding="utf-8").partition(f"{begin}\n")
    write_text(document, f"{before}{begin}\n{text}{end}{rest.partition(end)[2]}")
