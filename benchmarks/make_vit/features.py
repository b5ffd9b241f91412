"""What the frozen backbone says of every training picture, computed once and kept.

Shapes: N pictures, F pooled features, G statistics of regions.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from samehand.files import sha256_bytes
from samehand.images.views import render_views
from samehand.model.embed import embed_catalogued
from samehand.networks.encoder import Encoder
from samehand.records import Floats


@dataclass(frozen=True, slots=True)
class _Key:
    digest: str


class TokenFeatures:
    """The features of an encoder of pooling "tokens" and its regions' side by side."""

    def __init__(self, encoder: Encoder, size: int) -> None:
        """Name the cache by everything that decides the features.

        Args:
            encoder: Only its backbone is asked.
            size: Side of the view in pixels.
        """
        self.encoder, self.size = encoder.eval(), size
        weights = sha256_bytes(
            b"".join(tensor.numpy().tobytes() for tensor in encoder.backbone.state_dict().values())
        )
        facts = [asdict(encoder.config) | {"width": 0}, size, weights]
        self.config = _Key(f"features-{sha256_bytes(json.dumps(facts).encode())[:16]}")
        self.pooled = encoder.projection.in_features
        self.width = self.pooled + encoder.region_projection.in_features
        self.dtype = np.dtype(np.float32)

    def render(self, image: Image.Image) -> Floats:
        """Return the whole picture squeezed to a square, (1, 3, S, S)."""
        return render_views(image, ("whole",), self.size)

    @torch.inference_mode()
    def embed(self, views: Floats) -> Floats:
        """Return features and regions' statistics, (B, F + G), of (B, 1, 3, S, S)."""
        images = torch.from_numpy(np.ascontiguousarray(views[:, 0]))
        found = self.encoder.features_and_regions(images)
        return torch.cat(found, dim=1).numpy()

    def of(self, root: Path, paths: Sequence[str]) -> tuple[Floats, Floats]:
        """Return features, (N, F), and statistics of regions, (N, G), of a catalogue's pictures."""
        rows = embed_catalogued(self, paths, root, root / "embeddings", "features of the backbone")
        return rows[:, : self.pooled], rows[:, self.pooled :]
