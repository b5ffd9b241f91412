"""The pair list of Kaggle's Painter by Numbers: `index,image1,image2`, millions of rows."""

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from samehand.errors import ProtocolError
from samehand.files import sha256_file
from samehand.pairs.draws import (
    Candidates,
    Indices,
    PairBatch,
    PairDraft,
    Split,
    find_candidates,
)

_BLOCK = 1 << 25
_UNKNOWN = "unknown painting"
_UNUSABLE = "unusable painting"
_ITSELF = "a painting with itself"


def submission_pairs(
    path: str | os.PathLike[str], catalogue: pl.DataFrame, *, split: Split = "test"
) -> PairDraft:
    """Read a pair list in its own order and orientation, in bounded memory.

    An image is the painting whose id is its file name without folder and extension:
    `38013.jpg` is painting `38013`.

    Args:
        path: A CSV file with the columns `image1` and `image2`, or a zip that holds one.
        catalogue: The catalogue table.
        split: Whose paintings may be paired.

    Returns:
        The pairs. Their option `skipped` counts the rows left out: those that name a painting
        that the catalogue lacks, one that is excluded or of another split, or one twice.

    Raises:
        ProtocolError: There is no such file; or, while the pairs are drawn, it is not such a list.
    """
    path = Path(path)
    if not path.is_file():
        raise ProtocolError(f"there is no pair list {path}; name its CSV file or zip")
    candidates = find_candidates(catalogue, split)
    skipped = {_UNKNOWN: 0, _UNUSABLE: 0, _ITSELF: 0}
    options = {
        "kind": "submission",
        "split": split,
        "file": path.name,
        "file_sha256": _digest(path),
        "skipped": skipped,
    }
    batches = _label(path, catalogue, candidates, skipped)
    return PairDraft(candidates, batches, options)


def _label(
    path: Path, catalogue: pl.DataFrame, candidates: Candidates, skipped: dict[str, int]
) -> Iterator[PairBatch]:
    ids = catalogue["painting_id"].sort()
    places = np.full(len(ids) + 1, -1, np.int32)
    places[np.searchsorted(ids.to_numpy(), np.array(candidates.ids, object))] = np.arange(
        len(candidates.ids)
    )
    # A name that the catalogue lacks is encoded as len(ids).
    places[-1] = -2
    names = pl.Enum(ids)
    for frame in _rows(path):
        left, right = (_encode(frame[column], names, places) for column in ("image1", "image2"))
        lowest = np.minimum(left, right)
        skipped[_UNKNOWN] += int((lowest == -2).sum())
        skipped[_UNUSABLE] += int((lowest == -1).sum())
        skipped[_ITSELF] += int(((lowest >= 0) & (left == right)).sum())
        keep = (lowest >= 0) & (left != right)
        yield candidates.label(left[keep], right[keep])


def _encode(images: pl.Series, names: pl.Enum, places: Indices) -> Indices:
    # Parsing each name once and not each row takes a third off millions of rows.
    images = images.fill_null("")
    distinct = images.unique()
    codes = distinct.str.extract(r"([^/]+?)(?:\.[^./]*)?$").cast(names, strict=False)
    encoded = places[codes.to_physical().cast(pl.Int32).fill_null(len(places) - 1).to_numpy()]
    result: Indices = encoded[images.cast(pl.Enum(distinct)).to_physical().to_numpy()]
    return result


def _rows(path: Path) -> Iterator[pl.DataFrame]:
    """Yield the list's two columns block by block, unzipping as it reads."""
    try:
        with _open_csv(path) as stream:
            header = stream.readline()
            rest = b""
            while block := stream.read(_BLOCK):
                lines, newline, rest = (rest + block).rpartition(b"\n")
                if newline:
                    yield _parse(header, lines)
            if rest:
                yield _parse(header, rest)
    except (
        OSError,
        EOFError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
        pl.exceptions.PolarsError,
    ) as error:
        raise ProtocolError(
            f"{path} is not a pair list; "
            "give a readable CSV file, or a zip of one, with the columns "
            "index, image1 and image2"
        ) from error


def _parse(header: bytes, lines: bytes) -> pl.DataFrame:
    text = io.BytesIO(header + lines)
    return pl.read_csv(text, columns=["image1", "image2"], infer_schema=False)


@contextmanager
def _open_csv(path: Path) -> Iterator[IO[bytes]]:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive:
        # macOS adds a shadow of every file under __MACOSX/.
        lists = [
            name
            for name in archive.namelist()
            if name.lower().endswith(".csv") and not name.startswith("__MACOSX/")
        ]
        if len(lists) != 1:
            raise ProtocolError(
                f"{path} holds {len(lists)} CSV files; give a zip with one, the pair list"
            )
        with archive.open(lists[0]) as stream:
            yield stream


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise ProtocolError(f"cannot read {path}; make the file readable") from error
