"""How a pair of paintings is to be read: by which calibration, and what is known of its errors."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from samehand.errors import ImageError
from samehand.images.condition import picture_kind
from samehand.images.decode import decode_file
from samehand.model.embed import EmbeddingTable
from samehand.model.folder import ModelConfig
from samehand.model.kinds import KindCache
from samehand.model.painting import Painting
from samehand.model.readings import read_stored
from samehand.progress import track
from samehand.records import Decision, Floats, OperatingPoint, PictureKind
from samehand.scoring.calibration import (
    Calibration,
    Float64s,
    OperatingThreshold,
    decide,
    llr_from_score,
    operating_threshold,
)
from samehand.scoring.conditions import OWN_WORKS, UNMEASURED_LIMIT, Reading, limited, read_pair
from samehand.verification.warnings import is_novel


def pair_reading(one: Painting, two: Painting, config: ModelConfig) -> Reading:
    """Return how two paintings are to be read; their order does not matter.

    Args:
        one: A painting.
        two: Another.
        config: The model's configuration.
    """
    if not config.conditions:
        # Without calibrations by condition neither the pixels nor the novelty need be looked at.
        return read_pair(config.calibration, (), "photograph", "photograph")
    novel = is_novel(one, config) or is_novel(two, config)
    return read_pair(config.calibration, config.conditions, one.kind, two.kind, novel=novel)


def picture_kinds(
    config: ModelConfig,
    paths: Sequence[Path],
    table: EmbeddingTable | None = None,
    cache: Path | None = None,
) -> list[PictureKind]:
    """Return what each file can show, if the model tells that apart; "photograph" if unreadable.

    Args:
        config: The model's configuration.
        paths: The files.
        table: Their embeddings; what was decoded for them is not decoded again.
        cache: The cache that those are kept in, which keeps kinds, too.
    """
    if not config.conditions:
        return ["photograph"] * len(paths)
    return kinds_of(paths, table, cache)


def kinds_of(
    paths: Sequence[Path], table: EmbeddingTable | None = None, cache: Path | None = None
) -> list[PictureKind]:
    """Return what each file can show, whatever a model tells apart; see `picture_kinds`."""
    digests: Sequence[str | None] = [None] * len(paths) if table is None else table.digests
    known: dict[str, PictureKind] = {} if table is None else dict(table.kinds)
    unknown = {one for one in digests if one is not None} - known.keys()
    kept = KindCache(cache) if cache else None
    if kept and unknown:
        known |= kept.load(unknown)
    wanted = {
        digest or str(path): path
        for digest, path in zip(digests, paths, strict=True)
        if digest not in known
    }
    with ThreadPoolExecutor(2, thread_name_prefix="samehand-kinds") as pool:
        kinds = track(pool.map(_kind, wanted.values()), "telling pictures apart", len(wanted))
        told = {key: kind for key, kind in zip(wanted, kinds, strict=True) if kind is not None}
    if kept and (fresh := {key: told[key] for key in unknown & told.keys()}):
        kept.save(fresh)
    known |= told
    return [
        known.get(digest or str(path), "photograph")
        for digest, path in zip(digests, paths, strict=True)
    ]


def _kind(path: Path) -> PictureKind | None:
    try:
        return picture_kind(decode_file(path))
    except ImageError:
        return None


def set_reading(probe: Painting, references: Sequence[Painting], config: ModelConfig) -> Reading:
    """Return how a painting and works by one artist are to be read.

    What most of the works can show decides; of equally many the first in the alphabet, so that
    their order does not matter. Some pictures of every collection are unlike those of calibration,
    so that one among the works refuses nothing; the doubtful one does, or most of the works.

    Args:
        probe: The doubtful work.
        references: At least one work.
        config: The model's configuration.
    """
    if not config.conditions:
        return read_pair(config.calibration, (), "photograph", "photograph")
    odd = sum(is_novel(one, config) for one in references)
    novel = is_novel(probe, config) or 2 * odd > len(references)
    return reading_of_set(config, probe.kind, [one.kind for one in references], novel=novel)


def reading_of_set(
    config: ModelConfig,
    probe: PictureKind | None,
    references: Sequence[PictureKind | None],
    *,
    novel: bool = False,
) -> Reading:
    """Return how a picture and those of works by one artist are to be read; see `set_reading`.

    Args:
        config: The model's configuration.
        probe: What the doubtful work's picture can show, None where that is not known.
        references: What those of at least one work can show, None where that is not known; if it
            is known of none, they are the usual ones.
        novel: Whether one of them is unlike all that the model was calibrated on.
    """
    return read_stored(config, probe, usual_kind(references), novel=novel)


def usual_kind(references: Sequence[PictureKind | None]) -> PictureKind | None:
    """Return what most works' pictures show, the first in the alphabet of equally many; or None."""
    known = Counter(sorted(kind for kind in references if kind is not None))
    return known.most_common(1)[0][0] if known else None


def measured_on(reading: Reading, calibration: Calibration | None = None) -> str:
    """Return on what error rates were measured, in words; empty where on nothing.

    Args:
        reading: How pictures are to be read.
        calibration: What was measured, where it is not the reading's own.
    """
    if reading.refusal:
        return ""
    found = calibration or reading.calibration
    pairs = found.genuine_pairs + found.impostor_pairs
    several = f" of {reading.collections} collections" if reading.collections > 1 else ""
    if found is not reading.calibration and reading.collections:
        # Rules for sets were fitted on the usual pictures alone, whatever these show (ADR 0045).
        return (
            f"{pairs:,} pairs by {found.artists:,} artists that the model had never seen, of its "
            "usual pictures, as which these are read"
        )
    whose = OWN_WORKS if reading.own else f"{several} that the model had never seen"
    return f"{pairs:,} pairs by {found.artists:,} artists{whose}"


