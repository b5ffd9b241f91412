"""What a system must beat: simple embeddings, compared and calibrated exactly like a model.

Shapes: N images, D width of an embedding.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from samehand.errors import MissingExtraError, SamehandError
from samehand.images.decode import decode_file
from samehand.images.views import render_views
from samehand.progress import track
from samehand.records import Floats

COLOUR = "colour-histogram"
FROZEN = "frozen:"

Embed = Callable[[Sequence[Path]], Floats]


def baseline(name: str) -> Embed:
    """Return a function from image files to raw, uncentred embeddings, (N, D).

    Args:
        name: "colour-histogram", or "frozen:" and the name of a backbone.

    Raises:
        SamehandError: There is no such baseline.
        MissingExtraError: A frozen backbone needs the training packages.
    """
    if name == COLOUR:
        return colour_histograms
    if name.startswith(FROZEN):
        return _frozen(name.removeprefix(FROZEN))
    raise SamehandError(
        f"no baseline {name!r}; choose {COLOUR} or {FROZEN}BACKBONE, for example "
        f"{FROZEN}efficientnet-lite0"
    )


def colour_histograms(paths: Sequence[Path]) -> Floats:
    """Return square roots of 8 x 8 x 8 RGB histograms, (N, 512).

    The dot product of two is the Bhattacharyya coefficient of the histograms.
    """
    return np.stack(
        [_histogram(decode_file(path).image) for path in track(paths, "colour histograms")]
    )


def centred(embeddings: Floats, centre: Floats) -> Floats:
    """Return embeddings as directions from a common centre, unit length.

    Args:
        embeddings: (N, D).
        centre: (D,), the mean of training paintings.
    """
    moved = embeddings - centre
    unit: Floats = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
    return unit.astype(np.float32)


def _histogram(image: Image.Image) -> Floats:
    pixels = np.asarray(image.resize((128, 128), Image.Resampling.BOX), dtype=np.int64) // 32
    codes = (pixels[..., 0] * 8 + pixels[..., 1]) * 8 + pixels[..., 2]
    counts = np.bincount(codes.ravel(), minlength=512)
    shares: Floats = np.sqrt(counts / counts.sum()).astype(np.float32)
    return shares


def _frozen(backbone: str) -> Embed:
    try:
        import torch

        from samehand.models.backbone import load_backbone
    except ImportError as error:
        raise MissingExtraError("a frozen backbone", "train") from error
    network = load_backbone(backbone).eval()

    def embed(paths: Sequence[Path]) -> Floats:
        rows = []
        for start in track(range(0, len(paths), 32), f"frozen {backbone}"):
            views = [
                render_views(decode_file(path).image, ("whole",), 224)
                for path in paths[start : start + 32]
            ]
            with torch.inference_mode():
                maps = network(torch.from_numpy(np.concatenate(views)))
            rows.append(maps.mean(dim=(2, 3)).numpy())
        return np.concatenate(rows)

    return embed
