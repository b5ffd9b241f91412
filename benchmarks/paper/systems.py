"""The systems of the benchmark: what the shipped model is measured beside, and its own layers.

All are calibrated on the same pairs of the same held-out artists; only the models as they are
served bring their own calibrations, one for each pair of kinds of pictures.

Shapes: N paintings, D width of a row, M pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl

from benchmarks.paper.leakage import file_facts, forest_scores, grow_forest
from benchmarks.paper.served import ServedModel
from benchmarks.paper.tasks import OpenTask, Task, capture_again
from benchmarks.paper.winner import train_classifier
from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings
from samehand.errors import CatalogueError
from samehand.evaluation.baselines import COLOUR, backbone_statistics, baseline, centred
from samehand.evaluation.evaluate import reference_paintings
from samehand.files import sha256_file
from samehand.model.embed import Embeds, embed_catalogued
from samehand.model.runtime import Embedder
from samehand.pairs.draws import sampled_pairs
from samehand.records import Floats, OperatingPoint
from samehand.scoring.calibration import (
    Calibration,
    OperatingThreshold,
    fit_calibration,
    llr_from_score,
)
from samehand.scoring.comparator import Comparator, CosineComparator, Indices
from samehand.verification.verifier import SameHand

Rows = Callable[[Path, Sequence[str]], Floats]
"""A folder and image files in it to rows, (N, D)."""

PairScorer = Callable[[Indices, Indices], Floats]
"""Left and right indices, (M,) each, to raw scores, (M,)."""

# The best of six by AUC on the validation artists: docs/adr/0015.
_DECAY_FROZEN = 10.0
_DECAY_OURS = 3.0


OURS = "ours: "
"""What the names of the measured model's own layers begin with."""

SERVED, WITHIN = ", as served", ", within a style"
"""What the names of models with their own calibrations end with."""

_NO_EVIDENCE = Calibration(
    slope=1e-9,
    intercept=0.0,
    lower=-1e-6,
    upper=1e-6,
    points={point: OperatingThreshold(1.0, 0.0, 0.0) for point in get_args(OperatingPoint)},
    genuine_pairs=1,
    impostor_pairs=1,
    artists=1,
)


@dataclass(frozen=True, slots=True)
class Scorer:
    """A system that is ready.

    Attributes:
        rows: Paintings to rows.
        against: Rows of N paintings to what scores pairs of them.
        calibration: Raw scores to likelihood ratios.
    """

    rows: Rows
    against: Callable[[Floats], PairScorer]
    calibration: Calibration

    def score(self, task: Task, opened: OpenTask) -> tuple[Floats, Floats]:
        """Return raw scores and log10 likelihood ratios of a task's pairs, (M,) each."""
        rows = self.rows(task.folder, opened.paintings["path"].to_list())
        shift = 0
        if task.captured is not None:
            shift = len(rows)
            again = self.rows(task.captured, capture_again(task, opened.paintings))
            rows = np.concatenate([rows, again])
        score_pairs = self.against(rows)
        scores = np.concatenate(
            [score_pairs(batch.left, batch.right + shift) for batch in opened.protocol.batches()]
        )
        return scores, llr_from_score(self.calibration, scores).astype(np.float32)


@dataclass(frozen=True, slots=True)
class System:
    """What is measured, a row of every table.

    Attributes:
        name: What the tables call it.
        what: Exactly what it is, in a sentence or two.
        key: What tells it from every other; a changed system has another key.
        prepare: Trains and calibrates it.
    """

    name: str
    what: str
    key: str
    prepare: Callable[[], Scorer | ServedModel]


@dataclass(frozen=True, slots=True)
class Material:
    """What systems may learn from.

    Attributes:
        folder: The catalogue's folder.
        table: Its table.
        held_out: Validation paintings, whose artists nothing else saw.
        digest: Hash of the catalogue file.
        seed: Seeds whatever is drawn.
    """

    folder: Path
    table: pl.DataFrame
    held_out: pl.DataFrame
    digest: str
    seed: int

    @property
    def train(self) -> pl.DataFrame:
        """The training paintings, by id."""
        return self.table.filter(pl.col("split") == "train").sort("painting_id")


def open_material(folder: Path, seed: int) -> Material:
    """Open a catalogue that systems can be trained and calibrated on.

    Raises:
        CatalogueError: There is none, or it lacks training or held-out paintings.
    """
    table = load_catalogue(folder)
    if table.filter(pl.col("split") == "train").is_empty():
        raise CatalogueError(
            f"{folder} has no training paintings for the benchmark's other systems to learn from; "
            "name a catalogue with a training split"
        )
    digest = sha256_file(folder / "catalogue.parquet")
    return Material(folder, table, calibration_paintings(table), digest, seed)