def one_style_llr(
    config: ModelConfig, reading: Reading, scores: ArrayLike, styled: ArrayLike
) -> Float64s | None:
    """Return llrs against another artist of the same style; None without such a calibration.

    What speaks for one artist never counts for more within a style than against any artist: the
    scores within styles were calibrated on thumbnails, and on greyscale photographs they can be
    far too high. Of pairs of one style this touches 0.7 % of thumbnails' and 2.2 % of photographs',
    and Cllr in the third decimal.

    Args:
        config: The model's configuration.
        reading: How the pairs are to be read.
        scores: Their raw scores, any shape.
        styled: Their scores as `Comparator.style_scores` gives them, same shape; moved by as much
            as the condition moves the raw ones.

    Returns:
        Same shape.
    """
    calibration = config.one_style
    if calibration is None:
        return None
    if reading.refusal:
        calibration = limited(calibration, UNMEASURED_LIMIT)
    moved = reading.as_usual(config.calibration, scores) - np.asarray(scores, np.float64)
    llrs = llr_from_score(calibration, np.asarray(styled, np.float64) + moved)
    return np.minimum(llrs, np.maximum(llr_from_score(reading.calibration, scores), 0.0))


def one_style_decisions(
    config: ModelConfig,
    reading: Reading,
    pairs: tuple[Floats, Floats],
    llrs: Float64s | None,
    operating_point: OperatingPoint,
) -> tuple[list[Decision], float] | None:
    """Return what is decided of pairs against other artists of the same style, and the error rate.

    Args:
        config: The model's configuration.
        reading: How the N pairs are to be read.
        pairs: Their raw scores, and those that `Comparator.style_scores` gives, both (N,).
        llrs: What `one_style_llr` says of them, (N,), or None as it does.
        operating_point: Which measured error rate the decisions promise. Only that of "eer" holds
            within a style: of the 85,012 pairs of one style by two artists in docs/validation.md,
            "fmr1" accepts 2.5 times and "fmr0.1" 9.4 times what it promises.

    Returns:
        N decisions; None at another operating point, without such a calibration, and where the
        pictures have no relevant calibration.
    """
    if config.one_style is None or llrs is None or reading.refusal or operating_point != "eer":
        return None
    point = operating_threshold(config.one_style, operating_point)
    scores, styled = (np.asarray(one, np.float64) for one in pairs)
    moved = styled + reading.as_usual(config.calibration, scores) - scores
    decisions = [
        _decided_within(score, point, llr)
        for score, llr in zip(moved.tolist(), llrs.tolist(), strict=True)
    ]
    return decisions, point.error_rate


def _decided_within(score: float, point: OperatingThreshold, llr: float) -> Decision:
    """Return what is decided of an llr that may have been held back: nothing against it."""
    decision = decide(score, point, llr)
    against = (decision == "same" and llr < 0) or (decision == "different" and llr > 0)
    return "no decision" if against else decision


@dataclass(frozen=True, slots=True)
class WithinStyle:
    """What is said of a reference set against another artist of the same style.

    Attributes:
        llr: log10 likelihood ratio.
        decision: At the operating point asked for; None where nothing is decided within a style.
        error_rate: Its error rate, in [0, 1]; None where there is no decision.
    """

    llr: float
    decision: Decision | None = None
    error_rate: float | None = None


def one_style_of_set(
    config: ModelConfig,
    reading: Reading,
    score: float,
    llr: float,
    within: tuple[Calibration, float],
    operating_point: OperatingPoint,
) -> WithinStyle:
    """Return what is said of a reference set against another artist of the same style.

    Args:
        config: The model's configuration.
        reading: How the pictures are to be read.
        score: The combined score against artists of any style.
        llr: What that came to.
        within: The calibration for sets of one style of so many works, and the combined score
            that it reads; moved by as much as the condition moves the other.
        operating_point: Which measured error rate a decision promises; as for pairs, only at that
            of "eer" is one made.

    Returns:
        What speaks for one artist never counts for more than against any artist.
    """
    calibration, styled = within
    if reading.refusal:
        calibration = limited(calibration, UNMEASURED_LIMIT)
    moved = styled + float(reading.as_usual(config.calibration, score)) - score
    held = min(float(llr_from_score(calibration, moved)), max(llr, 0.0))
    if reading.refusal or operating_point != "eer":
        return WithinStyle(held)
    point = operating_threshold(calibration, operating_point)
    return WithinStyle(held, _decided_within(moved, point, held), point.error_rate)


def one_style_without_rule(
    config: ModelConfig, calibration: Calibration, score: float
) -> float | None:
    """Return that llr where a model has no rule for sets of one style.

    The llr against any artist is read as that of a single pair, and that pair within a style, so
    that what a common style explains counts as little as it does between two works.

    Args:
        config: The model's configuration.
        calibration: What the combined score is read by.
        score: The combined score, as that calibration sees it.

    Returns:
        The llr, never beyond that against any artist; None without a calibration within styles.
    """
    within, usual = config.one_style, config.calibration
    if within is None:
        return None
    llr = calibration.slope * score + calibration.intercept
    reduced = within.slope * (llr - usual.intercept) / usual.slope + within.intercept
    lower, upper = max(within.lower, calibration.lower), min(within.upper, calibration.upper)
    return float(min(max(reduced, lower), upper))
