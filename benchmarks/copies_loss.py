"""What copies of pictures cost: AUC of originals less that of copies of one or both of a pair.

    python benchmarks/copies_loss.py SETS [--model MODEL] [--cache FOLDER]

SETS is what `python -m benchmarks.validation sets` wrote.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from samehand import SameHand
from samehand.evaluation.metrics import auc
from samehand.model.embed import embed_files
from samehand.records import Floats

KINDS = ("recaptured", "greyscale", "small")
DRAWS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sets", type=Path)
    parser.add_argument("--model", default=None)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    model = SameHand(options.model)
    comparator = model.folder.comparator
    originals, artists = embedded(model, options.sets / "copied.csv", options.cache)
    labels = np.unique(artists, return_inverse=True)[1]
    left, right = np.triu_indices(len(labels), k=1)
    same = labels[left] == labels[right]
    before = comparator.pair_scores(comparator.enrol(originals), left, right)
    draws = drawn_aucs(before, labels, left, right)
    print(f"{model.folder.identity}: originals {auc(before, same):.3f}")
    for kind in KINDS:
        copies, again = embedded(model, options.sets / kind / "paintings.csv", options.cache)
        if again != artists:
            raise SystemExit(f"{options.sets / kind} does not copy copied.csv; make the sets anew")
        both = comparator.enrol(np.concatenate([originals, copies]))
        count = len(labels)
        for sides, first in (("one of two", left), ("both", left + count)):
            after = comparator.pair_scores(both, first, right + count)
            low, high = np.percentile(
                drawn_aucs(after, labels, left, right) - draws, [2.5, 97.5]
            ).tolist()
            change = auc(after, same) - auc(before, same)
            print(f"{kind}, {sides}: {change:+.3f} [{low:+.3f}, {high:+.3f}]")


def embedded(model: SameHand, table: Path, cache: Path | None) -> tuple[Floats, list[str]]:
    """Return embeddings, (P, D), and artists of a table's pictures."""
    with open(table, newline="", encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    found = embed_files(model.embedder, [table.parent / row["file"] for row in rows], cache)
    if found.failures:
        raise SystemExit(f"{table} names pictures that cannot be read; make the sets anew")
    return found.embeddings, [row["artist"] for row in rows]


def drawn_aucs(
    scores: Floats, labels: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Return the AUC of N pairs for each draw of artists, (DRAWS,); draws are always the same.

    A pair by one artist counts as often as that artist is drawn, and one by two as often as both
    are drawn together.
    """
    artists = int(labels.max()) + 1
    order = np.argsort(scores, kind="stable")
    one, two = labels[left][order], labels[right][order]
    same = one == two
    draws = np.random.default_rng(0).multinomial(artists, np.full(artists, 1 / artists), DRAWS)
    found = []
    for times in draws:
        genuine = np.where(same, times[one], 0).astype(float)
        impostor = np.where(same, 0, times[one] * times[two]).astype(float)
        below = np.cumsum(impostor) - impostor / 2
        found.append((genuine * below).sum() / (genuine.sum() * impostor.sum()))
    return np.array(found)


if __name__ == "__main__":
    main()
