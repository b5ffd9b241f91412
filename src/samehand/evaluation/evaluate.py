"""`samehand evaluate`: one protocol, one model, its baselines, one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings
from samehand.errors import CatalogueError, ProtocolError
from samehand.evaluation.baselines import baseline, centred
from samehand.evaluation.bootstrap import bootstrap_replicates, percentile_intervals
from samehand.evaluation.metrics import Float64s, Metrics, Scores, compute_metrics
from samehand.evaluation.promises import Promise, promises
from samehand.evaluation.served import served
from samehand.model.embed import Embeds, catalogued_table, embed_catalogued
from samehand.model.folder import ModelConfig
from samehand.pairs.protocol import Protocol, load_protocol
from samehand.records import Floats, PictureKind
from samehand.scoring.calibration import Calibration, llr_from_score
from samehand.scoring.comparator import Comparator, CosineComparator, Indices
from samehand.scoring.fitting import calibrate
from samehand.verification.condition import picture_kinds
from samehand.verification.verifier import SameHand

Interval = tuple[float, float]

WITHIN = "calibrated within styles"

_LEAST = 20
"""A condition with fewer pairs by one artist, or by two, has no rates worth a table."""


@dataclass(frozen=True, slots=True)
class System:
    """Something that scores pairs.

    Attributes:
        name: What the table calls it.
        embeddings: Unit length, (N, D), one a painting of the protocol.
        comparator: Embeddings to raw scores.
        calibration: Raw scores to likelihood ratios, fitted on validation artists.
        served: The configuration of the model, where the product would read the pairs by the
            kinds of their pictures; None for a baseline.
        kinds: What each painting's picture can show, N of them; empty for a baseline.
    """

    name: str
    embeddings: Floats
    comparator: Comparator
    calibration: Calibration
    served: ModelConfig | None = None
    kinds: Sequence[PictureKind] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What is true of each of a protocol's M pairs; every array has shape (M,).

    Attributes:
        same: Whether one artist made both.
        left_artist: Number of the left painting's artist.
        right_artist: Number of the right painting's artist.
        seen: Whether both artists are known from training.
        same_style: 1, 0, or -1 where a style is unknown.
    """

    same: NDArray[np.bool_]
    left_artist: NDArray[np.int32]
    right_artist: NDArray[np.int32]
    seen: NDArray[np.bool_]
    same_style: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Result:
    """One system on one stratum of a protocol.

    Attributes:
        system: The system's name.
        stratum: "all", "seen artists" (both), "an unseen artist" (at least one), "same style" or
            "different style"; of pictures of several kinds, also what two a pair has.
        pairs: How many pairs, `genuine` of them by one artist.
        artists: How many artists made the paintings.
        metrics: Point estimates.
        intervals: 95 % intervals by the metrics' names, artists resampled on both sides.
    """

    system: str
    stratum: str
    pairs: int
    genuine: int
    artists: int
    metrics: Metrics
    intervals: dict[str, Interval]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Everything `samehand evaluate` found.

    Attributes:
        protocol: The verified protocol.
        model: Identity of the model.
        results: One per system and stratum.
        labels: What is true of the pairs.
        scores: Scores of each system, (M,): raw, or as `Served.scores`.
        llrs: log10 likelihood ratios of each system and calibration, (M,); with a calibration for
            pairs of one style, NaN for all others.
        promises: The error rates that the model's verdicts state, and those that the pairs show.
    """

    protocol: Protocol
    model: str
    results: list[Result]
    labels: Labels
    scores: dict[str, Floats]
    llrs: dict[str, Floats]
    promises: Sequence[Promise] = ()


def evaluate(
    model: SameHand,
    catalogue: Path,
    protocol_path: Path,
    *,
    baselines: Sequence[str] = (),
    replicates: int = 1000,
    seed: int = 0,
    cache: Path | None = None,
) -> Evaluation:
    """Measure a model and baselines on one protocol.

    Args:
        model: The model.
        catalogue: A folder made by `samehand prepare`.
        protocol_path: A protocol made by `samehand protocol` from that catalogue.
        baselines: Names that `baselines.baseline` knows.
        replicates: Bootstrap draws for each interval.
        seed: Seeds those draws.
        cache: Where embeddings are kept; None for the catalogue's own folder.

    Raises:
        CatalogueError: No usable catalogue, or images are missing from its cache.
        ProtocolError: The protocol is damaged or belongs to another catalogue.
    """
    table = load_catalogue(catalogue)
    protocol = load_protocol(protocol_path, table)
    paintings = protocol_paintings(protocol, table)
    labels = read_labels(protocol, paintings)
    # Whatever is wrong with a baseline should be said before minutes are spent on the model.
    embeds = {name: baseline(name) for name in baselines}
    if embeds and table.filter(pl.col("split") == "train").is_empty():
        raise CatalogueError(
            f"{catalogue} has no training paintings to centre a baseline on; leave out --baseline"
        )
    held_out = calibration_paintings(table) if embeds else table
    cache = cache or catalogue / "embeddings"
    systems = [_shipped(model, catalogue, paintings, cache)]
    systems += [
        _baseline(name, embed, catalogue, paintings, table, held_out, cache)
        for name, embed in embeds.items()
    ]
    results: list[Result] = []
    kept: list[Promise] = []
    scores: dict[str, Floats] = {}
    llrs: dict[str, Floats] = {}
    for system in systems:
        raw = _score(system, protocol)
        scores[system.name], answers, conditions = _answers(system, protocol, raw)
        if system.served is not None:
            kept += promises(system.served, system.kinds, *_sides(protocol), raw, labels.same)
        for name, (calibration, score, llr) in answers.items():
            llrs[name] = llr
            for stratum, mask in (strata(labels) | _usable(labels, conditions)).items():
                if np.isnan(llr[mask]).any():
                    continue
                result, _ = measure(
                    name,
                    calibration,
                    labels,
                    score,
                    llr,
                    stratum=stratum,
                    mask=mask,
                    replicates=replicates,
                    seed=seed,
                )
                results.append(result)
    return Evaluation(protocol, model.folder.identity, results, labels, scores, llrs, kept)


_Answer = tuple[Calibration, Floats, Floats]


def _answers(
    system: System, protocol: Protocol, raw: Floats
) -> tuple[Floats, dict[str, _Answer], dict[str, NDArray[np.bool_]]]:
    """Return a system's scores, what it answers by calibration, and the conditions it knows."""
    config = system.served
    if config is None:
        llr = llr_from_score(system.calibration, raw).astype(np.float32)
        return raw, {system.name: (system.calibration, raw, llr)}, {}
    styled = None if config.one_style is None else _score(system, protocol, one_style=True)
    found = served(config, system.kinds, *_sides(protocol), raw, styled)
    answers: dict[str, _Answer] = {
        system.name: (system.calibration, found.scores, found.llrs),
    }
    if config.one_style is not None and found.within is not None:
        # Unlike the llr, what it was read from has no cut at what the data support.
        moved = found.scores - raw + (raw if styled is None else styled)
        answers[f"{system.name}, {WITHIN}"] = config.one_style, moved, found.within
    return found.scores, answers, found.conditions


