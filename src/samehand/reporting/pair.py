"""`samehand report A B`: the report on two paintings."""

import json
from typing import TYPE_CHECKING, Any

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
from samehand.serving.findings import Neighbour
from samehand.serving.neighbour_picture import small_picture
from samehand.serving.neighbours import Nearby, nearby, title_of, with_nearby
from samehand.serving.verifier import SameHand
from samehand.serving.words import (
    claim_in_words,
    context_in_words,
    influence_in_words,
    matches_in_words,
    nearby_in_words,
    unusual_in_words,
)

if TYPE_CHECKING:
    from samehand.serving.gallery import Gallery

_PAINTING, _PICTURE, _THUMBNAIL = 900, 560, 200


def pair_report(
    same_hand: SameHand,
    left: Work,
    right: Work,
    *,
    date: str,
    prior: float = 0.5,
    operating_point: OperatingPoint = "eer",
    gallery: "Gallery | None" = None,
) -> str:
    """Return the report on two paintings as one HTML file without outside references.

    The same works, model, gallery, versions and date give the same bytes.

    Args:
        same_hand: The model.
        left: A work.
        right: Another work.
        date: What stands on the report, for example "2026-11-24".
        prior: P(same artist) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.
        gallery: Where to look for works that are like either; None for nowhere.

    Raises:
        GalleryError: The gallery is another model's, or is damaged.
        SamehandError: `prior` or `operating_point` is not one that exists.
        ModelError: The model's folder has no background for evidence.
        MissingExtraError: Jinja2 is not installed.
    """
    verdict = same_hand.compare_decoded(
        left.decoded, right.decoded, prior=prior, operating_point=operating_point
    )
    near = None if gallery is None else nearby(same_hand, left.decoded, right.decoded, gallery)
    evidence = with_nearby(find_evidence(same_hand, left.decoded.image, right.decoded.image), near)
    return render(
        "pair.html.j2",
        {
            "date": date,
            "works": [facts(work, _PAINTING) for work in (left, right)],
            "verdict": verdict,
            "sentence": claim_in_words(verdict.llr),
            "figures": _pictures(left, right, evidence),
            "context": context_in_words(evidence.context),
            "densities": shown_exactly(draw_context(evidence.context, 700, 210, density=2)),
            "nearby": "" if near is None else nearby_in_words(near.gallery),
            "neighbours": [
                [_neighbour(one) for one in side.neighbours]
                for side in (evidence.left, evidence.right)
            ],
            "provenance": provenance(same_hand) + _searched(near),
            "data": json.dumps(_reproducible(verdict, near), indent=2),
        },
    )


def _reproducible(verdict: Verdict, near: Nearby | None) -> dict[str, Any]:
    """Return the verdict without the time it took, which no two runs share."""
    values = verdict.to_dict()
    del values["seconds"]
    return values if near is None else values | {"neighbours": near.to_dict()}


def _searched(near: Nearby | None) -> list[tuple[str, str]]:
    return [] if near is None else [("gallery", f"{near.gallery}, {near.works:,} works")]


def _neighbour(one: Neighbour) -> dict[str, str]:
    picture = small_picture(one, _THUMBNAIL)
    return {
        "picture": "" if picture is None else shown(picture, _THUMBNAIL),
        "llr": f"{one.llr:+.2f}",
        "artist": one.artist or "unattributed",
        "title": title_of(one),
    }


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
