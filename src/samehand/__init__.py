"""Were these two paintings made by the same artist? Calibrated likelihood ratios.

from samehand import SameHand

verdict = SameHand().compare("a.jpg", "b.jpg")
print(verdict.llr, verdict.strength)
"""

from typing import TYPE_CHECKING, Any

from samehand.errors import SamehandError
from samehand.records import Verdict

if TYPE_CHECKING:
    from samehand.serving.gallery import Gallery
    from samehand.serving.verifier import SameHand

    __version__: str

__all__ = ["Gallery", "SameHand", "SamehandError", "Verdict", "__version__"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    # ONNX Runtime is loaded only by who asks for an answer, so that `samehand --help` is quick.
    if name == "SameHand":
        from samehand.serving.verifier import SameHand

        return SameHand
    if name == "Gallery":
        from samehand.serving.gallery import Gallery

        return Gallery
    if name == "__version__":
        # Few ask, and the package's metadata take a twentieth of a second to read.
        from importlib.metadata import version

        return version("samehand")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
