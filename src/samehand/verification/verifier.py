"""SameHand: the one facade. Paintings in, calibrated verdicts out."""

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from samehand.arguments import checked, conditions, flag, number, or_none, path, text, whole
from samehand.errors import ImageError, ModelError
from samehand.model.folder import ModelFolder, open_model
from samehand.model.painting import Painting
from samehand.model.runtime import Embedder
from samehand.records import Device, FalseAlarms, Floats, OperatingPoint
from samehand.results import (
    Clustering,
    Evidence,
    Identification,
    Queue,
    ReferenceVerdict,
    SearchResult,
    Verdict,
)
from samehand.scoring.calibration import (
    llr_from_score,
    llr_interval,
    operating_threshold,
    probability,
    strength,
)
from samehand.verification.condition import (
    measured_on,
    one_style_decisions,
    one_style_llr,
    pair_reading,
)
from samehand.verification.handed_over import PaintingLike, Unreadable, each_of, is_path
from samehand.verification.warnings import pair_warnings

if TYPE_CHECKING:
    from samehand.gallery import Gallery

_AHEAD = 8
"""So many paintings are decoded before they are asked for."""


class SameHand:
    """Answers whether paintings were made by the same artist.

    One object may be used by several threads, which share one copy of the weights; answers do not
    change it. `AsyncSameHand` is the same for asyncio. It is pickled as its model's folder and its
    settings, and loads the model again where it is unpickled.

    Examples:
        >>> from samehand import SameHand
        >>> verdict = SameHand().compare("a.jpg", "b.jpg")  # doctest: +SKIP
        >>> verdict.llr, verdict.strength  # doctest: +SKIP
        (1.2, 'moderate support for the same artist')

    Attributes:
        folder: The opened model folder.
        embedder: Its encoder.
    """

    @checked(model=or_none(path), threads=or_none(whole()), fast=flag, device=text)
    def __init__(
        self,
        model: str | Path | None = None,
        threads: int | None = None,
        *,
        fast: bool = False,
        device: Device = "cpu",
    ) -> None:
        """Open a model.

        Args:
            model: A model folder's path, a built-in name, "hf:owner/name" for one on the Hugging
                Face hub, or None for $SAMEHAND_MODEL, else the accurate one that ships, "vit".
            threads: CPU threads; None for all there are.
            fast: Encode one view of each painting only. Such verdicts are a little less certain,
                and calibrated as such; evidence, reference sets and galleries need all views.
            device: Where paintings are encoded; "cuda" needs onnxruntime-gpu in place of
                onnxruntime.

        Raises:
            ModelError: There is no such model, it is damaged, it has no fast setting, or it cannot
                run on the device.
        """
        self._settings = (threads, fast, device)
        self.folder = open_model(model, threads, fast=fast)
        self.embedder = Embedder(self.folder.embedder, threads, device)
        if self.folder.comparator.width != self.embedder.width:
            part = "cohort" if self.folder.comparator.metric else "head"
            raise ModelError(
                f"the model {self.folder.path} has a {part} of width "
                f"{self.folder.comparator.width} and an encoder of width {self.embedder.width}; "
                "export the model again"
            )

    @classmethod
    @checked(repo=text, revision=or_none(text))
    def from_pretrained(
        cls,
        repo: str,
        *,
        revision: str | None = None,
        threads: int | None = None,
        fast: bool = False,
        device: Device = "cpu",
    ) -> Self:
        """Open a model of the Hugging Face hub, which is fetched if it is not here yet.

        Args:
            repo: The repository, "owner/name".
            revision: A branch, a tag or a commit; None for the main branch.
            threads: As for `SameHand`.
            fast: As for `SameHand`.
            device: As for `SameHand`.

        Raises:
            MissingExtraError: The hub's client is not installed.
            ModelError: There is no such model, it is damaged, or it cannot be reached and was never
                fetched.
        """
        from samehand.model.hub import fetch_model

        return cls(fetch_model(repo, revision), threads, fast=fast, device=device)

    @property
    def model(self) -> ModelFolder:
        """The opened model folder, by an earlier name of `folder`."""
        return self.folder

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self.folder.path, *self._settings)

    def __repr__(self) -> str:
        return f"SameHand({self.folder.identity})"

    @checked(name=or_none(text))
    def open(self, source: PaintingLike, name: str | None = None) -> Painting:
        """Decode a painting once, for any number of questions.

        Args:
            source: A path, the bytes of an image file, an open file, a Pillow image or an array;
                a painting is returned as it is, or as this model sees it.
            name: What answers and error sentences call it; None for its path.

        Raises:
            ImageError: It cannot be read.
        """
        if isinstance(source, Painting):
            return source.opened_by(self.embedder)
        return Painting.open(source, self.embedder, name)

    def open_many(self, sources: Iterable[PaintingLike]) -> Iterator[Painting | Unreadable]:
        """Open any number of paintings, a few ahead of the one that is asked for.

        Args:
            sources: What `open` takes; read only as far as they are needed.

        Yields:
            A painting for each source, in order, or why it cannot be read. Memory stays bounded as
            long as the caller lets them go.
        """

        def opened(source: PaintingLike, number: int) -> Painting | Unreadable:
            name = os.fsdecode(source) if is_path(source) else f"image {number}"
            try:
                return self.open(source, name)
            except ImageError as error:
                return Unreadable(name, str(error))

        with ThreadPoolExecutor(2, thread_name_prefix="samehand-open") as pool:
            pending: deque[Future[Painting | Unreadable]] = deque()
            try:
                for number, source in enumerate(each_of(sources), 1):
                    pending.append(pool.submit(opened, source, number))
                    if len(pending) > _AHEAD:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()

    @checked(prior=number, operating_point=text)
    def compare(
        self,
        left: PaintingLike,
        right: PaintingLike,
        *,
        prior: float = 0.5,
        operating_point: OperatingPoint = "eer",
    ) -> Verdict:
        """Say how strongly two paintings speak for one artist or two.

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
        config = self.folder.config
        # A bad question is refused before anything is decoded.
        operating_threshold(config.calibration, operating_point)
        probability(0.0, prior)
        one, two = self._open_as(left, "left image"), self._open_as(right, "right image")
        comparator = self.folder.comparator
        enrolled = comparator.enrol(np.stack([one.embedding, two.embedding]))
        pair = np.array([0]), np.array([1])
        score = float(comparator.pair_scores(enrolled, *pair)[0])
        reading = pair_reading(one, two, config)
        calibration = reading.calibration
        llr = float(llr_from_score(calibration, score))
        point = operating_threshold(calibration, operating_point)
        styled = comparator.style_scores(enrolled, *pair)
        raw = np.array([score])
        within = one_style_llr(config, reading, raw, styled)
        decided = one_style_decisions(config, reading, (raw, styled), within, operating_point)
        return Verdict(
            left=one.name,
            right=two.name,
            score=score,
            llr=llr,
            probability=float(probability(llr, prior)),
            prior=prior,
            decision=reading.decide(score, point, llr),
            operating_point=operating_point,
            error_rate=reading.error_rate(point),
            strength=strength(llr),
            condition=reading.condition,
            measured_on=measured_on(reading),
            refusal=reading.refusal,
            llr_interval=llr_interval(calibration, score),
            llr_one_style=None if within is None else float(within[0]),
            warnings=pair_warnings(one, two, config),
            model=self.folder.identity,
            seconds=time.perf_counter() - started,
            decision_one_style=decided[0][0] if decided else None,
            error_rate_one_style=decided[1] if decided else None,
        )

    @checked(influence=flag)
    def explain(
        self, left: PaintingLike, right: PaintingLike, *, influence: bool = True
    ) -> Evidence:
        """Find what the verdict on two paintings rests on.

        Args:
            left: A painting.
            right: Another painting; swapping the two swaps the sides and changes nothing else.
            influence: Whether to cover regions as well, which encodes each painting some
                thirteen times a view; matches and context need nothing beyond what `compare` did.

        Raises:
            ImageError: One of the images cannot be read.
            ModelError: The model gives no patch embeddings, or its folder has no background.
        """
        from samehand.explain.evidence import explain

        one, two = self._open_as(left, "left image"), self._open_as(right, "right image")
        return explain(self, one, two, influence=influence)

    @checked(prior=number, operating_point=text)
    def verify(
        self,
        probe: PaintingLike,
        references: Sequence[PaintingLike],
        *,
        prior: float = 0.5,
        operating_point: OperatingPoint = "eer",
    ) -> ReferenceVerdict:
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
        from samehand.verification.references import verify

        known = [
            self._open_as(one, f"reference {number}")
            for number, one in enumerate(each_of(references), 1)
        ]
        return verify(
            self,
            self._open_as(probe, "probe"),
            known,
            prior=prior,
            operating_point=operating_point,
        )

    @checked(top=whole(1), where=conditions, exact=flag)
    def search(
        self,
        probe: PaintingLike,
        gallery: "Gallery | str | os.PathLike[str]",
        top: int = 20,
        *,
        where: Sequence[str] = (),
        exact: bool = False,
    ) -> SearchResult:
        """Find the works of a gallery that are most like a probe.

        Args:
            probe: A painting.
            gallery: Where to look: a gallery, or its name, path or address.
            top: How many works, at most.
            where: Conditions that all hold, such as "artist=Claude Monet".
            exact: Compare with every work even where there is an approximate index.

        Raises:
            ImageError: The image cannot be read.
            GalleryError: The gallery is another model's, or a condition cannot be understood.
        """
        from samehand.gallery.opened import opened_gallery
        from samehand.verification.identify import search

        painting = self._open_as(probe, "probe")
        with opened_gallery(gallery) as opened:
            return search(self, painting, opened, top=top, where=where, exact=exact)

    @checked(top=whole(1), where=conditions, prior=number, threshold=text, any_attribution=flag)
    def identify(
        self,
        probe: PaintingLike,
        gallery: "Gallery | str | os.PathLike[str]",
        top: int = 5,
        *,
        where: Sequence[str] = (),
        prior: float = 0.5,
        threshold: FalseAlarms = "far10",
        any_attribution: bool = False,
    ) -> Identification:
        """Say which artist of a gallery made a probe, or that none of them did.

        Args:
            probe: A painting.
            gallery: Whose artists are in question; as for `search`.
            top: How many candidates to return, at most.
            where: Conditions that all hold, such as "style=Baroque".
            prior: P(one of these) before looking, strictly between 0 and 1.
            threshold: Which false alarm rate the decision promises.
            any_attribution: Compare also with works "after" an artist or from the workshop.

        Raises:
            ImageError: The image cannot be read.
            GalleryError: The gallery is another model's, or has no work with an artist.
            ModelError: The model has no open-set rule.
            SamehandError: `prior`, `threshold` or `top` is not one that exists.
        """
        from samehand.gallery.opened import opened_gallery
        from samehand.verification.identify import identify

        painting = self._open_as(probe, "probe")
        with opened_gallery(gallery) as opened:
            return identify(
                self,
                painting,
                opened,
                top=top,
                where=where,
                prior=prior,
                threshold=threshold,
                any_attribution=any_attribution,
            )

    @checked(where=conditions, suspects=whole(), any_attribution=flag)
    def cluster(
        self,
        gallery: "Gallery | str | os.PathLike[str]",
        *,
        where: Sequence[str] = (),
        suspects: int = 50,
        any_attribution: bool = False,
    ) -> Clustering:
        """Group a gallery's works into probable hands, and list suspect labels.

        Args:
            gallery: Whose works; as for `search`.
            where: Conditions that all hold.
            suspects: How many suspect labels to list, at most.
            any_attribution: Let works "after" an artist or from the workshop count as the artist's.

        Raises:
            GalleryError: The gallery is another model's, or the works are none or too many.
            ModelError: The model has no rule for references.
        """
        from samehand.gallery.opened import opened_gallery
        from samehand.verification.hands import cluster

        with opened_gallery(gallery) as opened:
            return cluster(
                self.folder,
                opened,
                where=where,
                suspects=suspects,
                any_attribution=any_attribution,
            )

    @checked(top=whole(1), where=conditions, prior=number, labelled=flag)
    def queue(
        self,
        gallery: "Gallery | str | os.PathLike[str]",
        top: int = 20,
        *,
        where: Sequence[str] = (),
        prior: float = 0.5,
        labelled: bool = False,
    ) -> Queue:
        """Suggest pairs of works to decide about with `Gallery.decide`.

        Suggested are pairs whose probability lies between unlikely and certain, one for each two
        probable hands, ordered by what a decision would teach: the entropy of the probability times
        the pairs of works that it would settle. A pair that somebody decided never comes back.

        Args:
            gallery: Whose works; as for `search`.
            top: How many suggestions, at most.
            where: Conditions that all hold.
            prior: P(same hand) before looking, strictly between 0 and 1.
            labelled: Also ask about works that both have an artist's name without a qualifier.

        Raises:
            GalleryError: The gallery is another model's, or the works are too many.
            SamehandError: `prior` or `top` is not one that exists.
        """
        from samehand.gallery.opened import opened_gallery
        from samehand.verification.queue import queue

        with opened_gallery(gallery) as opened:
            return queue(self.folder, opened, top=top, where=where, prior=prior, labelled=labelled)

    def embed(self, images: Iterable[PaintingLike]) -> Floats:
        """Return the unit embedding of each image, (B, D); of a pairwise model, its encoding.

        Raises:
            ImageError: One of the images cannot be read.
        """
        rows = []
        for found in self.embed_many(images):
            if isinstance(found, Unreadable):
                raise ImageError(found.error)
            rows.append(found[1])
        return np.stack(rows) if rows else np.empty((0, self.embedder.width), self.embedder.dtype)

    def embed_many(
        self, sources: Iterable[PaintingLike]
    ) -> Iterator[tuple[str, Floats] | Unreadable]:
        """Embed any number of images in bounded memory.

        Args:
            sources: What `open` takes; read only as far as they are needed.

        Yields:
            The name and the unit embedding, (D,), of each image, in order, or why it cannot be
            read.
        """
        for found in self.open_many(sources):
            yield found if isinstance(found, Unreadable) else (found.name, found.embedding)

    def _open_as(self, source: PaintingLike, name: str) -> Painting:
        """Open a painting that is called `name` unless it has a path."""
        return self.open(source, None if is_path(source) else name)


def _opened(path: Path, threads: int | None, fast: bool, device: Device) -> SameHand:
    return SameHand(path, threads, fast=fast, device=device)
