"""One probe against a reference set: is this by the artist of these works?"""

import math
import os
import time
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from samehand.errors import ModelError, SamehandError
from samehand.images.decode import Decoded
from samehand.records import Floats, OperatingPoint
from samehand.scoring.calibration import (
    Float64s,
    decide,
    llr_from_score,
    operating_threshold,
    probability,
    strength,
)
from samehand.scoring.comparator import Enrolled, cross_scores, enrol, taken
from samehand.scoring.openset import Attribution
from samehand.scoring.references import (
    ReferenceStep,
    combine,
    reference_features,
)
from samehand.serving.findings import GrowthStep, ReferenceEvidence, ReferenceVerdict, Stance
from samehand.serving.folder import ModelFolder
from samehand.serving.runtime import Looked
from samehand.serving.warnings import about_image

if TYPE_CHECKING:
    from samehand.serving.verifier import SameHand

_SETS_AT_MOST = 40
"""So many sets of each size show how the evidence grows; more are drawn at random."""

_STANCE = math.log10(2.0)
"""Below a likelihood ratio of 2 the ENFSI scale speaks of no support."""


def attribution_of(model: ModelFolder) -> Attribution:
    """Return a model's rules for reference sets and galleries.

    Raises:
        ModelError: The model folder has none.
    """
    if model.config.attribution is None:
        raise ModelError(
            f"the model {model.path} is calibrated for pairs only; add the rest with "
            f"samehand calibrate {model.path} --catalogue CATALOGUE"
        )
    return model.config.attribution


def verify_embedded(
    model: ModelFolder,
    probe: Floats,
    references: Floats,
    names: Sequence[str],
    *,
    prior: float,
    operating_point: OperatingPoint,
    warnings: Sequence[str] = (),
    started: float | None = None,
) -> ReferenceVerdict:
    """Answer from embeddings; see `SameHand.verify`.

    Args:
        model: The model that made them.
        probe: Unit length, (D,).
        references: Unit length, (N, D), at least one.
        names: What to call each reference, N of them.
        prior: P(by the artist of the references) before looking.
        operating_point: Which measured error rate the decision promises.
        warnings: What is known of the images.
        started: When the work began, of `time.perf_counter`.

    Raises:
        ModelError: The model has no rule for references.
        SamehandError: `prior` or `operating_point` is not one that exists, or there are no
            references.
    """
    started = time.perf_counter() if started is None else started
    probability(0.0, prior)
    operating_threshold(model.config.calibration, operating_point)
    rule = attribution_of(model)
    if not len(references):
        raise SamehandError("a reference set needs at least one work; name some with --references")
    known = enrol(model.comparator, references)
    asked = enrol(model.comparator, probe[None])
    step = rule.references.at(len(references))
    score = float(_combined(model, asked, known, step)[0])
    llr = float(llr_from_score(step.calibration, score))
    point = operating_threshold(step.calibration, operating_point)
    evidence = tuple(_evidence(model, rule, asked, known, names))
    odd = [one.name for one in evidence if one.odd]
    found = list(warnings)
    if odd:
        found.append(f"the references may not be by one artist: {', '.join(odd)} stands out")
    return ReferenceVerdict(
        score=score,
        llr=llr,
        probability=float(probability(llr, prior)),
        prior=prior,
        decision=decide(score, point),
        operating_point=operating_point,
        error_rate=point.error_rate,
        strength=strength(llr),
        references=evidence,
        growth=tuple(_growth(model, rule, asked, known, operating_point)),
        coherent=not odd,
        warnings=tuple(found),
        model=model.identity,
        seconds=time.perf_counter() - started,
    )


def probe_warnings(model: ModelFolder, probe: Decoded, looked: Looked) -> list[str]:
    """Return what a reader of an answer about one image should know.

    Args:
        model: The model.
        probe: The decoded image.
        looked: What the encoder makes of it, in the first row.
    """
    found = about_image(probe, float(looked.strangeness[0]), model.config)
    return [f"probe: {text}" for text in found]


