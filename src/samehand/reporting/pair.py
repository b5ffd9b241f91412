"""`samehand report A B`: the report on two paintings."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samehand.explain.evidence import full_verdict
from samehand.explain.evidence_picture import (
    LEAST_INFLUENCE,
    LEAST_UNUSUAL,
    draw_context,
    draw_influence,
    draw_unusual,
    draw_windows,
    fit,
    strongest,
)
from samehand.explain.neighbour_picture import small_picture
from samehand.explain.propositions import pair_propositions
from samehand.explain.words import (
    claim_in_words,
    context_in_words,
    error_rate_in_words,
    influence_in_words,
    interval_in_words,
    matches_in_words,
    nearby_in_words,
    one_style_in_words,
    title_of,
    unusual_in_words,
)
from samehand.model.painting import Painting
from samehand.plural import counted
from samehand.records import OperatingPoint
from samehand.reporting.case import Case
from samehand.reporting.page import provenance, render
from samehand.reporting.works import facts, shown, shown_exactly
from samehand.results import Evidence, Nearby, Neighbour, Verdict
from samehand.verification.verifier import SameHand

if TYPE_CHECKING:
    from samehand.gallery import Gallery

_PAINTING, _PICTURE, _THUMBNAIL = 900, 560, 200


def pair_report(
    model: SameHand,
    left: Painting,
    right: Painting,
    *,
    date: str,
    case: Case | None = None,
    prior: float = 0.5,
    operating_point: OperatingPoint = "eer",
    gallery: "Gallery | None" = None,
) -> str:
    """Return the report on two paintings as one HTML file without outside references.

    The same works, model, gallery, versions and date give the same bytes.

    Args:
        model: The model.
        left: A painting.
        right: Another painting.
        date: What stands on the report, for example "2026-11-24".
        case: What its first page says of the case, or None.
        prior: P(same artist) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.
        gallery: Where to look for works that are like either; None for nowhere.

    Raises:
        GalleryError: The gallery is another model's, or is damaged.
        SamehandError: `prior` or `operating_point` is not one that exists.
        ModelError: The model's folder has no background for evidence.
        MissingExtraError: Jinja2 is not installed.
    """
    verdict = full_verdict(
        model, left, right, prior=prior, operating_point=operating_point, gallery=gallery
    )
    evidence, near = verdict.evidence, verdict.neighbours
    assert evidence is not None
    return render(
        "pair.html.j2",
        {
            "date": date,
            "case": case.rows() if case else [],
            "propositions": pair_propositions(
                verdict.llr,
                verdict.llr_one_style,
                verdict.refusal is not None,
                verdict.measured_on,
            ),
            "works": [facts(work, _PAINTING) for work in (left, right)],
            "verdict": verdict,
            "sentence": claim_in_words(verdict.llr),
            "between": interval_in_words(verdict.llr_interval),
            "rate": error_rate_in_words(
                verdict.error_rate, verdict.condition, verdict.measured_on, verdict.refusal
            ),
            "in_style": one_style_in_words(
                verdict.decision_one_style, verdict.error_rate_one_style
            ),
            "figures": _pictures(left, right, evidence),
            "context": context_in_words(evidence.context),
            "densities": shown_exactly(draw_context(evidence.context, 700, 210, density=2)),
            "nearby": "" if near is None else nearby_in_words(near.gallery),
            "neighbours": [
                [_neighbour(one) for one in side]
                for side in ((near.left, near.right) if near else ())
            ],
            "provenance": provenance(model.folder) + _searched(near),
            "data": json.dumps(_reproducible(verdict), indent=2),
        },
    )


def _reproducible(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict without its maps, and the time it took, which no two runs share.

    A gallery's works go by their files' names: a report is handed on, and where its owner keeps
    files is nobody else's business.
    """
    near = verdict.neighbours
    if near is not None:
        left, right = (
            tuple(replace(one, path=Path(one.path).name) for one in side)
            for side in (near.left, near.right)
        )
        verdict = replace(verdict, neighbours=replace(near, left=left, right=right))
    values = verdict.to_dict()
    del values["seconds"], values["evidence"]
    return values


def _searched(near: Nearby | None) -> list[tuple[str, str]]:
    return [] if near is None else [("gallery", f"{near.gallery}, {counted(near.works, 'work')}")]


def _neighbour(one: Neighbour) -> dict[str, str]:
    picture = small_picture(one, _THUMBNAIL)
    return {
        "picture": "" if picture is None else shown(picture, _THUMBNAIL),
        "llr": f"{one.llr:+.2f}",
        "artist": one.artist or "unattributed",
        "title": title_of(one),
    }


def _pictures(left: Painting, right: Painting, evidence: Evidence) -> list[dict[str, Any]]:
    """Return heading, explanation and both pictures of each kind of evidence."""
    images = [fit(work.image, _PICTURE, _PICTURE) for work in (left, right)]
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
