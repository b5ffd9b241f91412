"""Evidence: what in two paintings drove the verdict, as numbers that a page or a picture can show.

G is the side of a grid of cells; the two kinds of maps have grids of their own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from samehand.records import Floats
from samehand.scoring.comparator import enrol
from samehand.serving.background import Background, read_background
from samehand.serving.context import Context, context_of
from samehand.serving.correspondence import Match, correspond, patch_embeddings
from samehand.serving.findings import Neighbour
from samehand.serving.occlusion import coverable, influence
from samehand.serving.runtime import mean_direction
from samehand.serving.verifier import SameHand


@dataclass(frozen=True, slots=True)
class SideEvidence:
    """What one of the two paintings contributes.

    Attributes:
        unusual: How unusual the best match of each cell in the other painting is, as log10 of
            "one in so many works by other painters has a region as alike"; (G, G), at least 0.
        influence: By how much the log10 likelihood ratio falls when a cell is covered, (G, G);
            above 0 where the cell speaks for one artist. None where it was not asked for.
        neighbours: The nearest works of a gallery, the nearest first; empty without one, see
            `neighbours.with_nearby`.
    """

    unusual: Floats
    influence: Floats | None
    neighbours: tuple[Neighbour, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence as JSON-ready values; maps are lists of rows from the top."""
        return {
            "unusual": _rounded(self.unusual),
            "influence": None if self.influence is None else _rounded(self.influence),
            "neighbours": [neighbour.to_dict() for neighbour in self.neighbours],
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the verdict on two paintings rests on.

    Attributes:
        matches: Regions that correspond, the most unusual first.
        left: What the left painting contributes.
        right: What the right painting contributes.
        context: The score among the scores of pairs whose answer is known.
        gallery: Name of the gallery that `neighbours` of both sides are of; None without one.
    """

    matches: tuple[Match, ...]
    left: SideEvidence
    right: SideEvidence
    context: Context
    gallery: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence as JSON-ready values."""
        return {
            "matches": [match.to_dict() for match in self.matches],
            "left": self.left.to_dict(),
            "right": self.right.to_dict(),
            "context": self.context.to_dict(),
            "gallery": self.gallery,
        }


def find_evidence(
    same_hand: SameHand,
    left: Image.Image,
    right: Image.Image,
    *,
    occlusion: bool = True,
    background: Background | None = None,
) -> Evidence:
    """Find what in two paintings drove the verdict on them.

    Args:
        same_hand: The model.
        left: The left painting, RGB, as `images.decode` returns it.
        right: The right painting; swapping the two swaps the sides and changes nothing else.
        occlusion: Whether to cover regions as well, which takes some hundred looks at each
            painting; matches and context take one.
        background: That of the model, where it has been read already.

    Raises:
        ModelError: The model gives no patch embeddings, or its folder has no background.
    """
    if background is None:
        background = read_background(same_hand.model)
    found = correspond(
        patch_embeddings(same_hand.embedder, left),
        patch_embeddings(same_hand.embedder, right),
        background.regions,
    )
    paintings = [coverable(same_hand, image) for image in (left, right)]
    rows = np.concatenate([mean_direction(one.embeddings[None]) for one in paintings])
    score = float(same_hand.score(enrol(same_hand.model.comparator, rows), [0], [1])[0])
    maps: list[Floats | None] = [None, None]
    if occlusion:
        maps = [
            influence(same_hand, painting, other)
            for painting, other in zip(paintings, rows[::-1], strict=True)
        ]
    return Evidence(
        matches=found.matches,
        left=SideEvidence(found.left, maps[0]),
        right=SideEvidence(found.right, maps[1]),
        context=context_of(score, same_hand.model.config.calibration, background),
    )


def _rounded(values: Floats) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in values.tolist()]
