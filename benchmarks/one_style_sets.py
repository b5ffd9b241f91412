"""Reference sets where style gives nothing away: probes of the style of most references.

    python benchmarks/one_style_sets.py CATALOGUE [--model MODEL]

On the unseen artists with more than ten works, as the first table of `attribution.py`.
"""

import numpy as np
from shared import arguments, embeddings_of, measured, ranged, table, unseen_paintings

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.scoring.calibration import llr_from_score
from samehand.scoring.comparator import Enrolled
from samehand.scoring.reference_fitting import draw_sets
from samehand.scoring.references import combine, reference_features

COUNTS = (1, 5)
MORE_THAN = 10
IMPOSTORS, DRAWN = 150, 1500
"""Probes by others that are put to a set, and that are drawn to find so many of its style."""


def main() -> None:
    options = arguments(__doc__).parse_args()
    model = SameHand(options.model)
    rows = unseen_paintings(load_catalogue(options.catalogue))
    works = model.folder.comparator.enrol(embeddings_of(model, rows, options.catalogue))
    labels = np.unique(rows["artist"].to_list(), return_inverse=True)[1].astype(np.int64)
    styles = rows["style"].fill_null("").to_numpy()
    enough = np.flatnonzero(np.bincount(labels)[labels] > MORE_THAN)
    labels = np.unique(labels[enough], return_inverse=True)[1].astype(np.int64)
    lines = [line(model, works.take(enough), labels, styles[enough], count) for count in COUNTS]
    print(f"Model `{model.folder.identity}`.")
    print("\n".join(table(["N", "trials", "AUC", "EER", "Cllr", "min Cllr"], lines)))


def line(
    model: SameHand, works: Enrolled, labels: np.ndarray, styles: np.ndarray, count: int
) -> list[str]:
    """Return the figures of sets of so many references, as cells of a table."""
    config = model.folder.config
    if config.attribution is None:
        raise SystemExit(f"{model.folder.path} has no rule for reference sets; calibrate it first")
    step = config.attribution.references.at(count)
    scores, probe, reference = [], [], []
    for drawn in draw_sets(labels, count, seed=2, impostors=DRAWN):
        names, times = np.unique(styles[drawn.references], return_counts=True)
        style = names[times.argmax()]
        alike = drawn.probes[(styles[drawn.probes] == style) & (style != "")]
        own = alike[labels[alike] == drawn.artist]
        others = alike[labels[alike] != drawn.artist][:IMPOSTORS]
        if not len(own) or not len(others):
            continue
        probes = np.concatenate([own, others])
        features = reference_features(
            model.folder.comparator,
            works.take(probes),
            works.take(drawn.references),
            config.calibration.slope,
        )
        scores.append(combine(step, features))
        probe.append(labels[probes])
        reference.append(np.full(len(probes), drawn.artist))
    score, left, right = (np.concatenate(part) for part in (scores, probe, reference))
    metrics, intervals = measured(
        score,
        llr_from_score(step.calibration, score),
        left == right,
        (left, right),
        threshold=-step.calibration.intercept / step.calibration.slope,
        replicates=200,
    )
    figures = [
        ranged(getattr(metrics, name), *intervals[name])
        for name in ("auc", "eer", "cllr", "min_cllr")
    ]
    return [str(count), f"{len(score):,}", *figures]


if __name__ == "__main__":
    main()
