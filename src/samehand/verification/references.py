"""One probe against a reference set: is this by the artist of these works?"""

import math
import time
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from samehand.errors import ModelError, SamehandError
from samehand.model.folder import ModelConfig, ModelFolder
from samehand.model.painting import Painting
from samehand.records import OperatingPoint, Stance
from samehand.results import GrowthStep, LeftOut, ReferenceEvidence, ReferenceVerdict
from samehand.scoring.calibration import (
    Calibration,
    Float64s,
    llr_from_score,
    operating_threshold,
    probability,
    strength,
)
from samehand.scoring.comparator import Enrolled
from samehand.scoring.conditions import UNMEASURED_LIMIT, Reading, limited
from samehand.scoring.openset import Attribution
from samehand.scoring.references import (
    ReferenceStep,
    combine,
    reference_features,
)
from samehand.verification.condition import (
    WithinStyle,
    measured_on,
    one_style_of_set,
    one_style_without_rule,
    pair_reading,
    set_reading,
)
from samehand.verification.warnings import NOVEL, is_novel, probe_warnings, same_picture

if TYPE_CHECKING:
    from samehand.verification.verifier import SameHand

_SETS_AT_MOST = 40
"""So many sets of each size show how the evidence grows; more are drawn at random."""

_STANCE = math.log10(2.0)
"""Below a likelihood ratio of 2 the ENFSI scale speaks of no support."""


class NoEvidenceError(SamehandError):
    """No reference is left once copies of the probe are set aside."""


def attribution_of(folder: ModelFolder) -> Attribution:
    """Return a model's rules for reference sets and galleries.

    Raises:
        ModelError: The model folder has none.
    """
    folder.require_metric("weigh reference sets and galleries")
    if folder.config.attribution is None:
        raise ModelError(
            f"the model {folder.path} is calibrated for pairs only; add the rest with "
            f"samehand calibrate {folder.path} --catalogue CATALOGUE"
        )
    return folder.config.attribution


def distinct_references(
    probe: Painting, references: Sequence[Painting], config: ModelConfig
) -> tuple[list[Painting], list[LeftOut]]:
    """Part the references that are evidence from copies, which would count one work twice.

    Args:
        probe: The doubtful work.
        references: Works in the order given.
        config: The model's configuration.

    Returns:
        The references that count, in that order, and those that do not. Of several copies of one
        work the largest counts, and of equally large ones that whose hash is least, so that the
        order given decides nothing.
    """
    # One object given twice is one work, too.
    references = list({id(one): one for one in references}.values())
    best = sorted(references, key=lambda one: (-_pixels(one), one.sha256))
    kept: list[Painting] = []
    copies: dict[int, LeftOut] = {}
    for one in best:
        if same_picture(one, probe, config):
            reason = f"{one.name} shows the doubtful work itself, so it is left out"
            copies[id(one)] = LeftOut(one.name, probe.name, reason)
            continue
        original = next((other for other in kept if same_picture(one, other, config)), None)
        if original is None:
            kept.append(one)
        else:
            reason = f"{one.name} shows the same work as {original.name}, so it counts once"
            copies[id(one)] = LeftOut(one.name, original.name, reason)
    counting = {id(one) for one in kept}
    in_order = [one for one in references if id(one) in counting]
    return in_order, [copies[id(one)] for one in references if id(one) in copies]


def _pixels(painting: Painting) -> int:
    return painting.decoded.width * painting.decoded.height


def verify(
    model: "SameHand",
    probe: Painting,
    references: Sequence[Painting],
    *,
    prior: float,
    operating_point: OperatingPoint,
) -> ReferenceVerdict:
    """Say how strongly a probe speaks for the artist of some references; see `SameHand.verify`."""
    started = time.perf_counter()
    folder = model.folder
    probability(0.0, prior)
    operating_threshold(folder.config.calibration, operating_point)
    rule = attribution_of(folder)
    if not references:
        raise SamehandError("a reference set needs at least one work; name some with --references")
    references, left_out = distinct_references(probe, references, folder.config)
    if not references:
        raise NoEvidenceError(
            f"every reference shows the doubtful work {probe.name} itself; "
            "name other works by the artist"
        )
    known = folder.comparator.enrol(np.stack([one.embedding for one in references]))
    asked = folder.comparator.enrol(probe.embedding[None])
    step = rule.references.at(len(references))
    score = float(_combined(folder, asked, known, step)[0])
    reading = set_reading(probe, references, folder.config)
    calibration, read = read_set(folder, step, reading, score)
    llr = float(llr_from_score(calibration, read))
    point = operating_threshold(calibration, operating_point)
    within = one_style_of(
        folder, (asked, known), reading, score, (calibration, read), operating_point
    )
    evidence = tuple(_evidence(folder, rule, probe, references))
    odd = [one.name for one in evidence if one.odd]
    found = [*probe_warnings(probe, folder.config), *(one.reason for one in left_out)]
    if odd:
        found.append(f"the references may not be by one artist: {', '.join(odd)} stands out")
    if strange := [one.name for one in references if is_novel(one, folder.config)]:
        found.append(f"among the references, {', '.join(strange)}: {NOVEL}")
    return ReferenceVerdict(
        probe=probe.name,
        score=score,
        llr=llr,
        probability=float(probability(llr, prior)),
        prior=prior,
        decision=reading.decide(read, point, llr),
        operating_point=operating_point,
        error_rate=reading.error_rate(point),
        strength=strength(llr),
        references=evidence,
        growth=tuple(_growth(folder, rule, asked, known, reading, operating_point)),
        coherent=not odd,
        warnings=tuple(found),
        model=folder.identity,
        seconds=time.perf_counter() - started,
        left_out=tuple(left_out),
        condition=reading.condition,
        measured_on=measured_on(reading, calibration),
        refusal=reading.refusal,
        llr_one_style=within.llr if within else None,
        decision_one_style=within.decision if within else None,
        error_rate_one_style=within.error_rate if within else None,
    )


