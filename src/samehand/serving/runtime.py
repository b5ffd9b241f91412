"""An encoder graph in ONNX Runtime: views in, embeddings out."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from samehand.errors import ModelError
from samehand.files import sha256_bytes
from samehand.images.views import render_views
from samehand.records import Floats

# Beyond this, larger batches of thumbnails only cost memory.
_VIEWS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class EmbedderConfig:
    """All that decides an embedding.

    Attributes:
        encoder: The ONNX file.
        encoder_sha256: Hash of that file.
        size: Side of the square views in pixels.
        views: Names of the views of a painting whose embeddings are averaged.
    """

    encoder: Path
    encoder_sha256: str
    size: int
    views: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Short hash; the key of every cache of embeddings."""
        facts = f"{self.encoder_sha256}|{self.size}|{','.join(self.views)}"
        return sha256_bytes(facts.encode())[:16]


class Embedder:
    """The encoder, ready to run on the CPU.

    Attributes:
        config: What it was loaded from.
        width: D, the length of an embedding.
    """

    def __init__(self, config: EmbedderConfig, threads: int | None = None) -> None:
        """Load the graph.

        Args:
            config: Which graph, and which views it looks at.
            threads: CPU threads; None for all there are.

        Raises:
            ModelError: The graph cannot be loaded.
        """
        self.config = config
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _available_cpus()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(config.encoder), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ModelError(
                f"cannot load {config.encoder}: {reason}; copy the model folder again, "
                "or install a newer onnxruntime"
            ) from error
        self.width = self._check_graph()

    def _check_graph(self) -> int:
        """Return D, once the graph is one of images to embeddings."""
        size = self.config.size
        inputs = {node.name: node.shape[1:] for node in self._session.get_inputs()}
        outputs = {node.name: node.shape[1:] for node in self._session.get_outputs()}
        match outputs.get("embedding"):
            case [int(width)] if inputs == {"images": [3, size, size]}:
                return width
        raise ModelError(
            f"{self.config.encoder} is no encoder of {size} x {size} images to one embedding "
            "each; export the model again"
        )

    def render(self, image: Image.Image) -> Floats:
        """Return the views of one RGB image that the encoder looks at, (V, 3, S, S)."""
        return render_views(image, self.config.views, self.config.size)

    def embed(self, views: Floats) -> Floats:
        """Embed the views of several paintings.

        Args:
            views: (B, V, 3, S, S), in [0, 1].

        Returns:
            One unit embedding a painting, the direction of the mean over its views: (B, D).
        """
        count, per_painting = views.shape[:2]
        flat = views.reshape(count * per_painting, *views.shape[2:])
        return mean_direction(self.embed_views(flat).reshape(count, per_painting, -1))

    def embed_views(self, views: Floats) -> Floats:
        """Embed single views, (N, 3, S, S) in [0, 1], to one unit embedding each, (N, D)."""
        return self._run("embedding", views)

    def patches(self, views: Floats) -> Floats:
        """Return the unit embedding of each cell of single views.

        Args:
            views: (N, 3, S, S), in [0, 1].

        Returns:
            (N, P, D): a square grid of P cells, row by row from the upper left.

        Raises:
            ModelError: The encoder does not give any.
        """
        if "patches" not in {node.name for node in self._session.get_outputs()}:
            raise ModelError(
                f"{self.config.encoder} gives no embeddings of patches, so there is no evidence "
                "to show; export the model again"
            )
        found = self._run("patches", views)
        if math.isqrt(found.shape[1]) ** 2 != found.shape[1]:
            raise ModelError(
                f"{self.config.encoder} gives {found.shape[1]} patches, which are no square grid; "
                "choose another backbone"
            )
        return found

    def _run(self, output: str, views: Floats) -> Floats:
        rows = [
            self._session.run([output], {"images": views[start : start + _VIEWS_AT_ONCE]})[0]
            for start in range(0, len(views), _VIEWS_AT_ONCE)
        ]
        return np.concatenate(rows)


def mean_direction(embeddings: Floats) -> Floats:
    """Average unit embeddings over views and bring them back to unit length.

    Args:
        embeddings: (B, V, D).

    Returns:
        (B, D), unit length.
    """
    mean = embeddings.mean(axis=1)
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    unit: Floats = (mean / np.maximum(length, 1e-12)).astype(np.float32)
    return unit


def _available_cpus() -> int:
    # A container may own fewer CPUs than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
