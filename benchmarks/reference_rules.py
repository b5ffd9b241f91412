"""The rules for reference sets that were compared; see docs/adr/0018 and `attribution.py`.

Every rule turns M probes and N references by one artist into M scores. Rules that are fitted see
other artists than those they are measured on (five folds of artists).
"""

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from samehand.evaluation.metrics import auc, eer, min_cllr
from samehand.scoring.comparator import Comparator, Enrolled
from samehand.scoring.reference_fitting import (
    Trials,
    draw_sets,
    folds_of,
    held_out_scores,
)
from samehand.scoring.references import reference_features

Labels = NDArray[np.int64]
PLDA_WIDTH, PLDA_SHRINKAGE = 45, 0.5


def compare_rules(
    comparator: Comparator, enrolled: Enrolled, labels: Labels, slope: float, counts: list[int]
) -> list[dict[str, float | str | int]]:
    """Return AUC, EER and min Cllr of every rule for every number of references."""
    fold = folds_of(labels, 0)
    models = {
        number: fit_plda(enrolled.embeddings, labels, fold != number) for number in np.unique(fold)
    }
    found = []
    for count in counts:
        scores: dict[str, list[np.ndarray]] = {}
        features, probe, reference = [], [], []
        for drawn in draw_sets(labels, count, seed=1):
            asked, known = enrolled.take(drawn.probes), enrolled.take(drawn.references)
            pairs = comparator.cross_scores(asked, known).astype(np.float64)
            three = reference_features(comparator, asked, known, slope)
            plda = plda_scores(models[fold[drawn.artist]], known.embeddings, asked.embeddings)
            for name, values in {
                "mean embedding": three[:, 0],
                "mean of pair llrs": pairs.mean(axis=1),
                "largest pair llr": pairs.max(axis=1),
                "upper quartile of pair llrs": np.quantile(pairs, 0.75, axis=1),
                "mean likelihood ratio": three[:, 1],
                "sum of pair llrs": pairs.sum(axis=1),
                "two-covariance PLDA": plda,
            }.items():
                scores.setdefault(name, []).append(values)
            features.append(three)
            probe.append(labels[drawn.probes])
            reference.append(np.full(len(drawn.probes), drawn.artist))
        probes, references = np.concatenate(probe), np.concatenate(reference)
        trials = Trials(np.concatenate(features), probes == references, probes, references)
        columns = {name: np.concatenate(values) for name, values in scores.items()}
        columns["**centre, nearest, coherence**"] = held_out_scores(trials, 0)
        found += [
            {
                "rule": name,
                "references": count,
                "auc": auc(values, trials.same),
                "eer": eer(values, trials.same),
                "min_cllr": min_cllr(values, trials.same),
            }
            for name, values in columns.items()
        ]
    return found


def fit_plda(
    embeddings: np.ndarray, labels: Labels, artist_chosen: NDArray[np.bool_]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit the two-covariance model.

    Brümmer and de Villiers 2010, "The speaker partitioning problem", Odyssey. Returns the mean, a
    basis in which the covariance within artists is the identity, and the variances between artists
    in that basis.
    """
    chosen = artist_chosen[labels]
    rows, owner = embeddings[chosen].astype(np.float64), labels[chosen]
    mean = rows.mean(axis=0)
    artists = np.unique(owner)
    centres = np.stack([rows[owner == artist].mean(axis=0) for artist in artists])
    apart = rows - centres[np.searchsorted(artists, owner)]
    within = apart.T @ apart / (len(rows) - len(artists))
    between = np.cov(centres.T) - within * np.mean([1 / (owner == a).sum() for a in artists])
    identity = np.trace(within) / len(within) * np.eye(len(within))
    within = (1 - PLDA_SHRINKAGE) * within + PLDA_SHRINKAGE * identity
    variance, basis = scipy.linalg.eigh(between, within)
    return mean, basis[:, ::-1][:, :PLDA_WIDTH], np.maximum(variance[::-1][:PLDA_WIDTH], 1e-3)


def plda_scores(
    model: tuple[np.ndarray, np.ndarray, np.ndarray], references: np.ndarray, probes: np.ndarray
) -> np.ndarray:
    """Return log P(probe | the artist of the references) - log P(probe | any artist)."""
    mean, basis, between = model
    count = len(references)
    centre = ((references - mean) @ basis).mean(axis=0)
    asked = (probes - mean) @ basis
    expected = between / (between + 1 / count) * centre
    spread = 1 + between / (1 + count * between)
    known = -0.5 * ((asked - expected) ** 2 / spread + np.log(spread)).sum(axis=1)
    anyone = -0.5 * (asked**2 / (1 + between) + np.log(1 + between)).sum(axis=1)
    return known - anyone
