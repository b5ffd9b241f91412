"""The student report's reduction and split, and the artists kept apart from both."""

from collections import Counter, defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samehand.catalogue.splits import assign_splits, calibration_paintings
from samehand.errors import CatalogueError

GROUPS = ["train_and_test", "train_only", "test_only"]


def catalogue(sizes, grouped):
    rows = [
        {
            "painting_id": f"{artist}-{number}",
            "artist": f"artist {artist}",
            "in_train": None,
            "exclusion": "duplicate of x" if number == 6 else None,
            "split": None,
            "artist_group": GROUPS[artist % 3] if grouped else None,
        }
        for artist, size in enumerate(sizes)
        for number in range(size)
    ]
    schema = dict.fromkeys(rows[0], pl.String) | {"in_train": pl.Boolean}
    return pl.DataFrame(rows, schema=schema)


# Seven works are six usable ones, the largest class that the property asks for.
oeuvres = st.lists(st.integers(7, 24), min_size=12, max_size=18)


@settings(max_examples=25)
@given(oeuvres, st.booleans(), st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 6))
def test_the_reduction_is_balanced_and_the_split_is_60_40_20(sizes, grouped, seed, held, least):
    frame = catalogue(sizes, grouped)
    divided = assign_splits(frame, "report", seed, validation_artists=held, smallest_class=least)
    order = frame.sample(fraction=1, shuffle=True, seed=1)
    again = assign_splits(order, "report", seed, validation_artists=held, smallest_class=least)
    assert again.sort("painting_id").equals(divided.sort("painting_id"))

    usable = divided.filter(pl.col("exclusion").is_null())
    assert divided.filter(pl.col("exclusion").is_not_null())["split"].is_null().all()
    sides = defaultdict(Counter)
    for artist, split in usable.select("artist", "split").rows():
        sides[artist][split] += 1
    reduced = {artist: c for artist, c in sides.items() if c["train"]}
    kept = {artist: c["train"] + c["validation"] + c["test"] for artist, c in reduced.items()}
    # Exactly balanced, at the smallest oeuvre that is large enough.
    assert len(set(kept.values())) == 1
    whole = {a: c for a, c in sides.items() if c and not c["train"] and c.keys() != {None}}
    others = {artist: c.total() for artist, c in sides.items() if artist not in whole}
    assert set(kept.values()) == {min(size for size in others.values() if size >= least)}
    assert set(reduced) == {artist for artist, size in others.items() if size >= least}
    # 60/40, and a fifth of the 60 validates; test and validation within an image of it.
    size = next(iter(kept.values()))
    for counts in reduced.values():
        assert counts["train"] == pytest.approx(0.48 * size, abs=2)
        assert counts["validation"] == pytest.approx(0.12 * size, abs=1)
        assert counts["test"] == pytest.approx(0.40 * size, abs=1)
    # Unseen artists are tested whole, calibration artists validate whole.
    for artist, counts in whole.items():
        assert len(counts) == 1, artist
    tested = {a for a, c in whole.items() if c["test"]}
    if grouped:
        assert tested == {f"artist {i}" for i in range(len(sizes)) if GROUPS[i % 3] == "test_only"}
    else:
        assert len(tested) == len(sizes) // 5
    validating = {a for a, c in whole.items() if c["validation"]}
    assert len(validating) == held
    assert set(calibration_paintings(usable)["artist"]) == validating


def test_the_calibration_artists_are_those_of_the_competition_s_split():
    frame = catalogue([9] * 30, grouped=True).with_columns(
        (pl.col("artist_group") != "test_only").alias("in_train")
    )
    by_report, by_pbn = (
        assign_splits(frame, scheme, 7, validation_artists=4) for scheme in ("report", "pbn")
    )
    assert set(calibration_paintings(by_report)["artist"]) == set(
        calibration_paintings(by_pbn)["artist"]
    )


def test_a_class_larger_than_any_oeuvre_is_refused():
    with pytest.raises(CatalogueError, match="balance"):
        assign_splits(catalogue([8] * 12, False), "report", 0, smallest_class=100)