def one_style_of(
    folder: ModelFolder,
    compared: tuple[Enrolled, Enrolled],
    reading: Reading,
    score: float,
    usual: tuple[Calibration, float],
    operating_point: OperatingPoint,
) -> WithinStyle | None:
    """Return what is said of a reference set against another artist of the same style.

    Args:
        folder: The model, with rules of attribution.
        compared: The probe, and its N references.
        reading: How the pictures are to be read.
        score: The combined score against artists of any style.
        usual: What that is read by, and as what.
        operating_point: Which measured error rate a decision promises.

    Returns:
        An llr and no decision where the model has no rule for such sets; None where it has no
        calibration for such pairs either.
    """
    config, rule = folder.config, attribution_of(folder)
    if rule.one_style is None:
        reduced = one_style_without_rule(config, *usual)
        return None if reduced is None else WithinStyle(reduced)
    probe, references = compared
    step = rule.one_style.at(len(references))
    slope = rule.one_style.steps[0].calibration.slope
    features = reference_features(folder.comparator, probe, references, slope, styled=True)
    styled = float(combine(step, features)[0])
    llr = float(llr_from_score(*usual))
    return one_style_of_set(
        config, reading, score, llr, (step.calibration, styled), operating_point
    )


def _combined(
    folder: ModelFolder, probes: Enrolled, references: Enrolled, step: ReferenceStep
) -> Float64s:
    slope = folder.config.calibration.slope
    features = reference_features(folder.comparator, probes, references, slope)
    return combine(step, features)


def read_set(
    folder: ModelFolder, step: ReferenceStep, reading: Reading, score: float
) -> tuple[Calibration, float]:
    """Return the calibration that a combined score is read by, and the score as it sees it.

    One reference is a pair. For more, the rule was fitted on the usual pictures, so the score is
    read as if it were one of theirs (ADR 0045).

    Args:
        folder: The model.
        step: The rule for so many references.
        reading: How pairs of such pictures are to be read.
        score: The combined score.
    """
    if step.references == 1:
        return reading.calibration, score
    calibration = step.calibration
    if reading.refusal:
        calibration = limited(calibration, UNMEASURED_LIMIT)
    return calibration, float(reading.as_usual(folder.config.calibration, score))


def _evidence(
    folder: ModelFolder, rule: Attribution, asked: Painting, works: Sequence[Painting]
) -> list[ReferenceEvidence]:
    probe = folder.comparator.enrol(asked.embedding[None])
    known = folder.comparator.enrol(np.stack([one.embedding for one in works]))
    scores = folder.comparator.cross_scores(probe, known)[0].tolist()
    count = len(works)
    among = set_reading(works[0], works, folder.config)
    found = []
    for position, (work, alone) in enumerate(zip(works, scores, strict=True)):
        calibration = pair_reading(asked, work, folder.config).calibration
        llr = float(llr_from_score(calibration, alone))
        coherence, odd = None, False
        if count > 1:
            step = rule.references.at(count - 1)
            rest = np.delete(np.arange(count), position)
            score = _combined(folder, known.take(np.array([position])), known.take(rest), step)
            calibration, read = read_set(folder, step, among, float(score[0]))
            coherence = float(llr_from_score(calibration, read))
            # With two works, neither can be told to be the odd one.
            odd = count > 2 and read <= calibration.points["fmr1"].different_at_most
        stance: Stance = "neutral"
        if abs(llr) >= _STANCE:
            stance = "supports" if llr > 0 else "contradicts"
        found.append(ReferenceEvidence(work.name, llr, stance, coherence, odd))
    return found


def _growth(
    folder: ModelFolder,
    rule: Attribution,
    probe: Enrolled,
    known: Enrolled,
    reading: Reading,
    operating_point: OperatingPoint,
) -> list[GrowthStep]:
    total = len(known.level)
    # An order of their own, so that the sets drawn do not depend on the order given.
    order = np.lexsort(known.embeddings.T)
    draw = np.random.default_rng(0)
    steps = []
    for count in range(1, total + 1):
        step = rule.references.at(count)
        llrs = []
        for chosen in _sets(total, count, draw):
            score = float(_combined(folder, probe, known.take(order[list(chosen)]), step)[0])
            llrs.append(float(llr_from_score(*read_set(folder, step, reading, score))))
        calibration, _ = read_set(folder, step, reading, 0.0)
        steps.append(
            GrowthStep(
                references=count,
                llr=float(np.mean(llrs)),
                lowest=min(llrs),
                highest=max(llrs),
                error_rate=calibration.points[operating_point].error_rate,
            )
        )
    return steps


def _sets(total: int, count: int, draw: np.random.Generator) -> list[tuple[int, ...]]:
    """Return all sets of this size, or as many as are tried, drawn at random."""
    if math.comb(total, count) <= _SETS_AT_MOST:
        return list(combinations(range(total), count))
    drawn = {tuple(sorted(draw.permutation(total)[:count].tolist())) for _ in range(_SETS_AT_MOST)}
    return sorted(drawn)
