"""An encoder graph in ONNX Runtime: views in, embeddings out."""

import math
import os
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from samehand.errors import ModelError
from samehand.files import sha256_bytes
from samehand.images.views import VIEWS_VERSION, render_views
from samehand.model.outside import outside_files
from samehand.records import Device, Floats

BACKBONE = "backbone.bin"
"""The one file, in the folder of a graph, that weights of the graph may lie in."""

# Beyond this, larger batches of thumbnails only cost memory.
_VIEWS_AT_ONCE = 16

_PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


@dataclass(frozen=True, slots=True)
class EmbedderConfig:
    """All that decides an embedding.

    Attributes:
        encoder: The ONNX file.
        encoder_sha256: Hash of that file.
        size: Side of the square views in pixels.
        views: Names of the views of a painting whose embeddings are averaged.
        unit: Whether the graph gives unit embeddings; otherwise it gives the encodings that a
            pairwise head takes, of one view, and they stay as they are.
        backbone_sha256: Hash of the `BACKBONE` beside the ONNX file; None if there is none, and
            then the graph may read no other file.
    """

    encoder: Path
    encoder_sha256: str
    size: int
    views: tuple[str, ...]
    unit: bool = True
    backbone_sha256: str | None = None

    @property
    def digest(self) -> str:
        """Short hash; the key of every cache of embeddings."""
        facts = f"{self.encoder_sha256}|{self.size}|{','.join(self.views)}"
        if self.backbone_sha256:
            facts += f"|{self.backbone_sha256}"
        if VIEWS_VERSION != 1:
            facts += f"|views {VIEWS_VERSION}"
        return sha256_bytes(facts.encode())[:16]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder makes of B paintings, in one run.

    Attributes:
        embeddings: Unit length, (B, D); of a pairwise model, its encodings.
        views: Unit embedding of each view, (B, V, D); of a pairwise model, its encodings.
        novelty: How far each is from the training paintings, (B,), at least 0; see
            `Encoder.serve`. NaN where the graph does not tell.
        patches: Unit embedding of each cell of the first view, (B, P, D): a square grid, row by
            row from the upper left. None where the graph gives none, or they were not asked for.
    """

    embeddings: Floats
    views: Floats
    novelty: Floats
    patches: Floats | None


class Embedder:
    """The encoder, ready to run.

    Attributes:
        config: What it was loaded from.
        width: D, the length of an embedding.
        dtype: Of its numbers: float32, or float16 where encodings are long.
    """

    def __init__(
        self, config: EmbedderConfig, threads: int | None = None, device: Device = "cpu"
    ) -> None:
        """Load the graph.

        Args:
            config: Which graph, and which views it looks at.
            threads: CPU threads; None for all there are.
            device: Where it runs.

        Raises:
            ModelError: The graph cannot be loaded, or not on that device.
        """
        self.config = config
        self.threads = threads
        self._session = open_graph(
            config.encoder, threads, device, backbone=config.backbone_sha256 is not None
        )
        self.width, self.dtype = self._check_graph()
        self._outputs = {node.name for node in self._session.get_outputs()}

    def _check_graph(self) -> tuple[int, np.dtype[np.floating[Any]]]:
        """Return D and the kind of number, once the graph is one of images to embeddings."""
        size = self.config.size
        inputs = {node.name: node.shape[1:] for node in self._session.get_inputs()}
        outputs = {node.name: (node.shape[1:], node.type) for node in self._session.get_outputs()}
        # One number an image, where the graph tells it at all.
        tells = outputs.get("strangeness", ([], ""))[0] == []
        match outputs.get("embedding"):
            case ([int(width)], str(kind)) if tells and inputs == {"images": [3, size, size]}:
                return width, np.dtype(np.float16 if kind == "tensor(float16)" else np.float32)
        raise ModelError(
            f"{self.config.encoder} is not an encoder of {size} x {size} images to one embedding "
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
            Where the graph gives encodings for a head, that of the only view.
        """
        return self.encode(views).embeddings

    def encode(self, views: Floats, *, patches: bool = False) -> Encoded:
        """Encode the views of several paintings.

        Args:
            views: (B, V, 3, S, S), in [0, 1].
            patches: Whether to return the embeddings of cells, too.

        Raises:
            ModelError: The patches are not a square grid.
        """
        count, per_painting = views.shape[:2]
        flat = views.reshape(count * per_painting, *views.shape[2:])
        wanted = ["embedding", *self._outputs & {"strangeness"}]
        wanted += self._outputs & {"patches"} if patches else ()
        found = dict(zip(wanted, self._run(wanted, flat), strict=True))
        each = found["embedding"].reshape(count, per_painting, -1)
        # The first view is the whole, with the fast setting as well, and so the limit is one.
        novelty = found.get("strangeness", np.full(len(flat), np.nan, np.float32))[::per_painting]
        cells = found.get("patches")
        if cells is not None:
            cells = cells[::per_painting]
            if not 0 < math.isqrt(cells.shape[1]) ** 2 == cells.shape[1]:
                raise ModelError(
                    f"{self.config.encoder} gives {cells.shape[1]} patches, which are not a square "
                    "grid; choose another backbone"
                )
        embeddings = mean_direction(each) if self.config.unit else each[:, 0]
        return Encoded(embeddings, each, novelty, cells)

    def embed_views(self, views: Floats) -> Floats:
        """Embed single views, (N, 3, S, S) in [0, 1], to one unit embedding each, (N, D)."""
        return self._run(["embedding"], views)[0]

    def _run(self, outputs: list[str], views: Floats) -> list[Floats]:
        parts = [
            self._run_once(outputs, views[start : start + _VIEWS_AT_ONCE])
            for start in range(0, len(views), _VIEWS_AT_ONCE)
        ]
        return [np.concatenate(rows) for rows in zip(*parts, strict=True)]

    def _run_once(self, outputs: list[str], views: Floats) -> list[Floats]:
        found = run_graph(self._session, self.config.encoder, outputs, {"images": views})
        # What a graph declares of its outputs binds it to nothing.
        for name, rows in zip(outputs, found, strict=True):
            told = name == "strangeness"  # one number a view, and NaN where nothing is known
            # Patches of a network that compares pairs are not as wide as what it embeds.
            free = told or (name == "patches" and not self.config.unit)
            if len(rows) != len(views) or not free and rows.shape[-1] != self.width:
                raise ModelError(
                    f"{self.config.encoder} gives {name} of the shape {rows.shape} for "
                    f"{len(views)} views; export the model again"
                )
            if not told and not _finite(rows):
                raise ModelError(
                    f"{self.config.encoder} gives numbers that are not finite; copy the model "
                    "folder again, or export the model again"
                )
        return found


