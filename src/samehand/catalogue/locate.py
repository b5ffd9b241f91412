"""The file that a name in a table means, however the name was typed and the disk writes it."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath

from samehand.images.addresses import path_of_address

_AROUND = " \t\r\n\u00a0\u200b\u200e\u200f\u2028\u2029\ufeff\"'"


class Locator:
    r"""Finds files by names as people write them, in some folders.

    A name is taken as it is where such a file exists. Otherwise blanks and quotation marks around
    it, the Unicode form (NFC or NFD), letter case, and `\` for `/` do not matter, as long as one
    file alone answers to it. What a folder holds is read once.
    """

    def __init__(self, bases: Sequence[Path], encoding: str = "utf-8") -> None:
        """Look in these folders, in this order.

        Args:
            bases: Folders that relative names are looked for in.
            encoding: What the table was read as: a file's name may hold the bytes of the table.
        """
        self.bases = tuple(bases)
        self._encoding = encoding
        self._folders: dict[str, dict[str, list[str]]] = {}

    def find(self, name: str) -> Path | None:
        """Return the file, or None where there is none, or where several answer to the name."""
        for spelling in self._spellings(name):
            for base in self.bases:
                path = base / spelling
                if _is_file(path):
                    return path
        for spelling in self._spellings(name):
            for base in self.bases:
                found = self._alike(base / spelling)
                if found is not None:
                    return found
        return None

    def first(self, name: str) -> Path:
        """Return where the file would be looked for first."""
        return self.bases[0] / (tidy_name(name) or name)

    def _spellings(self, name: str) -> Iterator[str]:
        yield name
        tidy = tidy_name(name)
        if tidy != name:
            yield tidy
        if (path := path_of_address(tidy)) is not None:
            yield os.fspath(path)
        for form in ("NFC", "NFD"):
            if (other := unicodedata.normalize(form, tidy)) != tidy:
                yield other
        if self._encoding not in ("utf-8", "utf-8-sig"):
            try:
                yield os.fsdecode(name.encode(self._encoding))
            except UnicodeEncodeError:
                pass
        if os.sep == "/" and "\\" in tidy:
            yield PureWindowsPath(tidy).as_posix()

    def _alike(self, path: Path) -> Path | None:
        """Follow a path from its root, each part in any letter case and Unicode form."""
        found = Path(path.anchor or ".")
        parts = path.parts[1:] if path.anchor else path.parts
        for part in parts:
            if _exists(found / part):
                found = found / part
                continue
            alike = self._listing(os.fspath(found)).get(_fold(part), [])
            if len(alike) != 1:
                return None
            found = found / alike[0]
        return found if _is_file(found) else None

    def _listing(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._folders:
            names: dict[str, list[str]] = {}
            try:
                for name in os.listdir(folder):
                    names.setdefault(_fold(name), []).append(name)
            except (OSError, ValueError):
                pass
            self._folders[folder] = names
        return self._folders[folder]


def tidy_name(name: str) -> str:
    """Return a name without the blanks and quotation marks around it."""
    return name.strip(_AROUND)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_file(path: Path) -> bool:
    # A name of a table may be overlong or hold a NUL, which no file bears.
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
