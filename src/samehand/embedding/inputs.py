"""What is to be embedded, in batches: files that any reader lists, addresses, and tar shards.

A tar shard (as of WebDataset) is one batch, read from its beginning by whoever embeds it.
"""

import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import PurePosixPath

from samehand.catalogue.pictures import find_pictures
from samehand.catalogue.walk import is_hidden, is_image_name, natural_key
from samehand.embedding.places import file_system, is_address, opened, stamp_in, stamp_of
from samehand.embedding.rows import Picture
from samehand.errors import CatalogueError, SamehandError
from samehand.files import is_text, printable
from samehand.images.decode import MAX_BYTES

_TAR = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures that are embedded together: what a killed worker costs.

    Attributes:
        name: Of its part of the output; follows from what it holds.
        pictures: Which they are, unread; of a tar shard, none.
        tar: The tar shard that it is, with its stamp, or None.
    """

    name: str
    pictures: tuple[Picture, ...] = ()
    tar: Picture | None = None

    def read(self) -> Iterator[Picture]:
        """Yield its pictures, read one after another."""
        if self.tar is not None:
            yield from _members(self.tar)
        for picture in self.pictures:
            yield picture if picture.problem else _read(picture)


@dataclass(frozen=True, slots=True)
class Listing:
    """What some sources list.

    Attributes:
        pictures: Single files, unread, each once.
        tars: Tar shards, with their stamps.
        notes: What a person should know before work starts, a sentence each.
    """

    pictures: list[Picture] = field(default_factory=list)
    tars: list[Picture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def list_pictures(
    sources: Sequence[str | os.PathLike[str]],
    *,
    images: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Listing:
    """List what is to be embedded.

    Args:
        sources: Each is a tar shard or a pattern of some; an address for fsspec of a file, a
            folder or a pattern; or anything that `find_pictures` reads.
        images: The folder that the paths of tables are relative to.
        columns: Which column of a table is which, by meaning.

    Raises:
        CatalogueError: A source does not exist, or holds no picture.
        MissingExtraError: An address needs packages that are not installed.
    """
    listing = Listing()
    local: list[str] = []
    for source in [os.fspath(one) for one in sources]:
        if is_address(source):
            _at_address(listing, source)
        elif source.lower().endswith(_TAR):
            # Without a match, the pattern is the file that is missing.
            found_tars = [] if os.path.exists(source) else sorted(glob(source), key=natural_key)
            for tar in found_tars or [source]:
                listing.tars.append(_stamped(os.path.abspath(tar)))
        else:
            local.append(source)
    if local:
        found = find_pictures(local, images=images, columns=columns)
        listing.notes.extend(found.notes)
        for item in found.items:
            if item.path is None:
                problem = f"{item.origin} is inside a zip; unpack it, or make it a tar"
                listing.pictures.append(Picture(item.origin, "", problem=problem))
            elif item.problem:
                listing.pictures.append(Picture(str(item.path), "", problem=item.problem))
            else:
                listing.pictures.append(_stamped(os.path.abspath(item.path)))
    return listing


def batches(
    listing: Listing,
    size: int,
    shard: tuple[int, int],
    done: set[tuple[str, str]],
    parts: set[str],
) -> tuple[list[Batch], int]:
    """Divide what is not yet embedded into batches.

    Args:
        listing: What there is.
        size: Pictures a batch.
        shard: (k, n): the k-th of n shares, from 1, which together are all and share nothing,
            whatever has been done already.
        done: Path and stamp of pictures that have a row.
        parts: Names of the parts that are there.

    Returns:
        The batches, and how many pictures and tar shards of this share are done.
    """
    mine = [one for one in listing.pictures if _share(one.path, shard[1]) == shard[0]]
    left = [one for one in mine if (one.path, one.stamp) not in done]
    found = [
        Batch(_name(left[start : start + size]), tuple(left[start : start + size]))
        for start in range(0, len(left), size)
    ]
    tars = [one for one in listing.tars if _share(one.path, shard[1]) == shard[0]]
    fresh = [Batch(_name([one]), tar=one) for one in tars if _name([one]) not in parts]
    return [*found, *fresh], len(mine) - len(left) + len(tars) - len(fresh)


def _at_address(listing: Listing, address: str) -> None:
    system, inner = file_system(address)
    try:
        if any(mark in inner for mark in "*?["):
            facts = system.glob(inner, detail=True)
        elif system.isdir(inner):
            facts = system.find(inner, detail=True)
        else:
            facts = {inner: system.info(inner)}
    except OSError as error:
        raise CatalogueError(f"cannot read {address}: {error}; check the address") from error
    for name in sorted(facts, key=natural_key):
        inside = name[len(inner) :] if name.startswith(inner) else os.path.basename(name)
        if any(is_hidden(part) for part in PurePosixPath(inside.lstrip("/")).parts):
            continue
        one = Picture(str(system.unstrip_protocol(name)), stamp_in(facts[name]))
        if name.lower().endswith(_TAR):
            listing.tars.append(one)
        elif is_image_name(name):
            listing.pictures.append(one)
    if not (listing.pictures or listing.tars):
        raise CatalogueError(f"no images or tar shards at {address}; check the address")


def _stamped(path: str) -> Picture:
    if not is_text(path):
        path = printable(path)
        return Picture(path, "", problem=f"{path} has a name that is not UTF-8; rename it")
    try:
        return Picture(path, stamp_of(path))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Picture(path, "", problem=f"cannot read {path}: {reason}; check the path")


def _read(picture: Picture) -> Picture:
    try:
        with opened(picture.path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, SamehandError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        problem = f"cannot read {picture.path}: {reason}; check that it can be reached"
        return Picture(picture.path, picture.stamp, problem=problem)
    if len(data) > MAX_BYTES:
        problem = f"{picture.path} is too large for an image; make it smaller"
        return Picture(picture.path, picture.stamp, problem=problem)
    return Picture(picture.path, picture.stamp, data)


def _members(tar: Picture) -> Iterator[Picture]:
    if tar.problem:
        yield tar
        return
    try:
        with opened(tar.path) as stream, tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                parts = PurePosixPath(member.name).parts
                if not member.isfile() or not is_image_name(member.name):
                    continue
                if any(is_hidden(part) for part in parts):
                    continue
                name, content = f"{tar.path}/{member.name}", archive.extractfile(member)
                if member.size > MAX_BYTES or content is None:
                    problem = f"{name} is too large for an image; make it smaller"
                    yield Picture(name, tar.stamp, problem=problem)
                else:
                    yield Picture(name, tar.stamp, content.read())
    except (OSError, EOFError, tarfile.TarError, zlib.error, SamehandError) as error:
        problem = f"{tar.path} is damaged or not a tar shard ({error}); make it again"
        yield Picture(tar.path, tar.stamp, problem=problem)


def _share(path: str, shares: int) -> int:
    return zlib.crc32(path.encode("utf-8", "surrogateescape")) % shares + 1


def _name(pictures: Sequence[Picture]) -> str:
    digest = hashlib.sha256()
    for one in pictures:
        digest.update(f"{one.path}\0{one.stamp}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:24]
