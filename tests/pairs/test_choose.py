from pathlib import Path

import polars as pl
import pytest

from samehand.errors import ProtocolError
from samehand.pairs.choose import choose_pairs

OPTIONS = {
    "split": "test",
    "artists": None,
    "within_style": False,
    "genuine": None,
    "impostors": None,
    "submission": None,
    "seed": 0,
}


@pytest.fixture
def table() -> pl.DataFrame:
    rows = [("seen", "train"), ("seen", "test"), ("seen", "test")]
    rows += [(name, "test") for name in ("new", "other") for _ in range(3)]
    return pl.DataFrame(
        [
            {
                "painting_id": f"p{number}",
                "artist": artist,
                "split": split,
                "style": ["Cubism", "Baroque"][number % 2],
                "source": None,
                "exclusion": None,
            }
            for number, (artist, split) in enumerate(rows)
        ],
        schema_overrides={"source": pl.String, "exclusion": pl.String},
    )


def pairs_of(draft) -> list[tuple[str, str]]:
    ids = draft.candidates.ids
    return [
        (ids[left], ids[right])
        for batch in draft.batches
        for left, right in zip(batch.left, batch.right, strict=True)
    ]


def test_every_pair_of_unseen_artists_by_default(table):
    draft, sentence = choose_pairs(table, **OPTIONS)
    assert len(pairs_of(draft)) == 15  # six paintings
    assert sentence == "Every pair of test paintings, unseen artists."
    draft, _ = choose_pairs(table, **OPTIONS | {"artists": "all"})
    assert len(pairs_of(draft)) == 28
    draft, sentence = choose_pairs(table, **OPTIONS | {"within_style": True})
    assert len(pairs_of(draft)) == 6  # three of either style
    assert "of one style" in sentence


def test_all_splits_pair_every_painting_that_has_one(table):
    named = pl.when(pl.col("painting_id") != "p8").then(pl.col("split"))
    left_out = table.with_columns(split=named)
    draft, sentence = choose_pairs(left_out, **OPTIONS | {"split": "all"})
    # Eight of nine paintings, the training one and those of artists that it is by among them.
    assert len(pairs_of(draft)) == 8 * 7 // 2
    assert sentence == "Every pair of all paintings, all artists."
    draft, _ = choose_pairs(left_out, **OPTIONS | {"split": "all", "artists": "unseen"})
    assert len(pairs_of(draft)) == 5 * 4 // 2


def test_drawn_pairs_say_which_kind_shares_a_style(table):
    draft, sentence = choose_pairs(table, **OPTIONS | {"genuine": 4, "within_style": True})
    assert len(pairs_of(draft)) == 8
    assert sentence == (
        "Genuine pairs and impostor pairs of one style drawn among test paintings, unseen artists."
    )
    draft, _ = choose_pairs(table, **OPTIONS | {"impostors": 2})
    assert len(pairs_of(draft)) == 6 + 2  # all genuine pairs


@pytest.mark.parametrize(
    "clash", [{"genuine": 1}, {"impostors": 1}, {"within_style": True}, {"artists": "unseen"}]
)
def test_a_list_of_pairs_takes_no_further_choice(table, clash):
    with pytest.raises(ProtocolError, match="already lists its pairs"):
        choose_pairs(table, **OPTIONS | {"submission": Path("pairs.csv")} | clash)


def test_a_list_of_pairs_is_taken_as_it_is(table, tmp_path):
    (tmp_path / "pairs.csv").write_text("index,image1,image2\n0,p3.jpg,p1.jpg\n1,p2.jpg,p1.jpg\n")
    draft, sentence = choose_pairs(table, **OPTIONS | {"submission": tmp_path / "pairs.csv"})
    assert pairs_of(draft) == [("p3", "p1"), ("p2", "p1")]
    assert sentence == "The pairs of pairs.csv among test paintings."