def same_file_warnings(probe: str, references: Sequence[str], names: Sequence[str]) -> list[str]:
    """Say which references are the probe itself, by the hashes of their files."""
    return [
        f"{name} is the probe itself, byte for byte, so its support means nothing"
        for name, digest in zip(names, references, strict=True)
        if digest == probe
    ]


def _combined(
    model: ModelFolder, probes: Enrolled, references: Enrolled, step: ReferenceStep
) -> Float64s:
    slope = model.config.calibration.slope
    features = reference_features(model.comparator, probes, references, slope)
    return combine(step, features)


def _evidence(
    model: ModelFolder, rule: Attribution, probe: Enrolled, known: Enrolled, names: Sequence[str]
) -> list[ReferenceEvidence]:
    llrs = llr_from_score(model.config.calibration, cross_scores(model.comparator, probe, known)[0])
    count = len(names)
    found = []
    for position, (name, llr) in enumerate(zip(names, llrs.tolist(), strict=True)):
        coherence, odd = None, False
        if count > 1:
            step = rule.references.at(count - 1)
            rest = np.delete(np.arange(count), position)
            score = _combined(model, taken(known, np.array([position])), taken(known, rest), step)
            coherence = float(llr_from_score(step.calibration, score)[0])
            # With two works, neither can be told to be the odd one.
            limit = step.calibration.points["fmr1"].different_at_most
            odd = count > 2 and float(score[0]) <= limit
        stance: Stance = "neutral"
        if abs(llr) >= _STANCE:
            stance = "supports" if llr > 0 else "contradicts"
        found.append(ReferenceEvidence(os.fspath(name), llr, stance, coherence, odd))
    return found


def _growth(
    model: ModelFolder,
    rule: Attribution,
    probe: Enrolled,
    known: Enrolled,
    operating_point: OperatingPoint,
) -> list[GrowthStep]:
    total = len(known.level)
    # An order of their own, so that the sets drawn do not depend on the order given.
    order = np.lexsort(known.embeddings.T)
    draw = np.random.default_rng(0)
    steps = []
    for count in range(1, total + 1):
        step = rule.references.at(count)
        llrs = [
            float(
                llr_from_score(
                    step.calibration,
                    _combined(model, probe, taken(known, order[list(chosen)]), step)[0],
                )
            )
            for chosen in _sets(total, count, draw)
        ]
        steps.append(
            GrowthStep(
                references=count,
                llr=float(np.mean(llrs)),
                lowest=min(llrs),
                highest=max(llrs),
                error_rate=step.calibration.points[operating_point].error_rate,
            )
        )
    return steps


def _sets(total: int, count: int, draw: np.random.Generator) -> list[tuple[int, ...]]:
    """Return all sets of so many, or as many as are tried, drawn at random."""
    if math.comb(total, count) <= _SETS_AT_MOST:
        return list(combinations(range(total), count))
    drawn = {tuple(sorted(draw.permutation(total)[:count].tolist())) for _ in range(_SETS_AT_MOST)}
    return sorted(drawn)


def verify(
    verifier: "SameHand",
    probe: Decoded,
    references: Sequence[Decoded],
    names: Sequence[str],
    *,
    prior: float,
    operating_point: OperatingPoint,
) -> ReferenceVerdict:
    """Answer from decoded images; see `SameHand.verify`."""
    started = time.perf_counter()
    attribution_of(verifier.model)
    looked = verifier.look([probe, *references])
    warnings = probe_warnings(verifier.model, probe, looked)
    warnings += same_file_warnings(probe.sha256, [one.sha256 for one in references], names)
    return verify_embedded(
        verifier.model,
        looked.embeddings[0],
        looked.embeddings[1:],
        names,
        prior=prior,
        operating_point=operating_point,
        warnings=warnings,
        started=started,
    )
