"""Fit linear discriminants of the training artists into an encoder: before training, and after.

Before, they are the best head that a pretrained backbone allows, so that training starts from it
instead of bending the backbone towards a random one (Kumar et al., ICLR 2022, "Fine-tuning can
distort pretrained features"). After, they take out of the embedding what training learned of the
artists it knows and that does not carry over to others.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samehand.images.decode import decode_file
from samehand.images.views import render_views
from samehand.networks.discriminant import discriminants
from samehand.networks.encoder import Encoder
from samehand.networks.ensemble import Ensemble
from samehand.progress import track
from samehand.records import Floats

_AT_ONCE = 32
_LEAST_DEVIATION = 1e-3


def start_from_discriminants(
    encoder: Encoder,
    paths: Sequence[Path],
    labels: NDArray[np.integer],
    *,
    size: int,
    ridge: float,
) -> Floats:
    """Set the projection of an encoder whose features are standardised from those features.

    Args:
        encoder: Changed in place.
        paths: N training paintings.
        labels: The artist of each, from 0.
        size: Side of the views in pixels.
        ridge: Shrinkage; see `networks.discriminant`.

    Returns:
        Every artist's mean embedding, (A, D): where class proxies may start.
    """
    encoder.eval()
    device = next(encoder.parameters()).device
    features = run_views(encoder.features, device, paths, size, "pretrained features")
    means = set_discriminants(encoder, features, labels, ridge)
    if encoder.config.pooling == "tokens":
        values = run_views(encoder.region_statistics, device, paths, size, "features of regions")
        set_regions(encoder, values, labels, ridge)
    return means


def set_discriminants(
    encoder: Encoder, features: Floats, labels: NDArray[np.integer], ridge: float
) -> Floats:
    """Set the projection of an encoder by its features of training paintings.

    Args:
        encoder: Changed in place.
        features: As `Encoder.features` gives them, (N, F).
        labels: The artist of each, (N,), from 0.
        ridge: Shrinkage; see `networks.discriminant`.

    Returns:
        Every artist's mean embedding, (A, D).
    """
    mean, deviation, features = standardised(features)
    projection = discriminants(features, labels, width=encoder.config.width, ridge=ridge)
    with torch.no_grad():
        encoder.feature_mean.copy_(torch.from_numpy(mean))
        encoder.feature_deviation.copy_(torch.from_numpy(deviation))
        encoder.projection.weight.copy_(torch.from_numpy(np.ascontiguousarray(projection.T)))
    embeddings = np.asarray(features @ projection, np.float32)
    embeddings /= np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    means = np.zeros((int(labels.max()) + 1, encoder.config.width), np.float32)
    np.add.at(means, labels, embeddings)
    return np.asarray(means / np.bincount(labels)[:, None], np.float32)


def set_regions(
    encoder: Encoder, values: Floats, labels: NDArray[np.integer], ridge: float
) -> None:
    """Set the projection of regions: by what the patches of whole paintings say of the artist.

    Args:
        encoder: Changed in place; of pooling "tokens".
        values: As `Encoder.region_statistics` gives them, (N, G).
        labels: The artist of each, (N,), from 0.
        ridge: Shrinkage; see `networks.discriminant`.
    """
    mean, deviation, scaled = standardised(values)
    projection = discriminants(scaled, labels, width=encoder.config.width, ridge=ridge)
    with torch.no_grad():
        encoder.region_mean.copy_(torch.from_numpy(mean))
        encoder.region_deviation.copy_(torch.from_numpy(deviation))
        encoder.region_projection.weight.copy_(torch.from_numpy(np.ascontiguousarray(projection.T)))


def standardised(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean and deviation of each column, (F,), and the values less and divided by them."""
    mean: Floats = values.mean(axis=0)
    deviation: Floats = values.std(axis=0) + np.float32(_LEAST_DEVIATION)
    return mean, deviation, np.asarray((values - mean) / deviation, np.float32)


def join(
    members: Sequence[Encoder],
    paths: Sequence[Path],
    labels: NDArray[np.integer],
    *,
    size: int,
    ridge: float,
) -> Ensemble:
    """Project trained encoders' embeddings by linear discriminants of what they say together.

    Args:
        members: One trained encoder or more.
        paths: N training paintings.
        labels: The artist of each, from 0.
        size: Side of the views in pixels.
        ridge: Shrinkage; see `networks.discriminant`.

    Raises:
        RecipeError: The encoders' embeddings differ in width.
    """
    ensemble = Ensemble(members).eval()
    device = next(ensemble.parameters()).device
    joined = run_views(ensemble.joined, device, paths, size, "embedding training paintings")
    mean = joined.mean(axis=0)
    projection = discriminants(joined - mean, labels, width=ensemble.width, ridge=ridge)
    with torch.no_grad():
        ensemble.projection.weight.copy_(torch.from_numpy(np.ascontiguousarray(projection.T)))
        ensemble.projection.bias.copy_(torch.from_numpy(-mean @ projection))
    return ensemble


@torch.inference_mode()
def run_views(
    compute: Callable[[Tensor], Tensor],
    device: torch.device,
    paths: Sequence[Path],
    size: int,
    label: str,
) -> Floats:
    """Return `compute` of the whole view of each painting, (N, any width).

    Args:
        compute: Images (B, 3, S, S) to rows.
        device: Where it is computed.
        paths: N image files of a catalogue.
        size: S.
        label: What the progress bar says.
    """
    rows = []
    for start in track(range(0, len(paths), _AT_ONCE), label):
        views = [
            render_views(decode_file(path).image, ("whole",), size)
            for path in paths[start : start + _AT_ONCE]
        ]
        images = torch.from_numpy(np.concatenate(views)).to(device)
        rows.append(compute(images.to(memory_format=torch.channels_last)).cpu().numpy())
    return np.concatenate(rows)
