"""Cases: questions that somebody chose to keep, each a folder of its own in the owner's folder.

    2026-11-25-3f9a1c0b/
      case.json        what was asked, by whom, what was answered, a title and a note
      report.html      the report as it was then
      picture-1.jpg    what was handed over, as it came
      small-1.jpg      the same, to be shown in a list

A case appears whole or not at all: it is written beside its place and renamed. Nothing outside the
folder is ever read or written.
"""

import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from samehand.errors import OutputError, SamehandError
from samehand.files import output_error, read_json, write_text

MOST = 10_000
FORMAT = 1
_ID = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{8}")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")


class CaseError(SamehandError):
    """A case that is not there, or a folder that cannot hold one."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a case, but for its files.

    Attributes:
        id: Its folder's name.
        kind: Two pictures, or a doubtful work (the first picture) beside secure ones.
        title: What people call it.
        note: What they write about it.
        by: Who kept it; empty where nobody signs in.
        made: When, in UTC, ISO 8601.
        pictures: What the pictures were called.
        headline: The verdict in a few words.
        claim: The verdict as a ratio, in one sentence.
        llr: log10 likelihood ratio.
        model: Which model answered.
    """

    id: str
    kind: Literal["pair", "set"]
    title: str
    note: str
    by: str
    made: str
    pictures: tuple[str, ...]
    headline: str
    claim: str
    llr: float
    model: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a case: its name, the file as it came, and a small JPEG."""

    name: str
    data: bytes
    small: bytes


def prepare_folder(folder: Path) -> Path:
    """Return a folder for cases, made if it does not exist.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise output_error(folder, error) from error
    return folder.resolve()


def keep(folder: Path, case: Case, pictures: Sequence[Picture], report: str) -> Case:
    """Write a case, and return it with its number and time.

    Args:
        folder: The owner's folder.
        case: What is known; `id`, `made` and `pictures` are filled in here.
        pictures: At least two.
        report: The report, as HTML.

    Raises:
        CaseError: The folder holds as many as it may.
        OutputError: It cannot be written, or the disk is full.
    """
    if sum(1 for _ in _folders(folder)) >= MOST:
        raise CaseError(f"there are {MOST:,} cases already; delete some first")
    now = datetime.now(UTC)
    case = replace(
        case,
        id=f"{now:%Y-%m-%d}-{secrets.token_hex(4)}",
        made=now.isoformat(timespec="seconds"),
        pictures=tuple(one.name for one in pictures),
    )
    place: Path | None = None
    try:
        place = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
        for number, one in enumerate(pictures, 1):
            found = _SUFFIX.fullmatch(Path(one.name).suffix)
            suffix = found[0].lower() if found else ""
            (place / f"picture-{number}{suffix}").write_bytes(one.data)
            (place / f"small-{number}.jpg").write_bytes(one.small)
        (place / "report.html").write_text(report, encoding="utf-8")
        (place / "case.json").write_text(_text(case), encoding="utf-8")
        place.rename(folder / case.id)
    except OSError as error:
        raise output_error(folder, error) from error
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
    return case


def list_cases(folder: Path) -> tuple[list[Case], int]:
    """Return the cases, the latest first, and how many folders could not be read as one."""
    found, unreadable = [], 0
    for one in _folders(folder):
        try:
            found.append(read_case(folder, one.name))
        except CaseError:
            unreadable += 1
    return sorted(found, key=lambda case: case.made, reverse=True), unreadable


def read_case(folder: Path, identity: str) -> Case:
    """Return one case.

    Raises:
        CaseError: There is none of that name, or it cannot be read.
    """
    try:
        values = read_json(_place(folder, identity, "case.json").read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise ValueError("another format")
        case = Case(**values | {"id": identity, "pictures": tuple(values["pictures"])})
        float(case.llr)
        return case
    except FileNotFoundError as error:
        raise CaseError("There is no such case; it may have been deleted.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CaseError("This case cannot be read; look into its folder.") from error


def read_file(folder: Path, identity: str, name: str) -> bytes:
    """Return a file of a case: report.html or small-N.jpg.

    Raises:
        CaseError: There is none.
    """
    try:
        return _place(folder, identity, name).read_bytes()
    except OSError as error:
        raise CaseError("There is no such case; it may have been deleted.") from error


def annotate(folder: Path, identity: str, title: str, note: str) -> Case:
    """Change what a case is called and what is written about it.

    Raises:
        CaseError: There is no such case.
        OutputError: It cannot be written.
    """
    case = read_case(folder, identity)
    case = replace(case, title=title.strip() or case.title, note=note.strip())
    write_text(_place(folder, identity, "case.json"), _text(case))
    return case


def delete(folder: Path, identity: str) -> None:
    """Delete a case with all its files; from one moment to the next it is gone.

    Raises:
        CaseError: There is no such case.
        OutputError: It cannot be deleted.
    """
    place = _place(folder, identity, "case.json").parent
    gone = folder / f".gone-{secrets.token_hex(8)}"
    try:
        place.rename(gone)
    except FileNotFoundError as error:
        raise CaseError("There is no such case; it may have been deleted.") from error
    except OSError as error:
        raise OutputError(f"cannot delete {place}: {(error.strerror or '').lower()}") from error
    shutil.rmtree(gone, ignore_errors=True)


def _text(case: Case) -> str:
    return json.dumps({"format": FORMAT, **asdict(case)}, indent=2, ensure_ascii=False) + "\n"


def _folders(folder: Path) -> list["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        return [
            one for one in entries if _ID.fullmatch(one.name) and one.is_dir(follow_symlinks=False)
        ]


def _place(folder: Path, identity: str, name: str) -> Path:
    if not _ID.fullmatch(identity) or not re.fullmatch(
        r"(case\.json|report\.html|small-\d+\.jpg)", name
    ):
        raise CaseError("There is no such case; it may have been deleted.")
    place = folder / identity
    if place.is_symlink():
        raise CaseError("There is no such case; it may have been deleted.")
    return place / name
