import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from samehand.pairs.draws import PairDraft
from samehand.pairs.protocol import Protocol, load_protocol, write_protocol

SCHEMA = dict.fromkeys(
    ("painting_id", "artist", "style", "source", "split", "exclusion"), pl.String
)
Row = tuple[str, str, bool, bool, bool | None, bool | None]


@pytest.fixture(scope="session")
def make_catalogue():
    def make(seed: int, size: int = 60, artists: int = 9) -> pl.DataFrame:
        """Draw a catalogue with every kind of row; a third of the artists is never trained on."""
        rng = np.random.default_rng(seed)
        rows = []
        for index in rng.permutation(size):
            artist = int(rng.integers(artists))
            splits = ["test", None] if artist % 3 == 0 else ["train", "validation", "test", "test"]
            rows.append(
                {
                    "painting_id": f"p{index}",
                    "artist": None if rng.random() < 0.05 else f"artist {artist}",
                    "style": rng.choice([None, "Cubism", "Fauvism"]),
                    "source": rng.choice([None, "here", "there"]),
                    "split": rng.choice(splits),
                    "exclusion": "unreadable" if rng.random() < 0.1 else None,
                }
            )
        return pl.DataFrame(rows, schema=SCHEMA)

    return make


@pytest.fixture(scope="session")
def freeze():
    def make(path: Path, draft: PairDraft) -> Protocol:
        write_protocol(path, draft, description="A question.", catalogue_sha256="c0ffee")
        return load_protocol(path)

    return make


@pytest.fixture(scope="session")
def rows_of():
    def make(protocol: Protocol, size: int = 7) -> list[Row]:
        """Every row of a protocol through the streaming interface, in file order."""
        flag = {1: True, 0: False, -1: None}
        return [
            (
                protocol.paintings[batch.left[i]],
                protocol.paintings[batch.right[i]],
                bool(batch.same[i]),
                bool(batch.seen[i]),
                flag[int(batch.same_style[i])],
                flag[int(batch.same_source[i])],
            )
            for batch in protocol.batches(size)
            for i in range(len(batch.left))
        ]

    return make


@pytest.fixture(scope="session")
def expected_rows():
    def make(catalogue: pl.DataFrame, split: str, artists: str, within_style: bool) -> set[Row]:
        """Every pair by brute force over dictionaries."""
        rows = catalogue.to_dicts()
        usable = [r for r in rows if r["exclusion"] is None and r["artist"] is not None]
        trained = {r["artist"] for r in usable if r["split"] == "train"}
        barred = {"train"} if split == "validation" else {"train", "validation"}
        touched = {r["artist"] for r in rows if r["split"] in barred}
        wanted = sorted((r for r in usable if r["split"] == split), key=lambda r: r["painting_id"])
        if artists == "unseen":
            wanted = [r for r in wanted if r["artist"] not in touched]
        if artists == "seen":
            wanted = [r for r in wanted if r["artist"] in trained]

        def agree(a: Any, b: Any) -> bool | None:
            return None if a is None or b is None else a == b

        found = set()
        for a, b in itertools.combinations(wanted, 2):
            if within_style and not agree(a["style"], b["style"]):
                continue
            found.add(
                (
                    a["painting_id"],
                    b["painting_id"],
                    a["artist"] == b["artist"],
                    a["artist"] in trained and b["artist"] in trained,
                    agree(a["style"], b["style"]),
                    agree(a["source"], b["source"]),
                )
            )
        return found

    return make
