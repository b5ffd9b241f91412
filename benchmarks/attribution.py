"""The last tables of docs/benchmark.md: reference sets, galleries, open sets and label noise.

    python benchmarks/attribution.py CATALOGUE --out OUT [--docs docs/benchmark.md] [--frozen]

Everything is measured on test artists of whom neither training nor calibration saw a painting, but
for the label noise, which is also looked for in the whole catalogue. Embeddings come from the
catalogue's cache. `--frozen` adds the frozen backbone, which needs samehand[train] and minutes;
`--test-only` swaps labels among test paintings alone, which spares embedding all others. What OUT
has of the same model already is not measured again.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from attribution_report import markdown
from shared import arguments, embeddings_of, measured, unseen_paintings, write_block

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.evaluation.baselines import baseline, centred
from samehand.files import write_text
from samehand.model.embed import embed_catalogued
from samehand.model.readings import usual_scores
from samehand.scoring.artists import artist_llrs
from samehand.scoring.calibration import llr_from_score
from samehand.scoring.comparator import CosineComparator, Enrolled
from samehand.scoring.openset import PROMISED_FALSE_ALARMS
from samehand.scoring.reference_fitting import draw_sets, make_trials
from samehand.scoring.references import combine, reference_features
from samehand.verification.grouping import group_works
from samehand.verification.hands import suspicion_of

COUNTS = (1, 3, 5, 10)
HALVES, SWAPPED, DRAWS = 20, 0.01, 1000
Facts = dict[str, object]


def main() -> None:
    parser = arguments(__doc__, out=True)
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--test-only", action="store_true")
    options = parser.parse_args()
    started = time.perf_counter()
    verifier = SameHand(options.model)
    if verifier.folder.config.attribution is None:
        sys.exit(f"run first: samehand calibrate {verifier.folder.path} --catalogue CATALOGUE")
    table = load_catalogue(options.catalogue)
    usable = table.filter(pl.col("split").is_not_null()).sort("painting_id")
    test = table.filter(pl.col("split") == "test").sort("painting_id")
    unseen = unseen_paintings(table)

    def load(rows: pl.DataFrame) -> tuple[Enrolled, np.ndarray]:
        embeddings = embeddings_of(verifier, rows, options.catalogue)
        return verifier.folder.comparator.enrol(embeddings), numbered(rows)

    found: Facts = {"model": verifier.folder.identity}
    works, labels = load(unseen)
    found["paintings"], found["artists"] = len(labels), int(labels.max()) + 1
    steps: dict[str, Callable[[], object]] = {
        "verification": lambda: verification(verifier, works, labels),
        "odd": lambda: odd_works(verifier, works, labels),
        "open_set": lambda: open_set(verifier, works, labels),
        "search": lambda: retrieval(verifier, works, labels),
        "clusters": lambda: clusters(verifier, works, labels),
        "noise: unseen artists": lambda: label_noise(verifier, works, labels),
        "noise: test paintings": lambda: label_noise(verifier, *load(test)),
    }  # fmt: skip
    if not options.test_only:
        steps["noise: whole catalogue"] = lambda: label_noise(verifier, *load(usable))
    if options.frozen:
        steps["frozen"] = lambda: frozen(options.catalogue, table, unseen, labels)
    done = options.out / "attribution.json"
    if done.exists():
        before = json.loads(done.read_text(encoding="utf-8"))
        found |= before if before["model"] == found["model"] else {}
    for name, measure in steps.items():
        if name not in found:
            found[name] = measure()
            write_text(done, json.dumps(found, indent=2) + "\n")
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    text = markdown(found)
    write_text(options.out / "attribution.md", text)
    if options.docs:
        write_block(options.docs, "<!-- figures -->", "<!-- end of figures -->", text)
    print(text)


def numbered(rows: pl.DataFrame) -> np.ndarray:
    return np.unique(rows["artist"].to_list(), return_inverse=True)[1].astype(np.int64)


def verification(verifier: SameHand, works: Enrolled, labels: np.ndarray) -> list[Facts]:
    """Measure reference sets on the artists who have enough works for the largest of them."""
    comparator, config = verifier.folder.comparator, verifier.folder.config
    enough = np.bincount(labels)[labels] > max(COUNTS)
    works, labels = works.take(np.flatnonzero(enough)), np.unique(
        labels[enough], return_inverse=True
    )[1].astype(np.int64)  # fmt: skip
    rows: list[Facts] = []
    for count in COUNTS:
        step = config.attribution.references.at(count)
        trials = make_trials(comparator, works, labels, count, config.calibration.slope, seed=2)
        scores = combine(step, trials.features)
        llrs = llr_from_score(step.calibration, scores)
        threshold = -step.calibration.intercept / step.calibration.slope
        metrics, intervals = measured(
            scores,
            llrs,
            trials.same,
            (trials.probe_artist, trials.reference_artist),
            threshold=threshold,
            replicates=DRAWS,
        )
        rows.append(
            {"references": count, "trials": len(scores), "artists": int(labels.max()) + 1}
            | {
                name: [getattr(metrics, name), *intervals[name]]
                for name in ("auc", "eer", "cllr", "min_cllr")
            }
        )
    return rows


def odd_works(verifier: SameHand, works: Enrolled, labels: np.ndarray) -> list[Facts]:
    """Put one foreign work among N references: is it named, and are others named in its place?"""
    comparator, config = verifier.folder.comparator, verifier.folder.config
    rows: list[Facts] = []
    for count in (5, 10):
        step = config.attribution.references.at(count - 1)
        limit = step.calibration.points["fmr1"].different_at_most
        last = first = named = innocent = 0
        total = 0
        for drawn in draw_sets(labels, count - 1, seed=3, sets=2, impostors=1):
            mixed = np.append(drawn.references, drawn.probes[-1])
            scores = []
            for position in range(count):
                rest = np.delete(mixed, position)
                features = reference_features(
                    comparator,
                    works.take(mixed[position : position + 1]),
                    works.take(rest),
                    config.calibration.slope,
                )
                scores.append(float(combine(step, features)[0]))
            total += 1
            last += int(np.argmin(scores) == count - 1)
            first += int(scores[0] <= limit)
            named += int(scores[-1] <= limit)
            innocent += sum(score <= limit for score in scores[:-1])
        rows.append(
            {
                "references": count,
                "sets": total,
                "least_coherent": last / total,
                "named": named / total,
                "wrongly_named": innocent / total / (count - 1),
            }
        )
    return rows


def open_set(verifier: SameHand, works: Enrolled, labels: np.ndarray) -> list[Facts]:
    """Enrol half of the artists, many times; probes are all works of both halves."""
    comparator, config = verifier.folder.comparator, verifier.folder.config
    attribution = config.attribution
    llrs = artist_llrs(
        comparator, works, labels, attribution.references, config.calibration, 100, 0
    )
    scores = comparator.cross_scores(works, works)
    np.fill_diagonal(scores, -np.inf)
    nearest = np.stack(
        [scores[:, labels == artist].max(axis=1) for artist in range(llrs.shape[1])], axis=1
    )
    cosine = works.embeddings @ works.embeddings.T
    np.fill_diagonal(cosine, -np.inf)
    by_cosine = np.stack(
        [cosine[:, labels == artist].max(axis=1) for artist in range(llrs.shape[1])], axis=1
    )
    systems = {"reference rule": llrs, "nearest work": nearest, "nearest work, cosine": by_cosine}
    results: dict[str, list[list[float]]] = {name: [] for name in systems}
    draw = np.random.default_rng(0)
    for _ in range(HALVES):
        gallery = draw.permutation(llrs.shape[1])[: llrs.shape[1] // 2]
        inside = np.isin(labels, gallery)
        for name, values in systems.items():
            ranked = gallery[np.argsort(-values[:, gallery], axis=1, kind="stable")]
            best = values[:, gallery].max(axis=1)
            right = ranked[:, 0] == labels
            figures = [
                float(right[inside].mean()),
                float((ranked[inside, :5] == labels[inside, None]).any(axis=1).mean()),
            ]
            for promised in PROMISED_FALSE_ALARMS.values():
                threshold = np.quantile(best[~inside], 1 - promised, method="higher")
                figures.append(float(((best >= threshold) & right)[inside].mean()))
            if name == "reference rule":
                rule = attribution.open_set
                evidence = np.array([rule.score(value, len(gallery)) for value in best])
                for point in rule.points.values():
                    named = evidence >= point.known_at_least
                    figures += [
                        float(named[~inside].mean()),
                        float((named & right)[inside].mean()),
                    ]
            results[name].append(figures)
    return [
        {
            "system": name,
            "figures": np.mean(rows, axis=0).tolist(),
            "low": np.percentile(rows, 2.5, axis=0).tolist(),
            "high": np.percentile(rows, 97.5, axis=0).tolist(),
        }
        for name, rows in results.items()
    ]


def retrieval(verifier: SameHand, works: Enrolled, labels: np.ndarray) -> list[Facts]:
    comparator = verifier.folder.comparator
    cosine = CosineComparator("none", comparator.neighbours, comparator.cohort)
    return [
        ranked("samehand, score", comparator.cross_scores(works, works), labels),
        ranked("samehand, cosine", cosine.cross_scores(works, works), labels),
    ]


def ranked(name: str, scores: np.ndarray, labels: np.ndarray) -> Facts:
    """Return mAP and R@1 of leave-one-out search, with intervals that resample artists."""
    precision, first = np.full(len(labels), np.nan), np.full(len(labels), np.nan)
    for probe, row in enumerate(scores):
        order = np.argsort(-row, kind="stable")
        hits = labels[order[order != probe]] == labels[probe]
        if hits.any():
            at = np.flatnonzero(hits)
            precision[probe] = float(np.mean(np.arange(1, len(at) + 1) / (at + 1)))
            first[probe] = float(hits[0])
    draw = np.random.default_rng(0)
    artists = labels.max() + 1
    sums = [np.bincount(labels, np.nan_to_num(v), artists) for v in (precision, first)]
    sizes = np.bincount(labels, np.isfinite(first), artists)
    drawn = draw.multinomial(artists, np.full(artists, 1 / artists), DRAWS)
    found: Facts = {"system": name}
    for metric, total in zip(("map", "r_at_1"), sums, strict=True):
        replicates = drawn @ total / (drawn @ sizes)
        interval = np.percentile(replicates, [2.5, 97.5]).tolist()
        found[metric] = [float(total.sum() / sizes.sum()), *interval]
    return found


def clusters(verifier: SameHand, works: Enrolled, labels: np.ndarray) -> Facts:
    """Measure the groups by B-cubed (Amigó et al. 2009, "A comparison of extrinsic clustering")."""
    least = verifier.folder.config.calibration.points["fmr1"].same_at_least
    scores = usual_scores(verifier.folder, works, [None] * len(labels))
    groups = group_works(len(labels), scores, least)
    table = np.zeros((groups.max() + 1, labels.max() + 1))
    np.add.at(table, (groups, labels), 1)
    shared = table[groups, labels]
    precision = float((shared / table.sum(axis=1)[groups]).mean())
    recall = float((shared / table.sum(axis=0)[labels]).mean())
    return {
        "groups": int(groups.max()) + 1,
        "precision": precision,
        "recall": recall,
        "f": 2 * precision * recall / (precision + recall),
    }


def label_noise(verifier: SameHand, works: Enrolled, labels: np.ndarray) -> Facts:
    """Give 1 % of the works another label of the collection, and look for them."""
    config = verifier.folder.config
    found = []
    for seed in range(3):
        draw = np.random.default_rng(seed)
        count = round(SWAPPED * len(labels))
        swapped = draw.permutation(len(labels))[:count]
        # Labels change places among the swapped works, so every label stays as frequent.
        shifted = np.roll(labels[swapped], 1)
        wrong = labels.copy()
        wrong[swapped] = shifted
        truly = np.flatnonzero(wrong != labels)
        llrs = artist_llrs(
            verifier.folder.comparator,
            works,
            wrong,
            config.attribution.references,
            config.calibration,
            30,
            seed,
        )
        suspicion, _ = suspicion_of(llrs, wrong)
        order = np.argsort(-suspicion, kind="stable")
        hit = np.isin(order, truly)
        share = hit[: len(order) // 20].sum() / len(truly)
        found.append([len(truly), hit[:50].mean(), hit[: len(truly)].mean(), share])
    mean = np.mean(found, axis=0)
    return {
        "works": len(labels),
        "swapped": float(mean[0]),
        "at_50": float(mean[1]),
        "at_swapped": float(mean[2]),
        "found_in_5_percent": float(mean[3]),
        "best_possible_at_50": min(1.0, float(mean[0]) / 50),
    }


def frozen(catalogue: Path, table: pl.DataFrame, unseen: pl.DataFrame, labels: np.ndarray) -> Facts:
    features, cache = baseline("frozen:efficientnet-lite0"), catalogue / "embeddings"
    train = table.filter(pl.col("split") == "train").sort("painting_id")
    step = max(1, len(train) // 1000)
    some, probes = train["path"][::step].to_list(), unseen["path"].to_list()
    centre = embed_catalogued(features, some, catalogue, cache).mean(axis=0)
    rows = centred(embed_catalogued(features, probes, catalogue, cache), centre)
    return ranked("frozen efficientnet-lite0", rows @ rows.T, labels)


if __name__ == "__main__":
    main()
