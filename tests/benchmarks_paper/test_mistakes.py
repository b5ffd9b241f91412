import numpy as np
import polars as pl
import pytest
from PIL import Image

from benchmarks.paper.mistakes import (
    draw_pairs,
    find_mistakes,
    hints,
    worst_artists,
    worst_pairs,
    year_of,
)
from benchmarks.paper.tasks import OpenTask
from samehand.evaluation.evaluate import Labels
from samehand.evaluation.metrics import cllr
from samehand.pairs.draws import PairBatch

ARTISTS = np.repeat(np.arange(5), 4)


class Listed:
    """The batches of a protocol that is nowhere on disk."""

    def __init__(self, left, right):
        self.left, self.right = left, right

    def batches(self):
        none = np.zeros(len(self.left), np.int8)
        yield PairBatch(self.left, self.right, none == 1, none == 1, none, none)


@pytest.fixture
def task():
    left, right = (side.astype(np.int32) for side in np.triu_indices(20, k=1))
    one, two = (ARTISTS[side].astype(np.int32) for side in (left, right))
    paintings = pl.DataFrame(
        {
            "painting_id": [f"p{place:02d}" for place in range(20)],
            "path": [f"{place}.png" for place in range(20)],
            "artist": [f"artist {code}" for code in ARTISTS],
            "title": ["Untitled"] * 20,
            "date": [str(1900 + place) for place in range(20)],
            "style": [f"style {code % 2}" for code in ARTISTS],
            "phash": [f"{place:016x}" for place in range(20)],
        }
    )
    none = np.zeros(len(left), np.int8)
    return OpenTask(Listed(left, right), paintings, Labels(one == two, one, two, none == 1, none))


@pytest.fixture
def llrs(task):
    rng = np.random.default_rng(0)
    return (rng.normal(size=len(task.labels.same)) + task.labels.same).astype(np.float32)


def test_the_worst_pairs_are_the_extremes_of_each_couple(task, llrs):
    found = worst_pairs(task, llrs, llrs, 3)
    assert [pair.same for pair in found] == [False] * 3 + [True] * 3
    best = {}
    labels = task.labels
    for one, two, same, llr in zip(
        labels.left_artist, labels.right_artist, labels.same, llrs, strict=True
    ):
        key = (bool(same), int(min(one, two)), int(max(one, two)))
        best[key] = (min if same else max)(best.get(key, llr), llr)
    for same, sign in ((False, -1), (True, 1)):
        expected = sorted((v for k, v in best.items() if k[0] == same), key=lambda v: sign * v)[:3]
        got = [pair.llr for pair in found if pair.same == same]
        assert got == pytest.approx([float(value) for value in expected])


def test_artists_are_ranked_by_the_cost_of_their_own_pairs(task, llrs):
    found = worst_artists(task, llrs, 10)
    labels, expected = task.labels, {}
    for code in range(5):
        own = (labels.left_artist == code) | (labels.right_artist == code)
        expected[f"artist {code}"] = cllr(llrs[own], labels.same[own])
        (row,) = (row for row in found if row.artist == f"artist {code}")
        wrong = llrs[own & labels.same] < 0
        assert row.missed == pytest.approx(wrong.mean())
        taken = llrs[own & ~labels.same] >= 0
        assert row.accepted == pytest.approx(taken.mean())
        rivals = {}
        for other in set(range(5)) - {code}:
            met = own & ((labels.left_artist == other) | (labels.right_artist == other))
            rivals[f"artist {other}"] = float((llrs[met] >= 0).mean())
        assert row.rival_accepted == pytest.approx(max(rivals.values()))
        assert rivals[row.rival] == max(rivals.values())
        assert (row.paintings, row.years) == (4, (1900 + 4 * code, 1903 + 4 * code))
    assert [row.cllr for row in found] == pytest.approx(sorted(expected.values(), reverse=True))
    assert worst_artists(task, llrs, 2) == found[:2]


def test_records_are_there_for_every_pair_and_can_be_drawn(task, llrs, tmp_path):
    mistakes = find_mistakes(task, llrs, llrs)
    assert all({p.left, p.right} <= mistakes.records.keys() for p in mistakes.pairs)
    assert mistakes.records["p00"] == "`p00`: artist 0, Untitled, 1900, style 0"
    for place in range(20):
        work = Image.new("RGB", (20 + place, 40), (12 * place, 0, 0))
        work.paste("white", (0, 0, 9, 9))
        work.save(tmp_path / f"{place}.png")
    draw_pairs(mistakes.pairs, task.paintings, tmp_path, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > sheet.height > 300
        assert len(sheet.getcolors(10**6)) > 20


def test_hints_say_what_the_records_say():
    one = {"style": "Cubism", "title": "Still Life", "date": "1911-05", "phash": "0" * 16}
    two = one | {"title": "still life", "date": "1932", "phash": "0" * 15 + "3"}
    assert hints(one, two) == (
        "one style",
        "one title",
        "21 years apart",
        "compositions alike (2 of 64 bits of the perceptual hash differ)",
    )
    far = two | {"style": "Fauvism", "title": "Boats", "date": None, "phash": "f" * 16}
    assert hints(one, far) == ("two styles",)
    assert hints(one, far | {"style": None}) == ()


@pytest.mark.parametrize(
    ("date", "year"), [("1890", 1890), ("1890-07-01", 1890), ("c. 1890", None), (None, None)]
)
def test_years(date, year):
    assert year_of(date) == year
