from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samehand.catalogue.splits import (
    MINIMUM_PAINTINGS,
    assign_splits,
    balance_artists,
    calibration_paintings,
)
from samehand.errors import CatalogueError

SCHEMES = ("pbn", "artist-disjoint", "image-level")


def catalogue(rows):
    return pl.DataFrame(
        [
            {
                "painting_id": f"p{number}",
                "artist": artist,
                "in_train": in_train,
                "exclusion": exclusion,
                "split": None,
                "artist_group": None,
            }
            for number, (artist, in_train, exclusion) in enumerate(rows)
        ],
        schema={
            "painting_id": pl.String,
            "artist": pl.String,
            "in_train": pl.Boolean,
            "exclusion": pl.String,
            "split": pl.String,
            "artist_group": pl.String,
        },
    )


paintings = st.lists(
    st.tuples(
        st.sampled_from("abcdefghij"),
        st.booleans(),
        st.sampled_from([None, None, None, "duplicate of p0", "no artist"]),
    ),
    max_size=120,
).map(lambda rows: [(artist, True, None) for artist in "uvw"] + rows)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(rows=paintings, seed=st.integers(0, 2**32), shuffle=st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_split_is_complete_reproducible_and_independent_of_order(scheme, rows, seed, shuffle):
    frame = catalogue(rows)
    divided = assign_splits(frame, scheme, seed)
    assert divided.drop("split").equals(frame.drop("split"))
    excluded = divided["exclusion"].is_not_null()
    assert (divided["split"].is_null() == excluded).all()
    assert assign_splits(frame, scheme, seed).equals(divided)
    order = list(range(frame.height))
    shuffle.shuffle(order)
    assert (
        assign_splits(frame[order], scheme, seed)
        .sort("painting_id")
        .equals(divided.sort("painting_id"))
    )
    if scheme == "artist-disjoint":
        per_artist = divided.drop_nulls("split").group_by("artist").agg(pl.col("split").n_unique())
        assert (per_artist["split"] == 1).all()


@given(rows=paintings, seed=st.integers(0, 99), wanted=st.integers(0, 6))
@settings(max_examples=60)
def test_pbn_keeps_the_competition_test_set_and_draws_unseen_validators(rows, seed, wanted):
    divided = assign_splits(catalogue(rows), "pbn", seed, validation_artists=wanted)
    usable = divided.filter(pl.col("exclusion").is_null())
    assert ((usable["split"] == "test") == ~usable["in_train"]).all()
    drawn = set(usable.filter(pl.col("split") == "validation")["artist"])
    rest = set(usable.filter(pl.col("split") != "validation")["artist"])
    assert not drawn & rest
    sizes = Counter(usable["artist"])
    tested = set(usable.filter(pl.col("split") == "test")["artist"])
    eligible = {a for a in sizes if sizes[a] >= MINIMUM_PAINTINGS and a not in tested}
    assert drawn <= eligible
    assert len(drawn) == (wanted if len(eligible) >= wanted else len(eligible) // 2)


def test_pbn_obeys_the_competition_on_who_is_train_only():
    rows = [(artist, True, None) for artist in "ab" for _ in range(5)]
    frame = catalogue(rows).with_columns(
        artist_group=pl.when(pl.col("artist") == "a")
        .then(pl.lit("train_and_test"))
        .otherwise(pl.lit("train_only"))
    )
    divided = assign_splits(frame, "pbn", 0, validation_artists=1)
    assert set(divided.filter(pl.col("split") == "validation")["artist"]) == {"b"}


def test_pbn_needs_to_know_what_was_trained_on():
    with pytest.raises(CatalogueError, match="artist-disjoint"):
        assign_splits(catalogue([("a", None, None)]), "pbn", 0)


@pytest.mark.parametrize("artists", [3, 5, 10, 39, 1000])
def test_artist_disjoint_shares(artists):
    frame = catalogue([(str(artist), None, None) for artist in range(artists) for _ in range(2)])
    divided = assign_splits(frame, "artist-disjoint", 1)
    count = {split: part.height // 2 for (split,), part in divided.group_by("split")}
    assert sum(count.values()) == artists
    for split, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)):
        assert count[split] >= 1
        assert abs(count[split] - share * artists) <= 1


def test_artist_disjoint_leaves_a_zero_share_empty():
    frame = catalogue([(str(artist), None, None) for artist in range(5)])
    divided = assign_splits(frame, "artist-disjoint", 1, fractions=(0.0, 0.0, 1.0))
    assert set(divided["split"]) == {"test"}


@pytest.mark.parametrize(
    ("artists", "fractions"),
    [(2, (0.6, 0.2, 0.2)), (0, (0.6, 0.2, 0.2)), (9, (0.6, 0.2, 0.1)), (9, (1.2, -0.4, 0.2))],
)
def test_impossible_shares_are_refused(artists, fractions):
    frame = catalogue([(str(artist), None, None) for artist in range(artists)])
    with pytest.raises(CatalogueError):
        assign_splits(frame, "artist-disjoint", 1, fractions=fractions)


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_image_level_shares_hold_for_every_artist_and_in_all(sizes, seed):
    frame = catalogue([(str(k), None, None) for k, size in enumerate(sizes) for _ in range(size)])
    divided = assign_splits(frame, "image-level", seed)

    def check(part):
        test = (part["split"] == "test").sum()
        held = (part["split"] == "validation").sum()
        assert abs(test - 0.4 * part.height) <= 1
        assert abs(held - 0.2 * (part.height - test)) <= 1

    check(divided)
    for _, part in divided.group_by("artist"):
        check(part)


def test_image_level_draws_differ_by_seed():
    frame = catalogue([("a", None, None)] * 60)
    splits = {tuple(assign_splits(frame, "image-level", seed)["split"]) for seed in range(5)}
    assert len(splits) == 5


def test_given_keeps_the_source_and_clears_what_is_excluded():
    frame = catalogue([("a", None, None), ("b", None, None), ("c", None, "no artist")])
    frame = frame.with_columns(split=pl.Series(["test", None, "train"]))
    assert assign_splits(frame, "given", 0)["split"].to_list() == ["test", None, None]
    with pytest.raises(CatalogueError, match="no split column"):
        assign_splits(catalogue([("a", None, None)]), "given", 0)


def test_mistakes_are_named():
    frame = catalogue([("a", True, None)])
    with pytest.raises(CatalogueError, match="'halves' is not a split scheme"):
        assign_splits(frame, "halves", 0)
    with pytest.raises(CatalogueError, match="negative"):
        assign_splits(frame, "image-level", -1)


@given(
    sizes=st.lists(st.integers(1, 15), min_size=1, max_size=10),
    seed=st.integers(0, 2**40),
    shuffle=st.randoms(use_true_random=False),
)
@settings(max_examples=60)
def test_balancing_matches_the_smallest_class(sizes, seed, shuffle):
    rows = [(str(k), None, None) for k, size in enumerate(sizes) for _ in range(size)]
    frame = catalogue(rows + [(None, None, "no artist")])
    balanced = balance_artists(frame, seed)
    assert Counter(balanced["artist"]) == {str(k): min(sizes) for k in range(len(sizes))}
    assert balanced["painting_id"].is_unique().all()
    order = list(range(frame.height))
    shuffle.shuffle(order)
    again = balance_artists(frame[order], seed)
    assert set(again["painting_id"]) == set(balanced["painting_id"])
    for wanted in {1, max(sizes)}:
        capped = balance_artists(frame, seed, per_artist=wanted)
        kept = {str(k): wanted for k, size in enumerate(sizes) if size >= wanted}
        assert Counter(capped["artist"]) == kept


def test_balancing_keeps_the_order_of_rows_and_draws_by_seed():
    frame = catalogue([("a", None, None)] * 30 + [("b", None, None)] * 3)
    balanced = balance_artists(frame, 0)
    assert balanced["painting_id"].to_list() == sorted(
        balanced["painting_id"], key=lambda name: int(name[1:])
    )
    assert len({tuple(balance_artists(frame, seed)["painting_id"]) for seed in range(6)}) > 1


@pytest.mark.parametrize(("rows", "wanted"), [([], None), (["a"], 2), (["a"], 0)])
def test_balancing_nothing_is_refused(rows, wanted):
    rows = [(artist, None, None) for artist in rows]
    with pytest.raises(CatalogueError):
        balance_artists(catalogue(rows), 0, per_artist=wanted)


def test_calibration_uses_no_artist_who_is_trained_or_tested_on():
    rows = [("a", "train"), ("a", "validation"), ("b", "validation"), ("b", "validation")]
    rows += [("c", "validation"), ("c", "test"), ("d", "test")]
    table = pl.DataFrame(
        [
            {"painting_id": str(number), "artist": artist, "split": split}
            for number, (artist, split) in enumerate(rows)
        ]
    )
    assert calibration_paintings(table)["painting_id"].to_list() == ["2", "3"]
    with pytest.raises(CatalogueError, match="neither train nor test"):
        calibration_paintings(table.filter(pl.col("artist") != "b"))
