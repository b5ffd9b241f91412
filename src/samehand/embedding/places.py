"""Folders and object stores behind one set of functions: a plain path, or an address for fsspec."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from samehand.errors import CatalogueError, MissingExtraError, OutputError
from samehand.files import atomic_path


def is_address(place: str) -> bool:
    """Return whether a place is an address, such as "s3://bucket/folder", and not a path."""
    return "://" in place


def file_system(address: str) -> tuple[Any, str]:
    """Return what reads and writes an address, and the place within it.

    Raises:
        MissingExtraError: fsspec is not installed.
        CatalogueError: The address cannot be used, or its own package is not installed.
    """
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError(f"reaching {address}", "ray") from error
    try:
        system, place = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise CatalogueError(f"cannot reach {address}: {error}; check the address") from error
    return system, place


@contextmanager
def opened(place: str) -> Iterator[IO[bytes]]:
    """Yield an open file, on disk or behind an address.

    Raises:
        OSError: It cannot be read.
    """
    if not is_address(place):
        with open(place, "rb") as stream:
            yield stream
        return
    system, inner = file_system(place)
    with system.open(inner, "rb") as stream:
        yield stream


def stamp_of(place: str) -> str:
    """Return what changes when the content of a file does: its size, and its time or tag.

    Raises:
        OSError: It is not there, or cannot be reached.
    """
    if not is_address(place):
        status = os.stat(place)
        return f"{status.st_size}-{status.st_mtime_ns}"
    system, inner = file_system(place)
    return stamp_in(system.info(inner))


def stamp_in(facts: dict[str, Any]) -> str:
    """Return the stamp of a file of which fsspec has told these facts."""
    for name in ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created"):
        if facts.get(name) is not None:
            return f"{facts.get('size')}-{facts[name]}"
    return str(facts.get("size"))


def write_file(place: str, data: bytes) -> None:
    """Write a whole file, all or nothing.

    Raises:
        OutputError: It cannot be written.
    """
    if not is_address(place):
        with atomic_path(place) as temporary:
            temporary.write_bytes(data)
        return
    system, inner = file_system(place)
    try:
        # Object stores show an object only when it is complete.
        system.pipe_file(inner, data)
    except Exception as error:
        raise OutputError(f"cannot write {place}: {error}; check the address") from error


def entries_of(folder: str) -> list[str]:
    """Return what a folder itself holds, in alphabetical order; nothing where there is none."""
    if not is_address(folder):
        return sorted(str(path) for path in Path(folder).glob("*"))
    system, inner = file_system(folder)
    try:
        names = [name.rstrip("/") for name in system.ls(inner, detail=False)]
        return sorted(system.unstrip_protocol(name) for name in names)
    except FileNotFoundError:
        return []