def open_graph(
    path: Path,
    threads: int | None = None,
    device: Device = "cpu",
    *,
    backbone: bool = False,
) -> onnxruntime.InferenceSession:
    """Load an ONNX graph.

    Args:
        path: The file.
        threads: CPU threads; None for all there are.
        device: Where it runs.
        backbone: Whether it may read `BACKBONE` in its own folder; it may read no other file.

    Raises:
        ModelError: The graph cannot be loaded, or not on that device, or it names a file that it
            may not read.
    """
    _refuse_outside(path, {BACKBONE} if backbone else set())
    provider = _provider(device)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or _available_cpus()
    options.inter_op_num_threads = 1
    # What fails is raised, too; a log would write the graph's names to a terminal as they are.
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"cannot load {path}: {reason}; copy the model folder again, "
            "or install a newer onnxruntime"
        ) from error
    # Without a driver ONNX Runtime would answer on the CPU, and only slowness would tell.
    if session.get_providers()[0] != provider:
        raise ModelError(
            f"ONNX Runtime cannot use the GPU here for {path}; check the NVIDIA driver and the "
            'CUDA libraries, or leave out device="cuda"'
        )
    return session


def run_graph(
    session: onnxruntime.InferenceSession,
    path: Path,
    outputs: list[str],
    inputs: Mapping[str, NDArray[np.floating[Any]]],
) -> list[Floats]:
    """Run a graph.

    Args:
        session: The loaded graph.
        path: Its file, which an error names.
        outputs: What to compute.
        inputs: What from.

    Raises:
        ModelError: It fails: of too little memory, or since its parts do not fit together.
    """
    try:
        found: list[Floats] = session.run(outputs, inputs)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"cannot run {path}: {reason}; see that memory is free, or copy the model folder again"
        ) from error
    return found


def _finite(rows: Floats) -> bool:
    """Return whether all numbers are finite, and small enough for lengths to be."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.square(rows, dtype=np.float32).sum()))


def _provider(device: Device) -> str:
    if device not in _PROVIDERS:
        raise ModelError(f"device must be one of {', '.join(_PROVIDERS)}, not {device!r}")
    provider = _PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise ModelError(
            'device="cuda" needs ONNX Runtime for GPUs, and the one installed here runs on the CPU '
            "alone: pip uninstall onnxruntime, then pip install onnxruntime-gpu"
        )
    return provider


def _refuse_outside(path: Path, allowed: Set[str]) -> None:
    try:
        named = outside_files(path.read_bytes())
    except (ModelError, OSError) as error:
        raise ModelError(f"cannot load {path}: {error}; copy the model folder again") from error
    if foreign := sorted(named - allowed):
        raise ModelError(
            f"{path} would read the file {ascii(foreign[0])}, which is not part of its model; "
            "do not use this model folder unless you trust whoever made it, "
            "and export the model again"
        )


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
