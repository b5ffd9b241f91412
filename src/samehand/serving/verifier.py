"""SameHand: the one facade. Two paintings in, a calibrated verdict out."""

import io
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from samehand.errors import ImageError, ModelError
from samehand.images.decode import Decoded, decode_bytes, decode_file
from samehand.records import Floats, OperatingPoint, Verdict
from samehand.scoring.calibration import (
    Calibration,
    decide,
    llr_from_score,
    operating_threshold,
    probability,
    strength,
)
from samehand.scoring.comparator import Enrolled, enrol, pair_scores
from samehand.serving.folder import open_model
from samehand.serving.head import OnnxHead
from samehand.serving.runtime import Embedder, Looked
from samehand.serving.warnings import warn_about

if TYPE_CHECKING:
    from samehand.scoring.openset import FalseAlarms
    from samehand.serving.findings import Identification, ReferenceVerdict, SearchResult
    from samehand.serving.gallery import Gallery

ImageLike = str | os.PathLike[str] | bytes | Image.Image
"""A path, the bytes of an image file, or a Pillow image."""


class SameHand:
    """Answers whether two paintings were made by the same artist.

    Example:
        >>> from samehand import SameHand
        >>> verdict = SameHand().compare("a.jpg", "b.jpg")  # doctest: +SKIP
        >>> verdict.llr, verdict.strength  # doctest: +SKIP
        (1.2, 'moderate support for the same artist')
    """

    def __init__(
        self,
        model: str | Path | None = None,
        threads: int | None = None,
        *,
        fast: bool = False,
    ) -> None:
        """Open a model.

        Args:
            model: A model folder's path, a built-in name, or None for the model that ships.
            threads: CPU threads; None for all there are.
            fast: Look at one view of each painting only. Such verdicts are a little less certain,
                and calibrated as such; evidence, reference sets and galleries need all views.

        Raises:
            ModelError: There is no such model, it is damaged, or it has no fast setting.
        """
        self.model = open_model(model, threads, fast=fast)
        self.embedder = Embedder(self.model.embedder, threads)
        comparator = self.model.comparator
        if isinstance(comparator.head, OnnxHead):
            part, width = "head", comparator.head.width
        else:
            part, width = "cohort", comparator.cohort.shape[1]
        if width != self.embedder.width:
            raise ModelError(
                f"the model {self.model.path} has a {part} of width {width} and an encoder of "
                f"width {self.embedder.width}; export the model again"
            )

    def compare(
        self,
        left: ImageLike,
        right: ImageLike,
        *,
        prior: float = 0.5,
        operating_point: OperatingPoint = "eer",
    ) -> Verdict:
        """Say how strongly two images speak for one artist or two.

        Args:
            left: A painting.
            right: Another painting; swapping the two changes nothing.
            prior: P(same artist) before looking, strictly between 0 and 1.
            operating_point: Which measured error rate the decision promises.

        Raises:
            ImageError: One of the images cannot be read.
            SamehandError: `prior` or `operating_point` is not one that exists.
        """
        started = time.perf_counter()
        # A bad question is refused before anything is decoded.
        operating_threshold(self.model.config.calibration, operating_point)
        probability(0.0, prior)
        decoded = [_decode(left, "left image"), _decode(right, "right image")]
        verdict = self.compare_decoded(
            decoded[0], decoded[1], prior=prior, operating_point=operating_point
        )
        return replace(verdict, seconds=time.perf_counter() - started)

    def compare_decoded(
        self,
        left: Decoded,
        right: Decoded,
        *,
        prior: float = 0.5,
        operating_point: OperatingPoint = "eer",
    ) -> Verdict:
        """Compare two images that are decoded already; otherwise as `compare`.

        Raises:
            SamehandError: `prior` or `operating_point` is not one that exists.
        """
        started = time.perf_counter()
        point = operating_threshold(self.model.config.calibration, operating_point)
        decoded = [left, right]
        looked = self.look(decoded)
        enrolled = enrol(self.model.comparator, looked.embeddings)
        score = float(self.score(enrolled, [0], [1])[0])
        config = self.model.config
        llr = float(llr_from_score(config.calibration, score))
        return Verdict(
            score=score,
            llr=llr,
            probability=float(probability(llr, prior)),
            prior=prior,
            decision=decide(score, point),
            operating_point=operating_point,
            error_rate=point.error_rate,
            strength=strength(llr),
            llr_one_style=_maybe_llr(config.one_style, score),
            warnings=warn_about(decoded, looked, config),
            model=self.model.identity,
            seconds=time.perf_counter() - started,
        )

    def verify(
        self,
        probe: ImageLike,
        references: Sequence[ImageLike],
        *,
        prior: float = 0.5,
        operating_point: OperatingPoint = "eer",
    ) -> "ReferenceVerdict":
        """Say how strongly a probe speaks for the artist of some references or for another.

        Args:
            probe: A painting.
            references: At least one work by one artist; their order changes nothing.
            prior: P(by that artist) before looking, strictly between 0 and 1.
            operating_point: Which measured error rate the decision promises.

        Raises:
            ImageError: One of the images cannot be read.
            ModelError: The model has no rule for references.
            SamehandError: `prior` or `operating_point` is not one that exists, or there are no
                references.
        """
        from samehand.serving.verify import verify

        names = [
            os.fspath(one) if isinstance(one, str | os.PathLike) else f"reference {index}"
            for index, one in enumerate(references, 1)
        ]
        decoded = [_decode(one, name) for one, name in zip(references, names, strict=True)]
        return verify(
            self,
            _decode(probe, "probe"),
            decoded,
            names,
            prior=prior,
            operating_point=operating_point,
        )

    def search(
        self,
        probe: ImageLike,
        gallery: "Gallery",
        top: int = 20,
        *,
        where: Sequence[str] = (),
        exact: bool = False,
    ) -> "SearchResult":
        """Find the works of a gallery that are most like a probe.

        Args:
            probe: A painting.
            gallery: Where to look.
            top: How many works, at most.
            where: Conditions that all hold, such as "artist=Claude Monet".
            exact: Look at every work even where there is an approximate index.

        Raises:
            ImageError: The image cannot be read.
            GalleryError: The gallery is another model's, or a condition cannot be understood.
        """
        from samehand.serving.seek import search

        return search(self, _decode(probe, "probe"), gallery, top=top, where=where, exact=exact)

    def identify(
        self,
        probe: ImageLike,
        gallery: "Gallery",
        top: int = 5,
        *,
        where: Sequence[str] = (),
        prior: float = 0.5,
        threshold: "FalseAlarms" = "far10",
    ) -> "Identification":
        """Say which artist of a gallery made a probe, or that none of them did.

        Args:
            probe: A painting.
            gallery: Whose artists are in question.
            top: How many candidates to return, at most.
            where: Conditions that all hold, such as "style=Baroque".
            prior: P(one of these) before looking, strictly between 0 and 1.
            threshold: Which false alarm rate the decision promises.

        Raises:
            ImageError: The image cannot be read.
            GalleryError: The gallery is another model's, or has no work with an artist.
            ModelError: The model has no open-set rule.
            SamehandError: `prior`, `threshold` or `top` is not one that exists.
        """
        from samehand.serving.seek import identify

        return identify(
            self,
            _decode(probe, "probe"),
            gallery,
            top=top,
            where=where,
            prior=prior,
            threshold=threshold,
        )

    def embed(self, images: Sequence[ImageLike]) -> Floats:
        """Return the unit embedding of each image, (B, D); of a pairwise model, its encoding.

        Raises:
            ImageError: One of the images cannot be read.
        """
        decoded = [_decode(image, f"image {index + 1}") for index, image in enumerate(images)]
        return self.look(decoded).embeddings

    def look(self, decoded: Sequence[Decoded]) -> Looked:
        """Return the embeddings, (B, D), and the strangeness, (B,), of decoded images."""
        rows = np.empty((len(decoded), self.embedder.width), self.embedder.dtype)
        strangeness = np.empty(len(decoded), np.float32)
        # One at a time: a painting's views fill a batch, and memory stays bounded.
        for index, item in enumerate(decoded):
            found = self.embedder.look(self.embedder.render(item.image)[None])
            rows[index], strangeness[index] = found.embeddings[0], found.strangeness[0]
        return Looked(rows, strangeness)

    def score(self, enrolled: Enrolled, left: Sequence[int], right: Sequence[int]) -> Floats:
        """Return the raw scores of pairs of enrolled paintings, (M,)."""
        return pair_scores(self.model.comparator, enrolled, np.asarray(left), np.asarray(right))


def _maybe_llr(calibration: Calibration | None, score: float) -> float | None:
    return None if calibration is None else float(llr_from_score(calibration, score))


def _decode(image: ImageLike, name: str) -> Decoded:
    if isinstance(image, bytes):
        return decode_bytes(image, name)
    if isinstance(image, Image.Image):
        return decode_bytes(_encode(image, name), name)
    return decode_file(image)


def _encode(image: Image.Image, name: str) -> bytes:
    """Return an open picture as a file, so that it goes the way of every other file."""
    buffer = io.BytesIO()
    # PNG knows transparency and palettes, TIFF every other kind of pixel; both lose nothing.
    kind = "PNG" if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "TIFF"
    try:
        # Unlike the colour profile, the orientation is not saved unless it is handed over.
        image.save(buffer, kind, exif=image.getexif())
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(
            f"{name} cannot be read ({error}); open its file again, or convert it to RGB"
        ) from error
    return buffer.getvalue()
