"""Reference sets where style gives nothing away: probes of the style of most references.

    python benchmarks/one_style_sets.py CATALOGUE [--model MODEL]

On the unseen artists with more than ten works, as the first table of `attribution.py`. Each set is
read against artists of any style, and within the style. Decisions are those at the balanced
operating point: what it promises, and the share of sets by others and by the artist that it decides
wrongly.
"""

from itertools import repeat

import numpy as np
from shared import arguments, embeddings_of, measured, ranged, table, unseen_paintings

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.scoring.calibration import decide, llr_from_score
from samehand.scoring.comparator import Enrolled
from samehand.scoring.reference_fitting import draw_sets, of_one_style
from samehand.scoring.references import ReferenceRule, combine, reference_features

COUNTS = (1, 2, 5, 10)
MORE_THAN = 10
DRAWN = 1500
"""Probes by others that are drawn to find 150 of a set's style."""


def main() -> None:
    options = arguments(__doc__).parse_args()
    model = SameHand(options.model)
    rules = model.folder.config.attribution
    if rules is None:
        raise SystemExit(f"{model.folder.path} has no rule for reference sets; calibrate it first")
    rows = unseen_paintings(load_catalogue(options.catalogue))
    works = model.folder.comparator.enrol(embeddings_of(model, rows, options.catalogue))
    labels = np.unique(rows["artist"].to_list(), return_inverse=True)[1].astype(np.int64)
    styles = rows["style"].fill_null("").to_numpy().astype(str)
    enough = np.flatnonzero(np.bincount(labels)[labels] > MORE_THAN)
    labels = np.unique(labels[enough], return_inverse=True)[1].astype(np.int64)
    lines = []
    for name, rule in (("any style", rules.references), ("one style", rules.one_style)):
        if rule is not None:
            lines += [
                [name, *line(model, works.take(enough), labels, styles[enough], rule, count)]
                for count in COUNTS
            ]
    print(f"Model `{model.folder.identity}`.")
    print("\n".join(table(["read against", "N", "trials", *FIGURES], lines)))


FIGURES = ("AUC", "EER", "Cllr", "min Cllr", "promised", "others the same", "own different")


def line(
    model: SameHand,
    works: Enrolled,
    labels: np.ndarray,
    styles: np.ndarray,
    rule: ReferenceRule,
    count: int,
) -> list[str]:
    """Return the figures of sets of so many references, as cells of a table."""
    config = model.folder.config
    styled = config.attribution is not None and rule is config.attribution.one_style
    step, slope = rule.at(count), rule.steps[0].calibration.slope
    scores, probe, reference = [], [], []
    for every in draw_sets(labels, count, seed=2, impostors=DRAWN):
        drawn = of_one_style(every, labels, styles)
        if not len(drawn.probes):
            continue
        features = reference_features(
            model.folder.comparator,
            works.take(drawn.probes),
            works.take(drawn.references),
            slope,
            styled=styled,
        )
        scores.append(combine(step, features))
        probe.append(labels[drawn.probes])
        reference.append(np.full(len(drawn.probes), drawn.artist))
    score, left, right = (np.concatenate(part) for part in (scores, probe, reference))
    llr, same = llr_from_score(step.calibration, score), left == right
    metrics, intervals = measured(
        score,
        llr,
        same,
        (left, right),
        threshold=-step.calibration.intercept / step.calibration.slope,
        replicates=200,
    )
    figures = [
        ranged(getattr(metrics, name), *intervals[name])
        for name in ("auc", "eer", "cllr", "min_cllr")
    ]
    point = step.calibration.points["eer"]
    decided = np.array([decide(*one) for one in zip(score, repeat(point), llr)])  # noqa: B905
    wrong = (decided[~same] == "same").mean(), (decided[same] == "different").mean()
    figures += [f"{100 * rate:.1f} %" for rate in (point.error_rate, *wrong)]
    return [str(count), f"{len(score):,}", *figures]


if __name__ == "__main__":
    main()
