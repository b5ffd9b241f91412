"""The one function of embedding at scale: the bytes of pictures in, a row for each out.

Every engine calls it, so that a row is the same wherever it was made. A picture that cannot be
embedded has a row with the sentence that says why.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from samehand.files import sha256_bytes
from samehand.model.embed import Embeds, embed_stream
from samehand.records import Floats


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was read, or could not be.

    Attributes:
        path: What it is called in the output: a path, an address, or a member of a tar shard.
        stamp: Changes when the content does, as far as can be told without reading it.
        data: The whole file, or None.
        problem: Why there is no data, in one sentence.
    """

    path: str
    stamp: str
    data: bytes | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row of the output.

    Attributes:
        path: What the picture is called.
        stamp: See `Picture`.
        sha256: Hash of its bytes, or None where they could not be read.
        encoder: Digest of what made the embedding; with `sha256` the key of the row.
        embedding: Unit length, (D,), or None.
        problem: Why there is none, in one sentence, or None.
    """

    path: str
    stamp: str
    sha256: str | None
    encoder: str
    embedding: Floats | None
    problem: str | None


def embed_pictures(embedder: Embeds, pictures: Iterable[Picture]) -> list[Row]:
    """Embed pictures, each distinct content once.

    Args:
        embedder: The model's encoder.
        pictures: Read only a few ahead of what is being embedded.

    Returns:
        One row a picture, in their order.
    """
    seen: list[tuple[Picture, str | None]] = []
    firsts: dict[str, str] = {}

    def contents() -> Iterator[tuple[str, bytes]]:
        for picture in pictures:
            digest = None if picture.data is None else sha256_bytes(picture.data)
            # Without its bytes: those of a whole batch would not fit into memory.
            seen.append((Picture(picture.path, picture.stamp, problem=picture.problem), digest))
            if picture.data is not None and digest is not None and digest not in firsts:
                firsts[digest] = picture.path
                yield picture.path, picture.data

    found = dict(embed_stream(embedder, contents()))
    rows = []
    for picture, digest in seen:
        result: Floats | str | None = picture.problem
        if digest is not None:
            first = firsts[digest]
            result = found[first]
            if isinstance(result, str):
                result = result.replace(first, picture.path)
        problem = result if isinstance(result, str) else None
        embedding = None if isinstance(result, str) else result
        encoder = embedder.config.digest
        rows.append(Row(picture.path, picture.stamp, digest, encoder, embedding, problem))
    return rows
