"""What several of these scripts need of a catalogue, and of the documents that they fill."""

from pathlib import Path

import numpy as np
import polars as pl

from samehand import SameHand
from samehand.evaluation.metrics import auc
from samehand.files import write_text
from samehand.records import Floats
from samehand.serving.embed import embed_catalogued


def unseen_paintings(table: pl.DataFrame) -> pl.DataFrame:
    """Return the test paintings, by id, of artists whom neither training nor calibration saw."""
    known = table.filter(pl.col("split").is_in(["train", "validation"]))["artist"].unique()
    return table.filter(
        (pl.col("split") == "test") & ~pl.col("artist").is_in(known.to_list())
    ).sort("painting_id")


def embeddings_of(verifier: SameHand, rows: pl.DataFrame, folder: Path) -> Floats:
    """Return embeddings of a catalogue's paintings, from its cache where it has them."""
    return embed_catalogued(
        verifier.embedder, rows["path"].to_list(), folder, folder / "embeddings"
    )


def pair_aucs(scores: Floats, table: pl.DataFrame) -> list[float]:
    """Return the AUC over all pairs of a table's paintings, and over those of one style.

    The second is left out where no style is known. Pairs are in the order of `np.triu_indices`.
    """
    artists, styles = (table[name].fill_null("").to_numpy() for name in ("artist", "style"))
    left, right = np.triu_indices(len(artists), k=1)
    same = artists[left] == artists[right]
    alike = (styles[left] == styles[right]) & (styles[left] != "")
    found = [auc(scores, same)]
    return [*found, auc(scores[alike], same[alike])] if same[alike].any() else found


def write_block(document: Path, begin: str, end: str, text: str) -> None:
    """Put text between two marked lines of a document."""
    before, _, rest = document.read_text(encoding="utf-8").partition(f"{begin}\n")
    write_text(document, f"{before}{begin}\n{text}{end}{rest.partition(end)[2]}")
