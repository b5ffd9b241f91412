"""`samehand report A B`: the report on two paintings."""

import json
from typing import Any

from samehand.records import OperatingPoint, Verdict
from samehand.reporting.page import provenance, render
from samehand.reporting.works import Work, facts, shown, shown_exactly
from samehand.serving.evidence import Evidence, find_evidence
from samehand.serving.evidence_picture import (
    LEAST_INFLUENCE,
    LEAST_UNUSUAL,
    draw_context,
    draw_influence,
    draw_unusual,
    draw_windows,
    fit,
    strongest,
)
from samehand.serving.verifier import SameHand
from samehand.serving.words import (
    claim_in_words,
    context_in_words,
    influence_in_words,
    matches_in_words,
    unusual_in_words,
)

_PAINTING, _PICTURE = 900, 560


def pair_report(
    same_hand: SameHand,
    left: Work,
    right: Work,
    *,
    date: str,
    prior: float = 0.5,
    operating_point: OperatingPoint = "eer",
) -> str:
    """Return the report on two paintings as one HTML file without outside references.

    The same works, model, versions and date give the same bytes.

    Args:
        same_hand: The model.
        left: A work.
        right: Another work.
        date: What stands on the report, for example "2026-11-24".
        prior: P(same artist) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.

    Raises:
        SamehandError: `prior` or `operating_point` is not one that exists.
        ModelError: The model's folder has no background for evidence.
        MissingExtraError: Jinja2 is not installed.
    """
    verdict = same_hand.compare_decoded(
        left.decoded, right.decoded, prior=prior, operating_point=operating_point
    )
    evidence = find_evidence(same_hand, left.decoded.image, right.decoded.image)
    return render(
        "pair.html.j2",
        {
            "date": date,
            "works": [facts(work, _PAINTING) for work in (left, right)],
            "verdict": verdict,
            "sentence": claim_in_words(verdict.llr),
            "figures": _pictures(left, right, evidence),
            "context": context_in_words(evidence.context),
            "densities": shown_exactly(draw_context(evidence.context, 1400, 420)),
            "provenance": provenance(same_hand),
            "data": json.dumps(_reproducible(verdict), indent=2),
        },
    )


def _reproducible(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict without the time it took, which no two runs share."""
    values = verdict.to_dict()
    del values["seconds"]
    return values


def _pictures(left: Work, right: Work, evidence: Evidence) -> list[dict[str, Any]]:
    """Return heading, explanation and both pictures of each kind of evidence."""
    images = [fit(work.decoded.image, _PICTURE, _PICTURE) for work in (left, right)]
    sides = (evidence.left, evidence.right)
    most = strongest(*(side.unusual for side in sides), least=LEAST_UNUSUAL)
    windows = [[(m.number, m.left) for m in evidence.matches]]
    windows.append([(m.number, m.right) for m in evidence.matches])
    figures = [
        (
            "Which regions correspond",
            matches_in_words(evidence.matches),
            [draw_windows(*both) for both in zip(images, windows, strict=True)],
        ),
        (
            "Where they share something unusual",
            unusual_in_words(most),
            [draw_unusual(p, s.unusual, most) for p, s in zip(images, sides, strict=True)],
        ),
    ]
    maps = [side.influence for side in sides if side.influence is not None]
    most = strongest(*maps, least=LEAST_INFLUENCE)
    figures.append(
        (
            "What moves the verdict",
            influence_in_words(most),
            [draw_influence(p, cells, most) for p, cells in zip(images, maps, strict=True)],
        )
    )
    return [
        {"heading": h, "text": text, "pictures": [shown(picture, _PICTURE) for picture in pictures]}
        for h, text, pictures in figures
    ]
