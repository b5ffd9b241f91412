"""Painting: an image opened once and encoded once, whatever is asked of it."""

import os
import threading
from collections.abc import Callable

from PIL import Image

from samehand.arguments import checked, of_type, or_none, text
from samehand.errors import ModelError
from samehand.images.condition import picture_kind
from samehand.images.copied import Shown
from samehand.images.decode import Decoded, ImageSource, decode
from samehand.model.runtime import Embedder, Encoded
from samehand.records import Floats, PictureKind


class Painting:
    """A painting, opened by a model.

    Its pixels are decoded when it is opened; embedding, patches and novelty are computed together
    when one of them is first needed, and never twice. Threads may share it.

    Attributes:
        name: What answers call it: its path as it was given, or what the caller named it.
    """

    def __init__(self, name: str, embedder: Embedder, load: Callable[[], Decoded]) -> None:
        """Prepare a painting; use `SameHand.open`.

        Args:
            name: What answers call it.
            embedder: What encodes it.
            load: Returns its pixels; called once, and only if they are asked for.
        """
        self.name = name
        self._embedder = embedder
        self._load = load
        self._decoded: Decoded | None = None
        self._encoded: Encoded | None = None
        self._kind: PictureKind | None = None
        self._shown: Shown | None = None
        self._lock = threading.RLock()

    @classmethod
    @checked(name=or_none(text), embedder=of_type(Embedder, "the embedder of a model"))
    def open(cls, source: ImageSource, embedder: Embedder, name: str | None = None) -> "Painting":
        """Decode a painting now.

        Args:
            source: A path, the bytes of an image file, an open file, a Pillow image or an array.
            embedder: What will encode it.
            name: What answers call it; None for its path.

        Raises:
            ImageError: It cannot be read.
        """
        path = isinstance(source, str | os.PathLike)
        name = name or (os.fsdecode(source) if path else "the image")
        # A path is called by itself in error sentences.
        decoded = decode(source) if path else decode(source, name)
        return cls(name, embedder, lambda: decoded)

    def __repr__(self) -> str:
        return f"Painting({self.name!r}, {self.decoded.width} x {self.decoded.height})"

    @property
    def decoded(self) -> Decoded:
        """Its pixels and what is known of its file."""
        with self._lock:
            if self._decoded is None:
                self._decoded = self._load()
            return self._decoded

    @property
    def image(self) -> Image.Image:
        """Its pixels: RGB, upright."""
        return self.decoded.image

    @property
    def kind(self) -> PictureKind:
        """What its file can show; see `samehand.images.condition`."""
        with self._lock:
            if self._kind is None:
                self._kind = picture_kind(self.decoded)
            return self._kind

    @property
    def sha256(self) -> str:
        """Hash of its file."""
        return self.decoded.sha256

    @property
    def shown(self) -> Shown:
        """What tells copies of it; see `samehand.images.copied`."""
        with self._lock:
            if self._shown is None:
                self._shown = Shown(self.image)
            return self._shown

    @property
    def embedding(self) -> Floats:
        """Unit length, (D,); of a pairwise model, its encoding."""
        row: Floats = self._known().embeddings[0]
        return row

    @property
    def view_embeddings(self) -> Floats:
        """Unit embedding of each view, (V, D)."""
        rows: Floats = self._known().views[0]
        return rows

    @property
    def novelty(self) -> float:
        """How far it is from the training paintings, at least 0; NaN where nothing is known."""
        return float(self._known().novelty[0])

    @property
    def patches(self) -> Floats:
        """Unit embedding of each cell, (P, D): a square grid, row by row from the upper left.

        Raises:
            ModelError: The model gives none.
        """
        found = self._known().patches
        if found is None:
            raise ModelError(
                f"{self._embedder.config.encoder} gives no embeddings of patches, so there is no "
                "evidence to show; export the model again"
            )
        cells: Floats = found[0]
        return cells

    def views(self) -> Floats:
        """Return what the encoder sees, (V, 3, S, S) in [0, 1]; rendered again at each call."""
        return self._embedder.render(self.image)

    @checked(embedder=of_type(Embedder, "the embedder of a model"))
    def opened_by(self, embedder: Embedder) -> "Painting":
        """Return the painting as a model sees it: itself, if that model opened it."""
        if embedder.config == self._embedder.config:
            return self
        return Painting(self.name, embedder, lambda: self.decoded)

    def _known(self) -> Encoded:
        with self._lock:
            if self._encoded is None:
                self._encoded = self._embedder.encode(self.views()[None], patches=True)
            return self._encoded
