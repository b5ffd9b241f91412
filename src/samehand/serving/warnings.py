"""Reasons to trust one verdict less, in words."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from samehand.images.decode import Decoded
from samehand.images.likeness import confirmed, detail_of, thumbnail
from samehand.images.surroundings import CHART_HUES, FRAME_COHERENCE, chart_hues, frame_coherence
from samehand.serving.folder import ModelConfig
from samehand.serving.runtime import Looked

SMALL_SIDE = 96
"""Shorter sides than this, in pixels, are warned about: validation artists lose 0.02 of AUC there.

This figure and the next come from `python benchmarks/warning_triggers.py CATALOGUE`.
"""

DUPLICATE_COSINE = 0.7
"""Below this cosine two images are not even looked at as one painting photographed twice.

The 24 pairs of $PBN_MINI that are one work reach 0.79 or more.
"""

JPEG_QUALITY = 20
"""JPEGs of this quality or less are warned about; a sixth of the validation paintings lose 0.025
of AUC there, and 0.012 at quality 30.
"""

_GREY_CHROMA = 4.0
"""Greyscale JPEGs measure 0 levels of 255 from grey; the rest is room for scanners that tint."""

STRANGE = "unlike the paintings that the model learned from, so its error rates may not hold"

_SIDES = ("left", "right")


def warn_about(decoded: Sequence[Decoded], looked: Looked, config: ModelConfig) -> tuple[str, ...]:
    """Return what a reader of the verdict on two images should know.

    Args:
        decoded: The left and the right image.
        looked: What the encoder makes of them.
        config: The model's configuration.
    """
    found = []
    left, right = decoded
    if left.sha256 == right.sha256:
        found.append("both images are the same file, so the verdict says nothing about artists")
    elif _alike(looked, config) and _one_painting(left.image, right.image):
        found.append(
            "the images look like two reproductions of one painting, so the verdict says little "
            "about artists"
        )
    for side, item, strangeness in zip(_SIDES, decoded, looked.strangeness.tolist(), strict=True):
        found += [f"{side} image: {text}" for text in about_image(item, strangeness, config)]
    if _is_grey(left.image) != _is_grey(right.image):
        found.append("one image is in greyscale and the other in colour")
    return tuple(found)


def about_image(item: Decoded, strangeness: float, config: ModelConfig) -> list[str]:
    """Return reasons to trust an answer less that lie in one image alone.

    Args:
        item: The decoded image.
        strangeness: What the encoder makes of it; see `runtime.Looked`.
        config: The model's configuration.
    """
    found = list(item.notes)
    if min(item.width, item.height) < SMALL_SIDE:
        found.append(f"only {item.width} x {item.height} pixels, so brushwork is lost")
    if _artefacts_show(item, config.size):
        found.append(
            f"a JPEG of quality {item.jpeg_quality} of 100, so what looks like brushwork may be "
            "the file's own blocks"
        )
    if chart_hues(item.image) >= CHART_HUES:
        found.append("a colour chart seems to lie beside the painting; crop it away")
    elif frame_coherence(item.image) >= FRAME_COHERENCE:
        found.append("a frame or a border seems to run round the painting; crop it away")
    if strange(strangeness, config):
        found.append(STRANGE)
    return found


def strange(strangeness: float, config: ModelConfig) -> bool:
    """Return whether an image is unlike the paintings that the model learned from."""
    return config.strangeness_limit is not None and strangeness > config.strangeness_limit


def _alike(looked: Looked, config: ModelConfig) -> bool:
    # No cosine of a pairwise model's encodings was ever measured: its pairs are all looked at.
    return config.pairwise or (
        float(looked.embeddings[0] @ looked.embeddings[1]) >= DUPLICATE_COSINE
    )


def _one_painting(left: Image.Image, right: Image.Image) -> bool:
    thumbnails = np.stack([thumbnail(left), thumbnail(right)])
    pair = np.zeros(1, np.int64), np.ones(1, np.int64)
    return len(confirmed(*pair, detail_of(thumbnails), thumbnails)) > 0


def _artefacts_show(item: Decoded, size: int) -> bool:
    """Return whether the blocks of a strongly compressed file survive in a view."""
    quality = item.jpeg_quality
    # Shrunk to half or less, the blocks are averaged away.
    return (
        quality is not None and quality <= JPEG_QUALITY and min(item.width, item.height) < 2 * size
    )


def _is_grey(image: Image.Image) -> bool:
    small = np.asarray(image.resize((32, 32), Image.Resampling.BOX), dtype=np.float32)
    return float((small.max(axis=2) - small.min(axis=2)).max()) <= _GREY_CHROMA
