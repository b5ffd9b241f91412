"""Reasons to trust one verdict less, in words."""

from samehand.images.copied import show_one_work
from samehand.images.decode import Decoded
from samehand.images.surroundings import CHART_HUES, FRAME_COHERENCE, chart_hues, frame_coherence
from samehand.model.folder import ModelConfig
from samehand.model.painting import Painting

SMALL_SIDE = 96
"""Shorter sides than this, in pixels, are warned about: validation artists lose 0.02 of AUC there.

This figure and the next come from `python benchmarks/warning_triggers.py CATALOGUE`.
"""

JPEG_QUALITY = 20
"""JPEGs of this quality or less are warned about; a sixth of the validation paintings lose 0.025
of AUC there, and 0.012 at quality 30.
"""

SAME_FILE = "both images are the same file, so the verdict says nothing about artists"
ONE_WORK = (
    "the images look like two reproductions of one painting, so the verdict says little about "
    "artists"
)
ONE_GREY = "one image is in greyscale and the other in colour"
NOVEL = "unlike the paintings that the model learned from, so its error rates may not hold"


def pair_warnings(left: Painting, right: Painting, config: ModelConfig) -> tuple[str, ...]:
    """Return what a reader of the verdict on two paintings should know.

    Args:
        left: A painting.
        right: Another painting.
        config: The model's configuration.
    """
    found = []
    if left.sha256 == right.sha256:
        found.append(SAME_FILE)
    elif same_picture(left, right, config):
        found.append(ONE_WORK)
    for side, painting in (("left image", left), ("right image", right)):
        found += [f"{side}: {text}" for text in image_warnings(painting, config)]
    if left.shown.grey != right.shown.grey:
        found.append(ONE_GREY)
    return tuple(found)


def probe_warnings(probe: Painting, config: ModelConfig) -> list[str]:
    """Return what a reader of an answer about one doubtful work should know."""
    return [f"your picture: {text}" for text in image_warnings(probe, config)]


def image_warnings(painting: Painting, config: ModelConfig) -> list[str]:
    """Return reasons to trust an answer less that lie in one image alone.

    Args:
        painting: The image.
        config: The model's configuration.
    """
    return file_warnings(painting.decoded, config, novel=is_novel(painting, config))


def file_warnings(item: Decoded, config: ModelConfig, *, novel: bool) -> list[str]:
    """Return reasons to trust an answer less that lie in one decoded image.

    Args:
        item: The image.
        config: The model's configuration.
        novel: Whether it is unlike all that the model was calibrated on.
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
    if novel:
        found.append(NOVEL)
    return found


def is_novel(painting: Painting, config: ModelConfig) -> bool:
    """Return whether a picture is unlike all that the model was calibrated on."""
    return config.novelty_limit is not None and painting.novelty > config.novelty_limit


def same_picture(left: Painting, right: Painting, config: ModelConfig) -> bool:
    """Return whether two images show one work: one file, or copies (`images.copied`)."""
    if left.sha256 == right.sha256:
        return True
    # No cosine of a pairwise model's encodings was ever measured: its pairs are all compared.
    cosine = 1.0 if config.pairwise else float(left.embedding @ right.embedding)
    return show_one_work(left.shown, right.shown, cosine)


def _artefacts_show(item: Decoded, size: int) -> bool:
    """Return whether the blocks of a strongly compressed file survive in a view."""
    quality = item.jpeg_quality
    # Shrunk to half or less, the blocks are averaged away.
    return (
        quality is not None and quality <= JPEG_QUALITY and min(item.width, item.height) < 2 * size
    )
