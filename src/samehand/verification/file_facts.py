"""What the files of many pairs show, each decoded once, and what a reader of each row should know.

Shapes: P pictures, N pairs, D embedding width.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samehand.errors import ImageError
from samehand.images.condition import is_grey, picture_kind
from samehand.images.copied import CROP_COSINE, Shown, show_one_work
from samehand.images.decode import decode_file
from samehand.images.likeness import DETAIL, THUMBNAIL_BYTES, colours_agree, detail_of, thumbnail
from samehand.model.embed import Digest, EmbeddingTable, embed_files
from samehand.model.folder import ModelConfig
from samehand.model.runtime import Embedder
from samehand.progress import track
from samehand.records import Floats, PictureKind
from samehand.scoring.comparator import Indices
from samehand.verification.warnings import NOVEL, ONE_GREY, ONE_WORK, SAME_FILE, file_warnings

MOST_LOOKED_AT = 200
"""Of one block of pairs, so many are searched for crops and turned copies, the most alike: at some
120 ms a pair, half a minute at most."""

_IN_MEMORY = 64


@dataclass(frozen=True, slots=True)
class _NoveltyDigest:
    encoder: Digest

    @property
    def digest(self) -> str:
        return f"{self.encoder.digest}-novelty"


class WithNovelty:
    """An encoder whose rows end with how novel the picture is: (B, D + 1)."""

    def __init__(self, embedder: Embedder) -> None:
        """Take the encoder of a model that tells novelty."""
        self.config: Digest = _NoveltyDigest(embedder.config)
        self.width, self.dtype = embedder.width + 1, embedder.dtype
        self.render, self._encode = embedder.render, embedder.encode

    def embed(self, views: Floats) -> Floats:
        """Return the embedding and the novelty of paintings with these views, (B, V, 3, S, S)."""
        found = self._encode(views)
        return np.column_stack([found.embeddings, found.novelty])


def embed_with_novelty(
    embedder: Embedder, config: ModelConfig, paths: Sequence[Path], cache: Path | None
) -> tuple[EmbeddingTable, NDArray[np.bool_]]:
    """Embed files as `embed_files`, and tell which are unlike all that the model learned from.

    Args:
        embedder: The model's encoder.
        config: The model's configuration.
        paths: P image files.
        cache: Where rows are kept between calls.

    Returns:
        Embeddings, (P, D), and whether each picture is novel, (P,).
    """
    if config.novelty_limit is None:
        return embed_files(embedder, paths, cache), np.zeros(len(paths), bool)
    table = embed_files(WithNovelty(embedder), paths, cache)
    novel = table.embeddings[:, -1] > config.novelty_limit
    return replace(table, embeddings=table.embeddings[:, :-1]), novel


@dataclass(frozen=True, slots=True)
class _OneFile:
    kind: PictureKind = "photograph"
    sha256: str = ""
    warnings: tuple[str, ...] = ()
    grey: bool = False
    thumbnail: NDArray[np.uint8] | None = None


class FileFacts:
    """What P files show; nothing is known of one that cannot be read.

    Attributes:
        kinds: What each can show, "photograph" where it cannot be read.
        novel: Whether each is unlike all that the model was calibrated on, (P,).
    """

    def __init__(
        self, config: ModelConfig, paths: Sequence[Path], novel: NDArray[np.bool_]
    ) -> None:
        """Decode every file.

        Args:
            config: The model's configuration.
            paths: P files.
            novel: (P,).
        """

        def look(path: Path) -> _OneFile:
            try:
                item = decode_file(path)
            except ImageError:
                return _OneFile()
            told = tuple(file_warnings(item, config, novel=False))
            grey, small = is_grey(item.image), thumbnail(item.image)
            return _OneFile(picture_kind(item), item.sha256, told, grey, small)

        with ThreadPoolExecutor(2, thread_name_prefix="samehand-files") as pool:
            found = list(track(pool.map(look, paths), "looking at pictures", len(paths)))
        self._pairwise, self._paths, self.novel = config.pairwise, paths, novel
        self.kinds = [one.kind if config.conditions else "photograph" for one in found]
        self._files = found
        self._grey = np.array([one.grey for one in found], bool)
        blank = np.zeros(THUMBNAIL_BYTES, np.uint8)
        small = [blank if one.thumbnail is None else one.thumbnail for one in found]
        self._thumbnails = np.stack(small) if small else np.empty((0, THUMBNAIL_BYTES), np.uint8)
        self._detail = detail_of(self._thumbnails)

    def pair_warnings(self, left: Indices, right: Indices, embeddings: Floats) -> list[str]:
        """Return what a reader of each row should know, as `warnings.pair_warnings` of one pair.

        Crops and turned copies are looked for in the `MOST_LOOKED_AT` pairs that are most alike.

        Args:
            left: Positions of the left pictures, (N,).
            right: Positions of the right ones, (N,).
            embeddings: Unit length, (P, D).

        Returns:
            A text for each pair, empty where nothing is to be said.
        """
        copies = self._copies(left, right, embeddings)
        rows = []
        for one, two, copied in zip(left.tolist(), right.tolist(), copies.tolist(), strict=True):
            first, second = self._files[one], self._files[two]
            told = []
            if first.sha256 == second.sha256:
                told.append(SAME_FILE)
            elif copied:
                told.append(ONE_WORK)
            told += [f"left image: {text}" for text in self._of_one(one)]
            told += [f"right image: {text}" for text in self._of_one(two)]
            if first.grey != second.grey:
                told.append(ONE_GREY)
            rows.append("; ".join(told))
        return rows

    def _of_one(self, position: int) -> tuple[str, ...]:
        told = self._files[position].warnings
        return (*told, NOVEL) if self.novel[position] else told

    def _copies(self, left: Indices, right: Indices, embeddings: Floats) -> NDArray[np.bool_]:
        alike = np.empty(len(left), np.float32)
        agree = self._grey[left] != self._grey[right]
        cosines = np.empty(len(left), np.float32)
        for start in range(0, len(left), 4096):
            some = slice(start, start + 4096)
            i, j = left[some], right[some]
            one, two = self._detail[i].astype(np.float32), self._detail[j].astype(np.float32)
            alike[some] = np.einsum("nd,nd->n", one, two)
            agree[some] |= colours_agree(self._thumbnails[i], self._thumbnails[j])
            cosines[some] = np.einsum("nd,nd->n", embeddings[i], embeddings[j])
        copies: NDArray[np.bool_] = (alike >= DETAIL) & agree
        if self._pairwise:
            return copies
        shown = lru_cache(_IN_MEMORY)(self._shown)
        cosines[copies | (left == right)] = -1.0
        for row in np.argsort(-cosines, kind="stable")[:MOST_LOOKED_AT].tolist():
            if cosines[row] < CROP_COSINE:
                break
            first, second = shown(int(left[row])), shown(int(right[row]))
            if first is not None and second is not None:
                copies[row] = show_one_work(first, second, float(cosines[row]))
        return copies

    def _shown(self, position: int) -> Shown | None:
        try:
            return Shown(decode_file(self._paths[position]).image)
        except ImageError:
            return None
