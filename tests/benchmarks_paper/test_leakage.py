import numpy as np

from benchmarks.paper.leakage import (
    FACTS,
    file_facts,
    forest_scores,
    grow_forest,
    pair_facts,
)
from samehand.evaluation.metrics import auc
from samehand.pairs.draws import PairBatch


def labelled(artists):
    left, right = np.triu_indices(len(artists), k=1)
    same = artists[left] == artists[right]
    unknown = np.full(len(left), -1, np.int8)
    return PairBatch(left, right, same, same, unknown, unknown)


def test_facts_are_those_of_the_files(tmp_path, picture):
    image = picture(0, (60, 40))
    image.save(tmp_path / "fine.jpg", quality=95, subsampling=0, dpi=(300, 300))
    image.save(tmp_path / "coarse.jpg", quality=30, subsampling=2, progressive=True)
    image.save(tmp_path / "other.png")
    rows = file_facts([tmp_path / name for name in ("fine.jpg", "coarse.jpg", "other.png")])
    assert rows.shape == (3, len(FACTS))
    fine, coarse, png = (dict(zip(FACTS, row, strict=True)) for row in rows)
    for name, facts in (("fine.jpg", fine), ("coarse.jpg", coarse), ("other.png", png)):
        assert facts["file size"] == (tmp_path / name).stat().st_size
        assert (facts["width"], facts["height"], facts["aspect"]) == (60, 40, 1.5)
    assert fine["mean luma quantisation"] < coarse["mean luma quantisation"]
    assert (fine["chroma subsampling"], coarse["chroma subsampling"]) == (0, 2)
    assert (fine["progressive"], coarse["progressive"]) == (0, 1)
    assert fine["resolution"] == 300
    assert png["quantisation tables"] == 0


def test_pairs_know_no_order():
    facts = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    left, right = np.array([0, 3, 5]), np.array([4, 1, 2])
    seen = pair_facts(facts, left, right)
    np.testing.assert_array_equal(seen, pair_facts(facts, right, left))
    np.testing.assert_array_equal(seen[1, :4], np.abs(facts[3] - facts[1]))
    np.testing.assert_array_equal(seen[1, 4:8], np.minimum(facts[3], facts[1]))


def test_the_forest_finds_a_leak_and_nothing_where_there_is_none():
    rng = np.random.default_rng(1)
    artists = np.repeat(np.arange(30), 6)
    telling = rng.normal(size=(180, 3)).astype(np.float32)
    telling[:, 0] = artists * 10 + rng.normal(size=180)
    for facts, least, most in ((telling, 0.9, 1.0), (rng.normal(size=(180, 3)), 0.35, 0.65)):
        facts = facts.astype(np.float32)
        known, new = labelled(artists[:120]), labelled(artists[120:])
        forest = grow_forest(facts[:120], [known], seed=0)
        scores = forest_scores(forest, facts[120:])(new.left, new.right)
        assert least <= auc(scores, new.same) <= most
        again = forest_scores(grow_forest(facts[:120], [known], seed=0), facts[120:])
        np.testing.assert_array_equal(again(new.right, new.left), scores)
