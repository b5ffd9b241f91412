"""Hands and suspect labels as files: CSV and XLSX for spreadsheets, JSON for programs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samehand.catalogue.write_table import SUFFIXES, write_rows
from samehand.errors import OutputError
from samehand.files import write_text
from samehand.results import Clustering, Suspects

_WORK = ("artist", "title", "date", "style", "genre", "source")
_SUSPECT = (
    "rank", "path", "title", "artist", "own_llr", "rival", "rival_llr", "suspicion", "hand",
    "duplicate", "rival_work",
)  # fmt: skip


Record = Mapping[str, Any]


def check_suffix(out: Path) -> None:
    """Refuse a file that is not one of these kinds, before there is anything to write.

    Raises:
        OutputError: It is another kind of file.
    """
    if out.suffix.lower() not in (*SUFFIXES, ".json"):
        raise OutputError(f"{out} does not end in .csv, .xlsx or .json; name it NAME.csv, say")


def write_clustering(
    out: Path, found: Clustering, records: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the hands of a gallery: the answer itself as JSON, or a table with a row a work.

    Args:
        out: A .csv, .xlsx or .json file.
        found: The hands.
        records: What the gallery says of each work, by its path.

    Raises:
        OutputError: The file cannot be written.
    """
    if out.suffix.lower() == ".json":
        _write_json(out, found.to_dict())
        return
    rows = []
    for hand in found.hands:
        for path in hand.works:
            record = records.get(path, {})
            known = {name: record.get(name) for name in _WORK}
            start = {"hand": hand.number, "hand_artist": hand.artist, "path": path}
            rows.append(start | known | dict(record.get("extra", {})))
    write_rows(out, ("hand", "hand_artist", "path", *_WORK), rows)


def write_suspects(out: Path, found: Suspects) -> None:
    """Write suspect labels, with accession numbers and every other column of the gallery.

    Args:
        out: A .csv, .xlsx or .json file.
        found: The suspects.

    Raises:
        OutputError: The file cannot be written.
    """
    if out.suffix.lower() == ".json":
        _write_json(out, found.to_dict())
        return
    rows = [one.extra | {name: getattr(one, name) for name in _SUSPECT} for one in found.suspects]
    write_rows(out, _SUSPECT, rows)


def _write_json(out: Path, values: Mapping[str, object]) -> None:
    write_text(out, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
