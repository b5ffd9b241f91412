from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand.pairs.sampler import artist_batches


@st.composite
def collections(draw):
    """Oeuvres of every size, and a batch shape that fits them."""
    per_artist = draw(st.integers(1, 4))
    sizes = draw(st.lists(st.integers(1, 12), min_size=2, max_size=9))
    enough = sum(size >= per_artist for size in sizes)
    if enough < 2:
        sizes += [per_artist, per_artist + 3]
        enough += 2
    artists = [f"artist {i}" for i, size in enumerate(sizes) for _ in range(size)]
    order = draw(st.permutations(range(len(artists))))
    return {
        "artists": [artists[i] for i in order],
        "artists_per_batch": draw(st.integers(2, enough)),
        "per_artist": per_artist,
        "per_epoch": draw(st.integers(0, 300)),
        "seed": draw(st.integers(0, 2**63 - 1)),
        "epoch": draw(st.integers(0, 100)),
    }


def drawn_works(case, batches):
    """What each artist was asked for, in the order of asking."""
    works = {}
    for index in (index for batch in batches for index in batch):
        works.setdefault(case["artists"][index], []).append(index)
    return works


@given(collections())
def test_a_batch_is_several_paintings_of_each_of_several_artists(case):
    batches = artist_batches(**case)
    paintings = case["artists_per_batch"] * case["per_artist"]
    assert len(batches) == max(1, case["per_epoch"] // paintings)
    for batch in batches:
        assert len(set(batch)) == len(batch) == paintings
        counts = Counter(case["artists"][index] for index in batch)
        assert len(counts) == case["artists_per_batch"]
        assert set(counts.values()) == {case["per_artist"]}


@given(collections())
def test_artists_come_equally_often_whatever_their_oeuvre(case):
    sizes = Counter(case["artists"])
    works = drawn_works(case, artist_batches(**case))
    assert all(sizes[name] >= case["per_artist"] for name in works)
    counts = [
        len(works.get(name, [])) // case["per_artist"]
        for name, size in sizes.items()
        if size >= case["per_artist"]
    ]
    assert max(counts) - min(counts) <= 1


@given(collections())
def test_a_painting_returns_only_after_all_of_its_artist(case):
    sizes = Counter(case["artists"])
    for name, drawn in drawn_works(case, artist_batches(**case)).items():
        for start in range(0, len(drawn), sizes[name]):
            turn = drawn[start : start + sizes[name]]
            assert len(set(turn)) == len(turn)


@given(collections())
def test_seed_and_epoch_fix_the_draw(case):
    assert artist_batches(**case) == artist_batches(**case)


@pytest.mark.parametrize("changed", [{"seed": 8}, {"epoch": 4}, {"seed": 3, "epoch": 7}])
def test_another_seed_or_epoch_draws_others(changed):
    case = {
        "artists": [f"artist {i % 10}" for i in range(80)],
        "artists_per_batch": 4,
        "per_artist": 2,
        "per_epoch": 80,
        "seed": 7,
        "epoch": 3,
    }
    assert artist_batches(**case) != artist_batches(**case | changed)


def test_artists_with_too_few_paintings_are_left_out():
    artists = ["a"] * 3 + ["b"] * 2 + ["c"] * 3
    batches = artist_batches(
        artists, artists_per_batch=2, per_artist=3, per_epoch=60, seed=0, epoch=0
    )
    assert {artists[index] for batch in batches for index in batch} == {"a", "c"}


@pytest.mark.parametrize(
    ("artists", "sentence"),
    [
        ([], "only 0 artists have 3 paintings; a batch needs 2"),
        (["a"] * 9 + ["b"] * 2, "only 1 artists have 3 paintings; a batch needs 2"),
    ],
)
def test_impossible_batches_are_refused(artists, sentence):
    with pytest.raises(ValueError, match=sentence):
        artist_batches(artists, artists_per_batch=2, per_artist=3, per_epoch=6, seed=0, epoch=0)
