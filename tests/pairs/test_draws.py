from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samehand.errors import ProtocolError
from samehand.pairs.draws import all_pairs, find_candidates, sampled_pairs


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    split=st.sampled_from(["train", "validation", "test"]),
    artists=st.sampled_from(["unseen", "seen", "all"]),
    within_style=st.booleans(),
)
def test_all_pairs_are_the_brute_force_pairs_once(
    make_catalogue,
    expected_rows,
    freeze,
    rows_of,
    tmp_path_factory: pytest.TempPathFactory,
    seed,
    split,
    artists,
    within_style,
):
    catalogue = make_catalogue(seed, size=40)
    path = tmp_path_factory.mktemp("protocol") / "all.parquet"
    draft = all_pairs(catalogue, split=split, artists=artists, within_style=within_style)
    expected = expected_rows(catalogue, split, artists, within_style)
    if not expected:
        with pytest.raises(ProtocolError, match="no pair of usable paintings"):
            freeze(path, draft)
        assert list(path.parent.iterdir()) == []
        return
    protocol = freeze(path, draft)
    rows = rows_of(protocol)
    assert len(rows) == len(set(rows))
    assert set(rows) == expected
    header = protocol.header
    assert header.pairs == len(expected)
    assert header.genuine == sum(row[2] for row in expected)
    assert header.impostor == header.pairs - header.genuine
    used = {name for row in expected for name in row[:2]}
    assert protocol.paintings == tuple(sorted(used))
    assert header.paintings == len(used)
    makers = catalogue.filter(pl.col("painting_id").is_in(list(used)))["artist"]
    assert header.artists == makers.n_unique()


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    artists=st.sampled_from(["unseen", "seen", "all"]),
    kind=st.sampled_from(["any", "same-style"]),
    data=st.data(),
)
def test_sampled_pairs_are_distinct_real_pairs(
    make_catalogue,
    expected_rows,
    freeze,
    rows_of,
    tmp_path_factory: pytest.TempPathFactory,
    seed,
    artists,
    kind,
    data,
):
    catalogue = make_catalogue(seed)
    expected = expected_rows(catalogue, "test", artists, within_style=False)
    genuine = {row for row in expected if row[2]}
    impostors = {row for row in expected if not row[2] and (kind == "any" or row[4])}
    wanted_genuine = data.draw(st.integers(0, len(genuine)))
    wanted_impostors = data.draw(st.integers(0, len(impostors)))
    draft = sampled_pairs(
        catalogue,
        artists=artists,
        genuine=wanted_genuine,
        impostors=wanted_impostors,
        impostor_kind=kind,
        seed=seed,
    )
    if wanted_genuine + wanted_impostors == 0:
        return
    protocol = freeze(tmp_path_factory.mktemp("protocol") / "drawn.parquet", draft)
    rows = rows_of(protocol)
    assert len(set(rows)) == len(rows)
    assert len(genuine & set(rows)) == wanted_genuine
    assert len(impostors & set(rows)) == wanted_impostors
    assert len(rows) == wanted_genuine + wanted_impostors
    assert rows == sorted(rows)


def test_a_draw_is_balanced_unless_told_otherwise(
    make_catalogue, expected_rows, freeze, tmp_path: Path
):
    catalogue = make_catalogue(1)
    header = freeze(tmp_path / "b.parquet", sampled_pairs(catalogue, artists="all", seed=3)).header
    assert header.genuine == sum(row[2] for row in expected_rows(catalogue, "test", "all", False))
    assert header.impostor == header.genuine > 0
    assert header.seed == 3


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_every_impostor_pair_is_equally_likely(make_catalogue, expected_rows, share: float):
    catalogue = make_catalogue(4, size=60, artists=4)
    expected = {row for row in expected_rows(catalogue, "test", "all", False) if not row[2]}
    number = round(share * len(expected))
    counts: Counter[tuple[int, int]] = Counter()
    draws = 200
    for seed in range(draws):
        draft = sampled_pairs(catalogue, artists="all", genuine=0, impostors=number, seed=seed)
        for batch in draft.batches:
            counts.update(zip(batch.left.tolist(), batch.right.tolist(), strict=True))
    rate = number / len(expected)
    spread = np.sqrt(draws * rate * (1 - rate))
    assert len(counts) == len(expected)
    assert max(abs(count - draws * rate) for count in counts.values()) < 4.5 * spread


@pytest.mark.parametrize(("genuine", "impostors"), [(10**6, 1), (1, 10**6), (-1, 1)])
def test_impossible_numbers_are_refused(make_catalogue, genuine: int, impostors: int):
    with pytest.raises(ProtocolError, match="cannot draw"):
        sampled_pairs(
            make_catalogue(2), artists="all", genuine=genuine, impostors=impostors, seed=0
        )


def test_large_catalogues_are_sampled_without_listing_their_pairs():
    size = 200_000
    index = np.arange(size)
    catalogue = pl.DataFrame(
        {
            "painting_id": index.astype(str),
            "artist": (index % 5000).astype(str),
            "style": (index % 7).astype(str),
            "source": None,
            "split": "test",
            "exclusion": None,
        }
    )
    draft = sampled_pairs(catalogue, genuine=500, impostors=500, impostor_kind="same-style", seed=0)
    (batch,) = draft.batches
    ids = np.array(draft.candidates.ids).astype(int)
    left, right = ids[batch.left], ids[batch.right]
    assert np.array_equal(left % 5000 == right % 5000, batch.same)
    assert batch.same.sum() == 500
    assert np.all((left % 7 == right % 7) | batch.same)
    assert np.all(batch.same_source == -1)


@pytest.mark.parametrize("drawn", [False, True])
def test_one_seed_makes_one_file_whatever_the_order_of_the_catalogue(
    make_catalogue, freeze, tmp_path: Path, drawn: bool
):
    def make(path: Path, catalogue: pl.DataFrame, seed: int) -> tuple[bytes, bytes]:
        draft = (
            sampled_pairs(catalogue, artists="all", genuine=20, impostors=30, seed=seed)
            if drawn
            else all_pairs(catalogue, artists="all")
        )
        freeze(path, draft)
        return path.read_bytes(), path.with_suffix(".json").read_bytes()

    catalogue = make_catalogue(5)
    first = make(tmp_path / "1" / "p.parquet", catalogue, seed=1)
    shuffled = catalogue.sample(fraction=1.0, shuffle=True, seed=8)
    assert make(tmp_path / "2" / "p.parquet", shuffled, seed=1) == first
    if drawn:
        assert make(tmp_path / "3" / "p.parquet", catalogue, seed=2) != first


def test_candidates_do_not_depend_on_row_order(make_catalogue):
    catalogue = make_catalogue(9)
    one, other = (find_candidates(table, "test") for table in (catalogue, catalogue.reverse()))
    assert one.ids == other.ids == tuple(sorted(one.ids))
    for name in ("artist", "style", "source", "seen", "unseen"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
