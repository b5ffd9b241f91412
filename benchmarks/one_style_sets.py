"""Reference sets where style gives nothing away: probes of the style of most references.

    python benchmarks/one_style_sets.py CATALOGUE [--model MODEL]

On the unseen artists with more than ten works, as the first table of `attribution.py`. Each set is
read against artists of any style, and within the style. Decisions are those of `verify` of
thumbnails at the balanced operating point: what it promises, and the share of sets by others and by
the artist that it decides wrongly.
"""

from dataclasses import dataclass

import numpy as np
from shared import arguments, embeddings_of, measured, ranged, table, unseen_paintings

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.records import Decision
from samehand.scoring.calibration import Float64s, llr_from_score
from samehand.scoring.comparator import Enrolled
from samehand.scoring.conditions import read_pair
from samehand.scoring.reference_fitting import draw_sets, of_one_style
from samehand.scoring.references import ReferenceStep, combine, reference_features
from samehand.verification.condition import one_style_of_set
from samehand.verification.references import attribution_of, read_set

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
    for count in COUNTS:
        sets = drawn_sets(model, works.take(enough), labels, styles[enough], count)
        promises = decided(model, sets)
        for name, rule, scores in (
            ("any style", rules.references, sets.scores),
            ("one style", rules.one_style, sets.styled),
        ):
            if rule is not None:
                lines.append([name, *line(rule.at(count), scores, sets), *promises[name]])
    print(f"Model `{model.folder.identity}`.")
    print("\n".join(table(["read against", "N", "trials", *FIGURES], lines)))


FIGURES = ("AUC", "EER", "Cllr", "min Cllr", "promised", "others the same", "own different")


@dataclass(frozen=True, slots=True)
class Sets:
    """Probes and reference sets of their style: combined scores, and whose they are, (T,)."""

    count: int
    scores: Float64s
    styled: Float64s
    probe: np.ndarray
    reference: np.ndarray


def drawn_sets(
    model: SameHand, works: Enrolled, labels: np.ndarray, styles: np.ndarray, count: int
) -> Sets:
    """Draw sets of so many references, and combine their scores by both rules."""
    rules = attribution_of(model.folder)
    both: list[list[Float64s]] = [[], []]
    probe, reference = [], []
    for every in draw_sets(labels, count, seed=2, impostors=DRAWN):
        drawn = of_one_style(every, labels, styles)
        if not len(drawn.probes):
            continue
        for styled, rule in enumerate((rules.references, rules.one_style or rules.references)):
            features = reference_features(
                model.folder.comparator,
                works.take(drawn.probes),
                works.take(drawn.references),
                rule.steps[0].calibration.slope,
                styled=bool(styled),
            )
            both[styled].append(combine(rule.at(count), features))
        probe.append(labels[drawn.probes])
        reference.append(np.full(len(drawn.probes), drawn.artist))
    scores, styled_scores = (np.concatenate(each) for each in both)
    return Sets(count, scores, styled_scores, np.concatenate(probe), np.concatenate(reference))


def line(step: ReferenceStep, scores: Float64s, sets: Sets) -> list[str]:
    """Return the figures of a rule, as cells of a table."""
    metrics, intervals = measured(
        scores,
        llr_from_score(step.calibration, scores),
        sets.probe == sets.reference,
        (sets.probe, sets.reference),
        threshold=-step.calibration.intercept / step.calibration.slope,
        replicates=200,
    )
    figures = [
        ranged(getattr(metrics, name), *intervals[name])
        for name in ("auc", "eer", "cllr", "min_cllr")
    ]
    return [str(sets.count), f"{len(scores):,}", *figures]


def decided(model: SameHand, sets: Sets) -> dict[str, list[str]]:
    """Return what `verify` promises of thumbnails, and how often it is wrong, as cells."""
    folder, rules = model.folder, attribution_of(model.folder)
    config = folder.config
    reading = read_pair(config.calibration, config.conditions, "thumbnail", "thumbnail")
    step, within = rules.references.at(sets.count), rules.one_style
    told: dict[str, list[Decision | None]] = {"any style": [], "one style": []}
    rates: dict[str, float | None] = {}
    for score, styled in zip(sets.scores.tolist(), sets.styled.tolist(), strict=True):
        calibration, read = read_set(folder, step, reading, score)
        llr = float(llr_from_score(calibration, read))
        told["any style"].append(reading.decide(read, calibration.points["eer"], llr))
        rates["any style"] = calibration.points["eer"].error_rate
        if within is not None:
            by = within.at(sets.count).calibration, styled
            found = one_style_of_set(config, reading, score, llr, by, "eer")
            told["one style"].append(found.decision)
            rates["one style"] = found.error_rate
    same = sets.probe == sets.reference
    return {
        name: [
            f"{100 * (rate or 0):.1f} %",
            f"{100 * np.mean([one == 'same' for one in np.array(told[name])[~same]]):.1f} %",
            f"{100 * np.mean([one == 'different' for one in np.array(told[name])[same]]):.1f} %",
        ]
        for name, rate in rates.items()
    }


if __name__ == "__main__":
    main()
