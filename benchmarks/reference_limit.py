"""Why N references do not help more: is an error the probe's, or that of the references drawn?

    python benchmarks/reference_limit.py CATALOGUE

Every unseen artist with enough works gives two sets of five references that share no work; every
probe is put to both. Were errors those of the references, a second set would make half of them
good; where they are the probe's, it errs again.
"""

import argparse
from pathlib import Path

import numpy as np
from collection import embeddings_of, unseen_paintings

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.evaluation.metrics import eer
from samehand.scoring.comparator import Enrolled
from samehand.scoring.references import combine, reference_features

REFERENCES, IMPOSTORS, SETS = 5, 150, 4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--model", default=None)
    options = parser.parse_args()
    verifier = SameHand(options.model)
    table = load_catalogue(options.catalogue)
    unseen = unseen_paintings(table)
    embeddings = embeddings_of(verifier, unseen, options.catalogue)
    works = verifier.folder.comparator.enrol(embeddings)
    labels = np.unique(unseen["artist"].to_list(), return_inverse=True)[1]
    scores, same, artists = twice(verifier, works, labels)
    errors = [eer(scores[:, column], same) for column in range(3)]
    print(f"{artists} artists, {len(same):,} probes, {same.sum():,} of them genuine")
    print(f"EER with either set of {REFERENCES}: {errors[0]:.3f}, {errors[1]:.3f}")
    print(f"EER with all other works of the artist: {errors[2]:.3f}")
    limits = [np.quantile(scores[same, side], errors[side]) for side in (0, 1)]
    wrong = np.stack([(scores[:, side] < limits[side]) == same for side in (0, 1)], axis=1)
    for name, kind in (("genuine probes missed", same), ("impostors accepted", ~same)):
        one, both = wrong[kind].mean(), wrong[kind].all(axis=1).mean()
        print(f"{name}: {one:.3f}; of those, by the other set as well: {both / one:.2f}")


def twice(
    verifier: SameHand, works: Enrolled, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return scores of probes against two disjoint sets and against all works, (T, 3)."""
    config = verifier.folder.config
    assert config.attribution is not None
    rule, found, same = config.attribution.references, [], []
    everything, artists = np.arange(len(labels)), 0
    for artist in range(int(labels.max()) + 1):
        own = np.flatnonzero(labels == artist)
        if len(own) < 2 * REFERENCES + 1:
            continue
        artists += 1
        draw = np.random.default_rng((4, artist))
        for _ in range(SETS):
            chosen = draw.permutation(own)[: 2 * REFERENCES]
            foreign = draw.permutation(everything[labels != artist])[:IMPOSTORS]
            probes = np.concatenate([np.setdiff1d(own, chosen), foreign])
            sides = [chosen[:REFERENCES], chosen[REFERENCES:]]
            columns = [score(verifier, rule, works, probes, side) for side in sides]
            mine = probes[labels[probes] == artist]
            alone = [
                score(verifier, rule, works, mine[[i]], own[own != mine[i]])
                for i in range(len(mine))
            ]
            columns.append(np.concatenate([*alone, score(verifier, rule, works, foreign, own)]))
            found.append(np.stack(columns, axis=1))
            same.append(labels[probes] == artist)
    return np.concatenate(found), np.concatenate(same), artists


def score(verifier: SameHand, rule, works: Enrolled, probes, references) -> np.ndarray:  # noqa: ANN001
    features = reference_features(
        verifier.folder.comparator,
        works.take(probes),
        works.take(references),
        verifier.folder.config.calibration.slope,
    )
    return combine(rule.at(len(references)), features)


if __name__ == "__main__":
    main()
