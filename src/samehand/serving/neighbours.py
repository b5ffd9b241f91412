"""The works of a gallery that are nearest to each of two paintings."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samehand.images.decode import Decoded
from samehand.serving.evidence import Evidence
from samehand.serving.findings import Neighbour
from samehand.serving.seek import search

if TYPE_CHECKING:
    from samehand.serving.gallery import Gallery
    from samehand.serving.verifier import SameHand

COUNT = 4
"""So many neighbours of each painting are shown; `samehand search` lists more."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """What a gallery holds that is near two paintings.

    Attributes:
        gallery: The gallery's name.
        works: How many works it holds.
        left: Works near the left painting, the nearest first.
        right: Works near the right painting, the nearest first.
    """

    gallery: str
    works: int
    left: tuple[Neighbour, ...]
    right: tuple[Neighbour, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the works as JSON-ready values, each as `samehand search --json` gives it."""
        return {
            "gallery": self.gallery,
            "works": self.works,
            "left": [one.to_dict() for one in self.left],
            "right": [one.to_dict() for one in self.right],
        }


def nearby(
    same_hand: "SameHand", left: Decoded, right: Decoded, gallery: "Gallery", count: int = COUNT
) -> Nearby:
    """Search a gallery for each of two paintings; the painting itself is passed over.

    Args:
        same_hand: The model.
        left: A painting.
        right: Another painting.
        gallery: Where to look. A work is the painting itself where their files are equal.
        count: How many works for each, at most.

    Raises:
        GalleryError: The gallery is another model's, or is damaged.
    """
    found = [
        search(
            same_hand,
            painting,
            gallery,
            top=count,
            where=[f"sha256!={painting.sha256}"],
            exact=False,
        )
        for painting in (left, right)
    ]
    return Nearby(gallery.name, found[0].works, found[0].neighbours, found[1].neighbours)


def with_nearby(evidence: Evidence, found: Nearby | None) -> Evidence:
    """Return evidence that also says what a gallery holds near the two paintings."""
    if found is None:
        return evidence
    return replace(
        evidence,
        gallery=found.gallery,
        left=replace(evidence.left, neighbours=found.left),
        right=replace(evidence.right, neighbours=found.right),
    )


def title_of(neighbour: Neighbour) -> str:
    """Return what to call a work: its title, or its file's name where it has none."""
    return neighbour.title or Path(neighbour.path).name
