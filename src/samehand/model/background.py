"""What evidence is set against: regions of other painters' works, and the scores of known pairs.

It is one file of the model folder, `evidence.safetensors`, which no verdict needs: a folder
without it opens and compares, and the model's identity does not depend on it.

Shapes: N regions, D embedding width, E bins.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samehand.errors import ModelError
from samehand.files import atomic_path, sha256_bytes
from samehand.model.folder import COHORT, ENCODER, ModelConfig, ModelFolder
from samehand.model.runtime import BACKBONE
from samehand.records import Floats

BACKGROUND = "evidence.safetensors"

FORMAT = "1"

MIDDLE = 4
"""The place of a region that does not lie at the border."""

_LEVELS = 127


@dataclass(frozen=True, slots=True)
class Background:
    """What the two paintings of a comparison are set against.

    Attributes:
        regions: Embeddings of regions of training paintings, unit length up to rounding, (N, D).
        edges: Raw scores between which the calibration pairs were counted, rising, (E + 1,).
        genuine: Calibration pairs by one artist in each bin, (E,).
        impostor: Calibration pairs by two artists in each bin, (E,).
        places: Where in its painting each region lay, (N,), from 0 to 8, row by row: a corner, a
            side or the middle; None in files made before that was kept.
        discount: What a likeness of two regions at the border loses, log10 of works, since there
            regions are alike more often than these say; of one at the border and one within it
            is half. 0 in files made before that was measured.
    """

    regions: Floats
    edges: NDArray[np.float64]
    genuine: NDArray[np.int64]
    impostor: NDArray[np.int64]
    places: NDArray[np.int64] | None = None
    discount: float = 0.0


def places_of(side: int) -> NDArray[np.int64]:
    """Return where each cell of a grid lies, (G * G,): 0 to 8, row by row.

    0, 2, 6 and 8 are corners, 1, 3, 5 and 7 the rest of the sides, and 4 is the middle.
    """
    line = np.ones(side, np.int64)
    line[0], line[-1] = 0, 2
    places: NDArray[np.int64] = (3 * line[:, None] + line[None]).ravel()
    return places


def served_digest(config: ModelConfig) -> str:
    """Return a hash of all that decides embeddings and scores; a background belongs to one."""
    facts = [
        config.files[ENCODER],
        config.files[COHORT],
        config.size,
        list(config.views),
        config.normalisation,
        config.neighbours,
    ]
    if BACKBONE in config.files:
        facts.append(config.files[BACKBONE])
    return sha256_bytes(json.dumps(facts).encode())


def write_background(folder: Path, config: ModelConfig, background: Background) -> None:
    """Write a background into a model folder, its regions as 8-bit numbers.

    Args:
        folder: The model folder.
        config: Its configuration.
        background: What to write.

    Raises:
        OutputError: The file cannot be written.
    """
    from safetensors.numpy import save

    tensors: dict[str, NDArray[Any]] = {
        "regions": np.rint(background.regions * _LEVELS).astype(np.int8),
        "edges": background.edges,
        "genuine": background.genuine,
        "impostor": background.impostor,
    }
    if background.places is not None:
        tensors["places"] = background.places.astype(np.int8)
    if background.discount:
        tensors["discount"] = np.array([background.discount])
    metadata = {"format": FORMAT, "model": served_digest(config)}
    with atomic_path(folder / BACKGROUND) as temporary:
        temporary.write_bytes(save(tensors, metadata))


def read_background(folder: ModelFolder) -> Background:
    """Return the background of an opened model.

    Raises:
        ModelError: The folder has none, or one that is damaged or belongs to another model.
    """
    from safetensors import safe_open

    folder.require_metric("show evidence")
    path = folder.path / BACKGROUND
    if not path.is_file():
        raise ModelError(
            f"the model {folder.path} has no {BACKGROUND}, which evidence is set against; make it "
            f"with: samehand background {folder.path} --catalogue CATALOGUE"
        )
    try:
        with safe_open(path, framework="np") as stored:
            metadata = stored.metadata() or {}
            if metadata.get("format") != FORMAT or metadata.get("model") != served_digest(
                folder.config
            ):
                raise ValueError("it belongs to another model or another samehand")
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        background = Background(
            tensors["regions"].astype(np.float32) / _LEVELS,
            tensors["edges"],
            tensors["genuine"],
            tensors["impostor"],
            tensors["places"].astype(np.int64) if "places" in tensors else None,
            float(tensors["discount"].item()) if "discount" in tensors else 0.0,
        )
        _check_counts(background)
        if background.regions.shape[1:] != (folder.comparator.width,):
            raise ValueError("its regions do not have the width of an embedding")
        if not (np.linalg.norm(background.regions, axis=1) > 0.5).all() or not len(
            background.regions
        ):
            raise ValueError("its regions are not embeddings")
        if background.places is not None and (
            background.places.shape != background.regions.shape[:1]
            or not np.isin(background.places, np.arange(9)).all()
        ):
            raise ValueError("its places are not those of its regions")
        if not 0 <= background.discount < 9:
            raise ValueError("its discount is not a number from 0")
    except Exception as error:
        raise ModelError(
            f"cannot use {path}: {error}; make it again with: samehand background {folder.path} "
            "--catalogue CATALOGUE"
        ) from error
    return background


def _check_counts(background: Background) -> None:
    edges, bins = background.edges, len(background.edges) - 1
    if not bins or edges.shape != (bins + 1,) or not np.isfinite(edges).all():
        raise ValueError("its bins have no edges")
    if not (np.diff(edges) > 0).all():
        raise ValueError("the edges of its bins do not rise")
    for counts in (background.genuine, background.impostor):
        if counts.shape != (bins,) or not np.issubdtype(counts.dtype, np.integer):
            raise ValueError("its counts do not fit its bins")
        # Up to this, sums are exact.
        if counts.min() < 0 or not 0 < counts.sum(dtype=np.float64) < 2**53:
            raise ValueError("its counts are not numbers of pairs")
