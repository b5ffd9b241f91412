"""Writing that never leaves half a file, large scratch arrays, and content hashes."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samehand.errors import OutputError

_SCRATCH_IN_MEMORY = 256 * 2**20


@contextmanager
def atomic_path(target: str | os.PathLike[str], *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path that becomes `target` only if the block succeeds.

    Args:
        target: The file to write. Its folder is made if it does not exist.
        private: Whether nobody but the user may read it.

    Yields:
        A path in the same folder, so that the final rename is atomic.

    Raises:
        OutputError: The folder cannot be written, or the disk is full.
    """
    target = Path(target)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise OutputError(f"cannot write {target}: it is a folder; name a file instead")
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes private files; results are as readable as any other file the user makes.
        if not private:
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
        temporary.replace(target)
    except OSError as error:
        raise output_error(target, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def output_error(target: str | os.PathLike[str], error: OSError) -> OutputError:
    """Return the sentence that tells a user why `target` could not be written."""
    if error.errno == errno.ENOSPC:
        return OutputError(f"cannot write {target}: the disk is full; make room or write elsewhere")
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"cannot write {target}: {reason}; choose another place for the output")


def write_text(target: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `target` in UTF-8, all or nothing.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def scratch_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array of zeros, which lies in a nameless temporary file where it is large.

    Raises:
        OutputError: There is no room.
    """
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size <= _SCRATCH_IN_MEMORY:
        return np.zeros(shape, dtype)
    try:
        with tempfile.TemporaryFile() as file:
            return np.memmap(file, dtype, "w+", shape=shape)
    except OSError as error:
        raise scratch_error(error) from error


def scratch_error(error: OSError) -> OutputError:
    """Return the sentence that tells a user why no temporary file could be written."""
    reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
    return OutputError(
        f"cannot write a temporary file: {reason.lower()}; set TMPDIR to a folder with room"
    )


def sha256_bytes(data: bytes) -> str:
    """Return the hex SHA-256 digest of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | os.PathLike[str]) -> str:
    """Return the hex SHA-256 digest of a file, read in blocks."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def short_names(paths: Sequence[Path]) -> list[str]:
    """Return the names of files, with as many of their folders as tell them apart.

    Where somebody keeps files is nobody else's business, so a report that is handed on names them
    without their folders, and as any page can show them.

    Args:
        paths: The files; one may occur more than once.
    """
    found = [path.name for path in paths]
    for depth in range(2, max((len(path.parts) for path in paths), default=1) + 1):
        files: dict[str, set[Path]] = {}
        for name, path in zip(found, paths, strict=True):
            files.setdefault(name, set()).add(path)
        if all(len(of) == 1 for of in files.values()):
            break
        found = [
            name if len(files[name]) == 1 else Path(*path.parts[-depth:]).as_posix()
            for name, path in zip(found, paths, strict=True)
        ]
    return list(map(printable, found))


def read_json(text: str | bytes) -> Any:  # noqa: ANN401
    """Return what a JSON text says.

    Raises:
        ValueError: It is not JSON, or nested deeper than anybody nests it on purpose.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def is_text(value: str) -> bool:
    """Return whether a text can be written down: no half of a character is left in it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str) -> str:
    """Return a file name, or words with one, that any terminal can show, whatever its bytes."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in name
    )
