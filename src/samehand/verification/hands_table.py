"""Hands and suspect labels as files: CSV for spreadsheets, JSON for programs."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from samehand.catalogue.text_table import safe_cell
from samehand.errors import OutputError
from samehand.files import atomic_path, write_text
from samehand.results import Clustering, Suspects

_WORK = ("artist", "title", "date", "style", "genre", "source")
_SUSPECT = (
    "rank", "path", "title", "artist", "own_llr", "rival", "rival_llr", "suspicion", "hand",
    "duplicate",
)  # fmt: skip


Record = Mapping[str, Any]


def check_suffix(out: Path) -> None:
    """Refuse a file that is neither CSV nor JSON, before there is anything to write.

    Raises:
        OutputError: It is another kind of file.
    """
    if out.suffix.lower() not in (".csv", ".json"):
        raise OutputError(f"{out} does not end in .csv or .json; name it NAME.csv or NAME.json")


def write_clustering(
    out: Path, found: Clustering, records: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the hands of a gallery: the answer itself as JSON, or a row a work as CSV.

    Args:
        out: A .csv or .json file.
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
    _write_csv(out, ("hand", "hand_artist", "path", *_WORK), rows)


def write_suspects(out: Path, found: Suspects) -> None:
    """Write suspect labels, with accession numbers and every other column of the gallery.

    Args:
        out: A .csv or .json file.
        found: The suspects.

    Raises:
        OutputError: The file cannot be written.
    """
    if out.suffix.lower() == ".json":
        _write_json(out, found.to_dict())
        return
    rows = [one.extra | {name: getattr(one, name) for name in _SUSPECT} for one in found.suspects]
    _write_csv(out, _SUSPECT, rows)


def _write_json(out: Path, values: Mapping[str, object]) -> None:
    write_text(out, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def _write_csv(out: Path, first: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    others = sorted({name for row in rows for name in row} - set(first))
    with (
        atomic_path(out) as temporary,
        # The mark tells Excel that this is UTF-8.
        temporary.open("w", encoding="utf-8-sig", newline="") as stream,
    ):
        table = csv.writer(stream)
        table.writerow([*first, *map(safe_cell, others)])
        for row in rows:
            table.writerow([safe_cell(row.get(name)) for name in (*first, *others)])
