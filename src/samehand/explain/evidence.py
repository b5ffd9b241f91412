"""Evidence: what in two paintings drove the verdict, as numbers that a page or a picture can show.

G is the side of a grid of cells; the two kinds of maps have grids of their own.
"""

from dataclasses import replace

import numpy as np

from samehand.explain.context import context_of
from samehand.explain.occlusion import coverable, influence_of
from samehand.gallery import Gallery
from samehand.model.background import Background, read_background
from samehand.model.correspondence import correspond
from samehand.model.painting import Painting
from samehand.records import Floats, OperatingPoint
from samehand.results import Evidence, Grid, SideEvidence, Verdict
from samehand.verification.condition import pair_reading
from samehand.verification.identify import nearby
from samehand.verification.verifier import SameHand


def full_verdict(
    model: SameHand,
    left: Painting,
    right: Painting,
    *,
    prior: float = 0.5,
    operating_point: OperatingPoint = "eer",
    evidence: bool = True,
    influence: bool = True,
    background: Background | None = None,
    gallery: Gallery | None = None,
) -> Verdict:
    """Compare two paintings, and find all that may stand beside the verdict.

    Args:
        model: The model that opened them.
        left: A painting.
        right: Another painting.
        prior: P(same artist) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.
        evidence: Whether to find what the verdict rests on.
        influence: Whether that covers regions as well; see `explain`.
        background: That of the model, where it has been read already.
        gallery: Where to look for works that are like either; None for nowhere.

    Raises:
        GalleryError: The gallery is another model's, or is damaged.
        ModelError: The model gives no patch embeddings, or its folder has no background.
        SamehandError: `prior` or `operating_point` is not one that exists.
    """
    verdict = model.compare(left, right, prior=prior, operating_point=operating_point)
    if evidence:
        found = explain(model, left, right, influence=influence, background=background)
        verdict = replace(verdict, evidence=found)
    if gallery is not None:
        verdict = replace(verdict, neighbours=nearby(model, left, right, gallery))
    return verdict


def explain(
    model: SameHand,
    left: Painting,
    right: Painting,
    *,
    influence: bool = True,
    background: Background | None = None,
) -> Evidence:
    """Find what the verdict on two paintings rests on; see `SameHand.explain`.

    Args:
        model: The model that opened them.
        left: A painting.
        right: Another painting; swapping the two swaps the sides and changes nothing else.
        influence: Whether to cover regions as well, which encodes each painting 13 times a view.
        background: That of the model, where it has been read already.

    Raises:
        ModelError: The model gives no patch embeddings, or its folder has no background.
    """
    folder = model.folder
    if background is None:
        background = read_background(folder)
    found = correspond(
        left.patches, right.patches, background.regions, background.places, background.discount
    )
    rows = np.stack([left.embedding, right.embedding])
    enrolled = folder.comparator.enrol(rows)
    score = folder.comparator.pair_scores(enrolled, np.array([0]), np.array([1]))
    # The background's pairs are usual ones: this one lies among them where its llr does.
    calibration = folder.config.calibration
    placed = pair_reading(left, right, folder.config).as_usual(calibration, score)
    maps: list[Grid | None] = [None, None]
    if influence:
        maps = [
            _grid(influence_of(model, coverable(model, painting), other))
            for painting, other in zip((left, right), rows[::-1], strict=True)
        ]
    return Evidence(
        matches=found.matches,
        left=SideEvidence(_grid(found.left), maps[0]),
        right=SideEvidence(_grid(found.right), maps[1]),
        context=context_of(float(placed[0]), calibration, background),
    )


def _grid(cells: Floats) -> Grid:
    return tuple(tuple(round(value, 4) for value in row) for row in cells.tolist())