def _sides(protocol: Protocol) -> tuple[Indices, Indices]:
    """Return the numbers of the paintings on either side of a protocol's M pairs, (M,) each."""
    batches = list(protocol.batches())
    left, right = (
        np.concatenate([getattr(batch, side) for batch in batches]) for side in ("left", "right")
    )
    return left, right


def _usable(
    labels: Labels, conditions: dict[str, NDArray[np.bool_]]
) -> dict[str, NDArray[np.bool_]]:
    """Return the conditions that hold enough pairs of both kinds, and not all of the protocol."""
    return {
        words: mask
        for words, mask in conditions.items()
        if _LEAST <= int(labels.same[mask].sum()) <= int(mask.sum()) - _LEAST and not mask.all()
    }


def protocol_paintings(protocol: Protocol, table: pl.DataFrame) -> pl.DataFrame:
    """Return the catalogue's rows of a protocol's paintings, in the order its batches index."""
    order = pl.DataFrame({"painting_id": protocol.paintings})
    return order.join(table, on="painting_id", how="left", maintain_order="left")


def strata(labels: Labels) -> dict[str, NDArray[np.bool_]]:
    """Return the strata that hold pairs of both kinds, and are not all of the protocol."""
    everything = np.ones(len(labels.same), bool)
    found = {"all": everything}
    for name, mask in (
        ("seen artists", labels.seen),
        ("an unseen artist", ~labels.seen),
        ("same style", labels.same_style == 1),
        ("different style", labels.same_style == 0),
    ):
        genuine = int(labels.same[mask].sum())
        if 0 < genuine < int(mask.sum()) < len(everything):
            found[name] = mask
    return found


