"""Which labels of the real catalogue the other works contradict: docs/attribution-results.md.

    python benchmarks/suspect_labels.py CATALOGUE --out OUT [--docs docs/attribution-results.md]

Ranks the test paintings, with the labels they have, and the works that the catalogue gives to two
artists, which `samehand prepare` excluded. Those are judged twice: as `samehand cluster` would find
them, where the copy under the other name gives them away, and by the uncontested works alone. Other
paintings by the contested artists serve as references and are not ranked, because training has
learned their labels. Embeddings come from the catalogue's cache.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from shared import arguments, embeddings_of, table, write_block

from samehand import SameHand
from samehand.catalogue.duplicates import CONTESTED
from samehand.catalogue.schema import load_catalogue
from samehand.files import write_text
from samehand.scoring.artists import artist_llrs
from samehand.verification.copies import duplicates_of
from samehand.verification.hands import suspicion_of

SHOWN, MOST_REFERENCES, FEW = 20, 30, 5
Facts = dict[str, Any]


def main() -> None:
    options = arguments(__doc__, out=True).parse_args()
    verifier = SameHand(options.model)
    rows = chosen(load_catalogue(options.catalogue))
    embeddings = embeddings_of(verifier, rows, options.catalogue)
    found = suspects(verifier, rows, embeddings, options.catalogue)
    write_text(options.out / "suspects.json", json.dumps(found, indent=2) + "\n")
    text = markdown(found)
    write_text(options.out / "suspects.md", text)
    if options.docs:
        write_block(options.docs, "<!-- suspects -->", "<!-- end of suspects -->", text)
    print(text)


def chosen(catalogue: pl.DataFrame) -> pl.DataFrame:
    """Return the test paintings, the contested works, and all else by the contested artists."""
    disputed = pl.col("exclusion") == CONTESTED
    artists = catalogue.filter(disputed)["artist"].unique().to_list()
    theirs = pl.col("artist").is_in(artists) & pl.col("split").is_not_null()
    return catalogue.filter((pl.col("split") == "test") | disputed | theirs).sort("painting_id")


def suspects(verifier: SameHand, rows: pl.DataFrame, embeddings: np.ndarray, folder: Path) -> Facts:
    """Rank labels by suspicion, by the uncontested works alone, and look for copies."""
    works = verifier.folder.comparator.enrol(embeddings)
    names, labels = np.unique(rows["artist"].to_list(), return_inverse=True)
    labels = labels.astype(np.int64)
    disputed = (rows["exclusion"] == CONTESTED).fill_null(False).to_numpy()
    ranked = disputed | (rows["split"] == "test").fill_null(False).to_numpy()
    # A contested work is the only one of an artist of its own, so it is nobody's reference.
    apart = labels.copy()
    apart[disputed] = len(names) + np.arange(disputed.sum())
    config = verifier.folder.config
    rule = config.attribution.references
    llrs = artist_llrs(
        verifier.folder.comparator, works, apart, rule, config.calibration, MOST_REFERENCES, 0
    )[:, : len(names)]
    suspicion, rival = suspicion_of(llrs, labels)
    order = np.lexsort((-suspicion, ~ranked))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    duplicates = duplicates_of([str(folder / path) for path in rows["path"]], embeddings, labels)
    last = rule.steps[-1].calibration
    shown = np.clip(llrs, last.lower, last.upper)
    listed = rows.to_dicts()
    counts = np.bincount(labels[~disputed], minlength=len(names))

    def facts(i: int, other: int) -> Facts:
        theirs = np.flatnonzero((labels == other) & ~disputed)
        nearest = int(theirs[np.argmax(embeddings[theirs] @ embeddings[i])])
        return {
            "id": listed[i]["painting_id"],
            "title": listed[i]["title"],
            "date": listed[i]["date"],
            "artist": str(names[labels[i]]),
            "works": int(counts[labels[i]] - ranked[i] * (not disputed[i])),
            "llr": float(shown[i, labels[i]]),
            "rival": str(names[other]),
            "rival_works": int(counts[other]),
            "rival_llr": float(shown[i, other]),
            "nearest": listed[nearest]["painting_id"],
            "nearest_title": listed[nearest]["title"],
            "duplicate": listed[duplicates[i]]["painting_id"] if i in duplicates else None,
            "contested": bool(disputed[i]),
            "rank": int(rank[i]),
        }

    return {
        "model": verifier.folder.identity,
        "ranked": int(ranked.sum()),
        "judged": int((ranked & np.isfinite(suspicion)).sum()),
        "suspect": int((ranked & (suspicion > 0)).sum()),
        "duplicates": len(duplicates),
        "contested_duplicates": sum(bool(disputed[i]) for i in duplicates),
        "most_suspect": [facts(i, int(rival[i])) for i in order[:SHOWN].tolist()],
        "contested": [
            facts(i, int(labels[j])) for i, j in copies(listed, embeddings, disputed)
        ],
    }  # fmt: skip


def copies(
    listed: list[Facts], embeddings: np.ndarray, disputed: np.ndarray
) -> list[tuple[int, int]]:
    """Return each contested work with its copy under another name, which is the nearest."""
    found = []
    for i in np.flatnonzero(disputed).tolist():
        others = [
            j
            for j in np.flatnonzero(disputed).tolist()
            if listed[j]["artist"] != listed[i]["artist"]
        ]
        found.append((i, max(others, key=lambda j: float(embeddings[i] @ embeddings[j]))))
    return found


def remark(row: Facts) -> str:
    """Say what weakens or explains a suspicion."""
    said = [
        "contested" * row["contested"],
        f"the same picture as {row['duplicate']}" * bool(row["duplicate"]),
        "fits its label too" * (row["llr"] > 0),
        f"only {row['works']} works under its label" * (row["works"] < FEW),
        f"only {row['rival_works']} works by the other" * (row["rival_works"] < FEW),
    ]
    return "; ".join(filter(None, said)) or "-"


def labels_of(row: Facts) -> list[str]:
    """Return a work, its label, and the other label that is weighed against it, as cells."""
    date = f", {row['date']}" if row["date"] else ""
    title = f"{row['title'] or '-'}{date}"
    own, other = f"{row['llr']:+.2f}", f"{row['rival_llr']:+.2f}"
    return [row["id"], title, row["artist"], own, row["rival"], other]


def markdown(found: Facts) -> str:
    lines = [
        f"Model `{found['model']}`; {found['ranked']:,} labels ranked, of which "
        f"{found['judged']:,} could be judged and {found['suspect']:,} fit another artist better.",
        "",
        f"The {SHOWN} most suspect; each is a question, not a finding. llr of the work with the "
        "others under its label, and with those of the artist whom it fits best:",
        *table(
            ["rank", "id", "title", "label", "llr", "fits best", "llr", "nearest there", "remark"],
            [
                [
                    f"{row['rank']}",
                    *labels_of(row),
                    f"{row['nearest']}, {row['nearest_title'] or '-'}",
                    remark(row),
                ]
                for row in found["most_suspect"]
            ],
        ),
        "",
        "The works that the catalogue gives to two artists, under either label, judged by "
        f"uncontested works alone. By their copies {found['contested_duplicates']} of "
        f"{len(found['contested'])} are found, which `samehand cluster` lists first, and with them "
        f"{found['duplicates'] - found['contested_duplicates']} works that nobody contests.",
        *table(
            ["id", "title", "label", "llr", "other label", "llr", "rank", "copy found"],
            [
                [*labels_of(row), f"{row['rank']:,}", row["duplicate"] or "no"]
                for row in sorted(found["contested"], key=lambda row: int(row["rank"]))
            ],
        ),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
