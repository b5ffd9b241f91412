"""Were these two paintings made by the same artist? Calibrated likelihood ratios.

from samehand import SameHand

model = SameHand()
a, b = model.open("a.jpg"), model.open("b.jpg")
print(model.compare(a, b).llr)
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samehand.errors import (
        CatalogueError,
        GalleryError,
        ImageError,
        MissingExtraError,
        ModelError,
        OutputError,
        ProtocolError,
        RecipeError,
        SamehandError,
    )
    from samehand.gallery import Gallery
    from samehand.model.painting import Painting
    from samehand.results import (
        Clustering,
        Decision,
        Decisions,
        Evidence,
        GalleryInfo,
        Identification,
        Queue,
        ReferenceVerdict,
        SearchResult,
        Verdict,
    )
    from samehand.verification.asynchronous import AsyncSameHand
    from samehand.verification.handed_over import Unreadable
    from samehand.verification.verifier import SameHand

    __version__: str

__all__ = [
    "AsyncSameHand",
    "CatalogueError",
    "Clustering",
    "Decision",
    "Decisions",
    "Evidence",
    "Gallery",
    "GalleryError",
    "GalleryInfo",
    "Identification",
    "ImageError",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "Painting",
    "ProtocolError",
    "Queue",
    "RecipeError",
    "ReferenceVerdict",
    "SameHand",
    "SamehandError",
    "SearchResult",
    "Unreadable",
    "Verdict",
    "__version__",
]

# From 1.32 on ONNX Runtime reports how it is used to its makers, unless this is set before it is
# loaded; its own function to turn that off comes too late. Nothing that is asked here leaves home.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "AsyncSameHand": "verification.asynchronous",
    "Gallery": "gallery",
    "Painting": "model.painting",
    "SameHand": "verification.verifier",
    "Unreadable": "verification.handed_over",
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name == "__version__":
        # Few ask, and the package's metadata take a twentieth of a second to read.
        from importlib.metadata import version

        return version("samehand")
    if name in __all__:
        # ONNX Runtime is loaded only by those who ask for an answer: `samehand --help` is quick.
        home = _HOMES.get(name, "errors" if name.endswith("Error") else "results")
        return getattr(import_module(f"samehand.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