def choose_systems(
    material: Material,
    models: Sequence[SameHand],
    *,
    backbone: str,
    report: SameHand | None,
    threads: int | None,
) -> list[System]:
    """Return what is measured, the leakage floor first and the models as they are served last.

    Args:
        material: What they may learn from.
        models: The models that are measured, the first of them in its layers, too.
        backbone: Name of the frozen backbone, an EfficientNet-Lite.
        report: The network of the report that started the project, or None to leave it out.
        threads: CPU threads of the first model; None for all there are.

    Raises:
        MissingExtraError: The training packages are not installed.
        ModelError: A model scores pairs with a network, so it has no such layers.
    """
    model = models[0]
    for one in models:
        one.folder.require_metric("be measured in its layers")
    comparator = model.folder.comparator
    assert isinstance(comparator, CosineComparator)
    both, width = backbone_statistics(backbone)
    pooled = _part(both, slice(0, width))
    one_view = Embedder(
        replace(model.folder.embedder, views=model.folder.embedder.views[:1]), threads
    )
    found = [
        System(
            "bytes and metadata, random forest",
            "File size, width, height, JPEG quantisation, chroma subsampling and other header "
            "facts of both files; a random forest on pairs of training artists. No pixel is "
            "decoded, so this is what the collection gives away without its pictures.",
            "forest 1",
            lambda: _forest(material),
        ),
        System(
            "colour histogram",
            "8 x 8 x 8 RGB histograms, square roots, centred on training paintings, cosine.",
            "histogram 1",
            lambda: _centred(material, _embedded(baseline(COLOUR))),
        ),
        System(
            "texture statistics",
            f"Gram matrices of the early stages of a frozen {backbone} (up to 40 channels), signed "
            "square roots, centred on training paintings, cosine.",
            f"texture 1 {backbone}",
            lambda: _centred(material, _part(both, slice(width, None))),
        ),
        System(
            "frozen backbone",
            f"Mean of the last feature map of {backbone} with its ImageNet weights, centred on "
            "training paintings, cosine.",
            f"frozen 1 {backbone}",
            lambda: _centred(material, pooled),
        ),
    ]
    if report is not None:
        found.append(
            System(
                "the report's network",
                f"`{report.folder.identity}`, scored by its own comparator and calibrated like "
                "the others.",
                f"report 1 {report.folder.identity}",
                lambda: _compared(material, report.embedder, report.folder.comparator),
            )
        )
    found += [
        System(
            "winner's method, frozen backbone",
            f"A linear softmax classifier of the training artists on the frozen {backbone} "
            "features; a pair's score is the dot product of its two softmax outputs (log10, which "
            "keeps the order).",
            f"winner 1 {backbone} {_DECAY_FROZEN}",
            lambda: _winner(material, pooled, _DECAY_FROZEN),
        ),
        System(
            "winner's method, our encoder",
            "The same on the embeddings of the whole view by the measured model's own encoder, "
            "which was fine-tuned on those artists.",
            f"winner 1 {one_view.config.digest} {_DECAY_OURS}",
            lambda: _winner(material, _embedded(one_view), _DECAY_OURS),
        ),
    ]
    found += _layers(material, model, one_view, comparator)
    return found + [row for one in models for row in _as_served(one)]


def _layers(
    material: Material, model: SameHand, one_view: Embedder, comparator: CosineComparator
) -> list[System]:
    folder = model.folder
    plain = replace(comparator, normalisation="none")
    count = len(folder.config.views)
    return [
        System(
            f"{OURS}embedding, one view",
            "The measured model's encoder on the whole painting squeezed to a square, cosine.",
            f"one view 1 {folder.identity}",
            lambda: _compared(material, one_view, plain),
        ),
        System(
            f"{OURS}+ views",
            f"The mean direction over all {count} views, cosine.",
            f"views 1 {folder.identity}",
            lambda: _compared(material, model.embedder, plain),
        ),
        System(
            f"{OURS}+ cohort",
            f"The model's comparator (`{folder.config.normalisation}` against "
            f"its cohort of {len(comparator.cohort):,}), calibrated like those above.",
            f"cohort 1 {folder.identity}",
            lambda: _compared(material, model.embedder, comparator),
        ),
    ]


