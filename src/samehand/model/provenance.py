"""What a model folder says of where it comes from."""

import datetime
from typing import Any

import polars as pl

from samehand.files import sha256_bytes
from samehand.versions import versions


def export_facts(facts: dict[str, Any], calibration: pl.DataFrame) -> dict[str, Any]:
    """Return the facts of a run with those of its export.

    Args:
        facts: What the run's config.json says, and which epoch was best.
        calibration: The catalogue's rows that calibrate.
    """
    return facts | {
        "exported": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "export_versions": versions(),
        "calibration_sha256": ids_hash(calibration),
    }


def ids_hash(rows: pl.DataFrame) -> str:
    """Return a SHA-256 that tells which paintings `rows` of a catalogue are."""
    return sha256_bytes("\n".join(rows["painting_id"].sort()).encode())