def measure(
    name: str,
    calibration: Calibration,
    labels: Labels,
    scores: Scores,
    llrs: Scores,
    *,
    stratum: str,
    mask: NDArray[np.bool_],
    replicates: int,
    seed: int,
) -> tuple[Result, Float64s]:
    """Measure one system on one stratum of a protocol's M pairs.

    Args:
        name: The system's name.
        calibration: What made its likelihood ratios.
        labels: What is true of the pairs.
        scores: Raw scores, (M,).
        llrs: log10 likelihood ratios, (M,).
        stratum: The stratum's name.
        mask: Which pairs belong to it, (M,).
        replicates: Bootstrap draws.
        seed: Seeds them.

    Returns:
        The result, and its bootstrap replicates as `bootstrap_replicates` returns them.
    """
    score, llr, same = scores[mask], llrs[mask], labels.same[mask]
    left, right = labels.left_artist[mask], labels.right_artist[mask]
    # The score of an LLR of 0, which the validation artists fixed.
    threshold = -calibration.intercept / calibration.slope
    draws = bootstrap_replicates(
        score, llr, same, left, right, threshold=threshold, replicates=replicates, seed=seed
    )
    result = Result(
        system=name,
        stratum=stratum,
        pairs=len(same),
        genuine=int(same.sum()),
        artists=len(np.union1d(np.unique(left), np.unique(right))),
        metrics=compute_metrics(score, llr, same, threshold=threshold),
        intervals=percentile_intervals(draws),
    )
    return result, draws


def _score(system: System, protocol: Protocol, *, one_style: bool = False) -> Floats:
    """Return the raw scores of all pairs; as of one style, with NaN for those that are not."""
    enrolled = system.comparator.enrol(system.embeddings)
    found = []
    for batch in protocol.batches():
        if not one_style:
            found.append(system.comparator.pair_scores(enrolled, batch.left, batch.right))
            continue
        alike = batch.same_style == 1
        scores = np.full(len(alike), np.nan, np.float32)
        scores[alike] = system.comparator.style_scores(
            enrolled, batch.left[alike], batch.right[alike]
        )
        found.append(scores)
    return np.concatenate(found)


def read_labels(protocol: Protocol, paintings: pl.DataFrame) -> Labels:
    """Read what is true of a protocol's pairs.

    Args:
        protocol: The protocol.
        paintings: Its paintings, as `protocol_paintings` returns them.

    Raises:
        ProtocolError: The pairs are all genuine or all impostors.
    """
    artist = paintings["artist"].cast(pl.Categorical).to_physical().cast(pl.Int32).to_numpy()
    batches = list(protocol.batches())
    labels = Labels(
        same=np.concatenate([batch.same for batch in batches]),
        left_artist=np.concatenate([artist[batch.left] for batch in batches]),
        right_artist=np.concatenate([artist[batch.right] for batch in batches]),
        seen=np.concatenate([batch.seen for batch in batches]),
        same_style=np.concatenate([batch.same_style for batch in batches]),
    )
    if labels.same.all() or not labels.same.any():
        raise ProtocolError(
            f"{protocol.path} has only one kind of pair; error rates need pairs by one artist "
            "and pairs by two"
        )
    return labels


def _shipped(model: SameHand, catalogue: Path, paintings: pl.DataFrame, cache: Path) -> System:
    folder, config = model.folder, model.folder.config
    paths = paintings["path"].to_list()
    table = catalogued_table(model.embedder, paths, catalogue, cache)
    kinds = picture_kinds(config, [catalogue / path for path in paths], table, cache)
    return System(
        config.name,
        table.embeddings,
        folder.comparator,
        config.calibration,
        served=config,
        kinds=kinds,
    )


def _baseline(
    name: str,
    features: Embeds,
    catalogue: Path,
    paintings: pl.DataFrame,
    table: pl.DataFrame,
    held_out: pl.DataFrame,
    cache: Path,
) -> System:
    """Embed, centre on training paintings, and calibrate on held-out artists."""

    def embed(chosen: pl.DataFrame) -> Floats:
        return embed_catalogued(features, chosen["path"].to_list(), catalogue, cache, name)

    reference = embed(reference_paintings(table))
    centre = reference.mean(axis=0)
    comparator = CosineComparator("none", 2, centred(reference, centre))
    enrolled = comparator.enrol(centred(embed(held_out), centre))
    calibration = calibrate(comparator, enrolled, held_out["artist"].to_list())
    return System(name, centred(embed(paintings), centre), comparator, calibration)


def reference_paintings(table: pl.DataFrame) -> pl.DataFrame:
    """Return about a thousand training paintings, evenly spread, whose mean centres a baseline."""
    train = table.filter(pl.col("split") == "train").sort("painting_id")
    return train.gather_every(max(1, len(train) // 1000))