def _as_served(model: SameHand) -> list[System]:
    """Return a model with each of its own calibrations, the one against all pairs last."""
    config, identity = model.folder.config, model.folder.identity
    found = []
    within = config.one_style
    if within is not None:
        found.append(
            System(
                f"{config.name}{WITHIN}",
                "The model's second ratio, against another artist of the same style, for pairs "
                "that are known to share one.",
                f"within 3 {identity}",
                lambda: ServedModel(model, within, within=True),
            )
        )
    return [
        *found,
        System(
            f"{config.name}{SERVED}",
            f"`{identity}` with its own calibrations, by the kinds of the two pictures: what "
            "`samehand evaluate` measures.",
            f"served 2 {identity}",
            lambda: ServedModel(model, config.calibration),
        ),
    ]


def calibrate_like_all(
    rows: Rows, against: Callable[[Floats], PairScorer], material: Material
) -> Calibration:
    """Fit a calibration on every pair of the held-out paintings.

    Where genuine pairs score no higher than impostor pairs there, which a leakage floor may do,
    the calibration says next to nothing whatever the score.

    Raises:
        ModelError: The held-out paintings lack a kind of pair.
    """
    labels = np.unique(material.held_out["artist"], return_inverse=True)[1]
    left, right = np.triu_indices(len(labels), k=1)
    scores = against(rows(material.folder, material.held_out["path"].to_list()))(left, right)
    same = labels[left] == labels[right]
    # The slope of class-balanced logistic regression has the sign of the difference of the means.
    if same.any() and scores[same].mean() <= scores[~same].mean():
        return _NO_EVIDENCE
    return fit_calibration(scores, same, labels[left], labels[right])


def _embedded(embedder: Embeds) -> Rows:
    def rows(folder: Path, paths: Sequence[str]) -> Floats:
        return embed_catalogued(embedder, paths, folder, folder / "embeddings")

    return rows


def _part(embedder: Embeds, columns: slice) -> Rows:
    return lambda folder, paths: _embedded(embedder)(folder, paths)[:, columns]


def _cosine(comparator: Comparator) -> Callable[[Floats], PairScorer]:
    def against(rows: Floats) -> PairScorer:
        enrolled = comparator.enrol(rows)
        return lambda left, right: comparator.pair_scores(enrolled, left, right)

    return against


def _compared(material: Material, embedder: Embeds, comparator: Comparator) -> Scorer:
    rows, against = _embedded(embedder), _cosine(comparator)
    return Scorer(rows, against, calibrate_like_all(rows, against, material))


def _centred(material: Material, raw: Rows) -> Scorer:
    reference = raw(material.folder, reference_paintings(material.table)["path"].to_list())
    centre = reference.mean(axis=0)

    def rows(folder: Path, paths: Sequence[str]) -> Floats:
        return centred(raw(folder, paths), centre)

    against = _cosine(CosineComparator("none", 2, centred(reference, centre)))
    return Scorer(rows, against, calibrate_like_all(rows, against, material))


def _winner(material: Material, features: Rows, decay: float) -> Scorer:
    train = material.train
    found = features(material.folder, train["path"].to_list())
    classifier = train_classifier(found, train["artist"].to_list(), decay=decay)

    def rows(folder: Path, paths: Sequence[str]) -> Floats:
        return classifier.posteriors(features(folder, paths))

    def against(posteriors: Floats) -> PairScorer:
        product = _cosine(CosineComparator("none", 2, posteriors[:2]))(posteriors)
        # Of the dot product itself nearly all lie at zero, where no calibration tells them apart.
        return lambda left, right: np.log10(np.maximum(product(left, right), np.float32(1e-30)))

    return Scorer(rows, against, calibrate_like_all(rows, against, material))


def _forest(material: Material) -> Scorer:
    @cache
    def facts(folder: Path, paths: tuple[str, ...]) -> Floats:
        return file_facts([folder / path for path in paths])

    def rows(folder: Path, paths: Sequence[str]) -> Floats:
        return facts(folder, tuple(paths))

    drawn = sampled_pairs(material.table, split="train", artists="all", seed=material.seed)
    order = pl.DataFrame({"painting_id": drawn.candidates.ids})
    train = order.join(material.table, on="painting_id", how="left", maintain_order="left")
    known = rows(material.folder, train["path"].to_list())
    forest = grow_forest(known, list(drawn.batches), material.seed)

    def against(facts: Floats) -> PairScorer:
        return forest_scores(forest, facts)

    return Scorer(rows, against, calibrate_like_all(rows, against, material))
