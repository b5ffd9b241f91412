"""An encoder graph in ONNX Runtime: views in, embeddings out."""

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
        rows = [
            self._session.run(["embedding"], {"images": flat[start : start + _VIEWS_AT_ONCE]})[0]
            for start in range(0, len(flat), _VIEWS_AT_ONCE)
        ]
        return mean_direction(np.concatenate(rows).reshape(count, per_painting, -1))


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
