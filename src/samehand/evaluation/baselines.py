"""What a system must beat: simple features, compared and calibrated exactly like a model.

Shapes: B paintings, V views, D width of a row, C channels of the backbone's last map, G entries of
the texture statistics.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samehand.errors import MissingExtraError, SamehandError
from samehand.files import sha256_bytes
from samehand.images.views import render_views
from samehand.records import Floats

if TYPE_CHECKING:
    import torch

COLOUR = "colour-histogram"
FROZEN = "frozen:"
TEXTURE = "texture:"

_SIZE = 224
_VERSION = 1
_TEXTURE_CHANNELS = 40
"""Layers with more channels than this describe things rather than strokes."""


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """What a baseline's rows depend on.

    Attributes:
        name: Of the baseline, with the backbone's.
    """

    name: str

    @property
    def digest(self) -> str:
        """Short hash; the key of every cache of these rows."""
        return sha256_bytes(f"{self.name}|{_SIZE}|{_VERSION}".encode())[:16]


@dataclass(frozen=True, slots=True)
class Features:
    """A way from images to raw, uncentred rows; `model.embed` caches them like a model's.

    Attributes:
        config: What the rows depend on.
        width: D.
        render: One RGB image to what is looked at of it, (V, ...).
        embed: (B, V, ...) to rows, (B, D).
        dtype: Of the rows.
    """

    config: FeatureConfig
    width: int
    render: Callable[[Image.Image], Floats]
    embed: Callable[[Floats], Floats]
    dtype: np.dtype[np.floating[Any]] = np.dtype(np.float32)


def baseline(name: str) -> Features:
    """Return the features called `name`.

    Args:
        name: "colour-histogram"; or "frozen:" and the name of a backbone, for the mean of its last
            feature map; or "texture:" and an EfficientNet-Lite, for `texture_statistics`.

    Raises:
        SamehandError: There is no such baseline.
        MissingExtraError: A backbone needs the training packages.
    """
    if name == COLOUR:
        return Features(FeatureConfig(name), 512, colour_histogram, _first_view)
    if name.startswith(FROZEN):
        both, width = backbone_statistics(name.removeprefix(FROZEN))
        return Features(
            FeatureConfig(name), width, both.render, lambda views: both.embed(views)[:, :width]
        )
    if name.startswith(TEXTURE):
        both, width = backbone_statistics(name.removeprefix(TEXTURE))
        if both.width > width:
            return Features(
                FeatureConfig(name),
                both.width - width,
                both.render,
                lambda views: both.embed(views)[:, width:],
            )
    raise SamehandError(
        f"no baseline {name!r}; choose {COLOUR}, {FROZEN}BACKBONE (for example "
        f"{FROZEN}efficientnet-lite0) or {TEXTURE}efficientnet-lite0"
    )


def colour_histogram(image: Image.Image) -> Floats:
    """Return square roots of an 8 x 8 x 8 RGB histogram, (1, 512).

    The dot product of two is the Bhattacharyya coefficient of the histograms.
    """
    pixels = np.asarray(image.resize((128, 128), Image.Resampling.BOX), dtype=np.int64) // 32
    codes = (pixels[..., 0] * 8 + pixels[..., 1]) * 8 + pixels[..., 2]
    counts = np.bincount(codes.ravel(), minlength=512)
    shares: Floats = np.sqrt(counts / counts.sum()).astype(np.float32)
    return shares[None]


def backbone_statistics(backbone: str) -> tuple[Features, int]:
    """Return a frozen backbone's pooled features and texture statistics, in one pass.

    Returns:
        The features, D = C + G, and C. The first C columns are the mean of the last feature map,
        the others `texture_statistics` of the early layers; G is 0 for a backbone that is no
        EfficientNet-Lite.

    Raises:
        MissingExtraError: The training packages are not installed.
    """
    try:
        import torch

        from samehand.networks.backbone import load_backbone
        from samehand.training.loop import keep_freed_memory
    except ImportError as error:
        raise MissingExtraError("a frozen backbone", "train") from error
    keep_freed_memory()
    network = load_backbone(backbone).eval()
    maps: list[torch.Tensor] = []
    channels = [
        _keep_output(block, maps) for block in _early_blocks(getattr(network.body, "network", None))
    ]

    def embed(views: Floats) -> Floats:
        maps.clear()
        with torch.inference_mode():
            last = network(torch.from_numpy(np.ascontiguousarray(views[:, 0])))
        textures = [texture_statistics(kept.numpy()) for kept in maps]
        return np.concatenate([last.mean(dim=(2, 3)).numpy(), *textures], axis=1)

    entries = sum(count * (count + 1) // 2 for count in channels)
    features = Features(
        FeatureConfig(f"statistics:{backbone}"),
        network.width + entries,
        lambda image: render_views(image, ("whole",), _SIZE),
        embed,
    )
    return features, network.width


def texture_statistics(maps: NDArray[np.float32]) -> Floats:
    """Return the Gram matrix of feature maps as a row a painting.

    Gatys, Ecker & Bethge (2015), "Texture synthesis using convolutional neural networks", NeurIPS,
    equation 1: G = F F^T over positions, which forgets where things are and keeps which features
    occur together. Its mean is taken over positions, and square roots with the sign keep the few
    strong channels from deciding alone.

    Args:
        maps: (B, K, h, w).

    Returns:
        The upper triangles, (B, K (K + 1) / 2).
    """
    flat = maps.reshape(*maps.shape[:2], -1)
    gram = flat @ flat.transpose(0, 2, 1) / flat.shape[2]
    rows, columns = np.triu_indices(flat.shape[1])
    upper = gram[:, rows, columns]
    signed: Floats = (np.sign(upper) * np.sqrt(np.abs(upper))).astype(np.float32)
    return signed


def centred(embeddings: Floats, centre: Floats) -> Floats:
    """Return embeddings as directions from a common centre, unit length.

    Args:
        embeddings: (N, D).
        centre: (D,), the mean of training paintings.
    """
    moved = embeddings - centre
    unit: Floats = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
    return unit.astype(np.float32)


def _first_view(views: Floats) -> Floats:
    return views[:, 0]


def _early_blocks(network: Any) -> list[Any]:  # noqa: ANN401
    """Return the last block of each early stage of an EfficientNet-Lite; of others, none."""
    blocks = list(getattr(network, "_blocks", ()))
    widths = [block._project_conv.out_channels for block in blocks]
    return [
        block
        for block, width, following in zip(blocks, widths, [*widths[1:], None], strict=True)
        if width != following and width <= _TEXTURE_CHANNELS
    ]


def _keep_output(block: Any, kept: list["torch.Tensor"]) -> int:  # noqa: ANN401
    """Let a block leave its output in `kept` at each pass; return its channels."""
    block.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    return int(block._project_conv.out_channels)
