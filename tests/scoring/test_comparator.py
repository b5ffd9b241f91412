from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samehand.errors import ModelError
from samehand.scoring import comparator as module
from samehand.scoring.comparator import CosineComparator, Enrolled
from samehand.scoring.nearby import nearby_cosines

KINDS = ("none", "csls", "as-norm")
WIDTH = 12


def unit(seed: int, count: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, WIDTH))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def make(kind: str, seed: int = 0, neighbours: int = 5, cohort: int = 40) -> CosineComparator:
    return CosineComparator(kind, neighbours, unit(1000 + seed, cohort))


def by_hand(comparator: CosineComparator, one: np.ndarray, other: np.ndarray) -> float:
    """The score of one pair, in double precision, as the papers write it."""
    one, other, cohort = (x.astype(np.float64) for x in (one, other, comparator.cohort))
    cosine = float(sum(a * b for a, b in zip(one, other, strict=True)))
    near = [sorted((float(c @ x) for c in cohort), reverse=True) for x in (one, other)]
    near = [cosines[: comparator.neighbours] for cosines in near]
    means = [sum(cosines) / len(cosines) for cosines in near]
    if comparator.normalisation == "none":
        return cosine
    if comparator.normalisation == "csls":
        return (2 * cosine - means[0] - means[1]) / 2
    spreads = [
        (sum((c - mean) ** 2 for c in cosines) / len(cosines)) ** 0.5
        for cosines, mean in zip(near, means, strict=True)
    ]
    return sum((cosine - m) / s for m, s in zip(means, spreads, strict=True)) / 2


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_papers(kind: str):
    comparator, embeddings = make(kind), unit(1, 9)
    enrolled = comparator.enrol(embeddings)
    left, right = (side.ravel() for side in np.indices((9, 9)))
    expected = [by_hand(comparator, embeddings[i], embeddings[j]) for i, j in zip(left, right)]  # noqa: B905
    found = comparator.pair_scores(enrolled, left, right)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_enrolment_is_what_it_says():
    comparator, embeddings = make("csls", neighbours=3), unit(2, 7)
    enrolled = comparator.enrol(embeddings)
    for index, row in enumerate(embeddings):
        cosines = np.sort(comparator.cohort @ row)[::-1]
        assert enrolled.level[index] == pytest.approx(cosines[:3].mean(), abs=1e-6)
        assert enrolled.spread[index] == pytest.approx(cosines[:3].std(), abs=1e-6)


def test_enrolment_does_not_depend_on_the_batch():
    comparator, embeddings = make("csls"), unit(3, 2100)
    together = comparator.enrol(embeddings)
    for pick in (slice(0, 1), slice(1020, 1030), slice(2099, 2100)):
        alone = comparator.enrol(embeddings[pick])
        for name in ("embeddings", "level", "spread"):
            np.testing.assert_allclose(
                getattr(alone, name), getattr(together, name)[pick], atol=1e-6
            )


def test_a_cohort_of_one_painting_repeated_does_not_divide_by_nothing():
    comparator = CosineComparator("as-norm", 3, np.repeat(unit(4, 1), 5, axis=0))
    enrolled = comparator.enrol(unit(5, 4))
    assert (enrolled.spread > 0).all()
    scores = comparator.pair_scores(enrolled, np.array([0, 1]), np.array([2, 3]))
    assert np.isfinite(scores).all()


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10**6),
    size=st.integers(2, 40),
    pairs=st.sampled_from([0, 1, 3, 200]),
)
def test_swapping_changes_no_bit(kind: str, seed: int, size: int, pairs: int):
    comparator = make(kind)
    enrolled = comparator.enrol(unit(seed, size))
    left, right = np.random.default_rng(seed).integers(size, size=(2, pairs))
    forward = comparator.pair_scores(enrolled, left, right)
    assert forward.shape == (pairs,)
    np.testing.assert_array_equal(forward, comparator.pair_scores(enrolled, right, left))
    some = np.random.default_rng(seed).random(pairs) < 0.5
    mixed = comparator.pair_scores(
        enrolled, np.where(some, left, right), np.where(some, right, left)
    )
    np.testing.assert_array_equal(forward, mixed)


@settings(max_examples=15)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**6), size=st.integers(20, 230))
def test_swapping_changes_no_bit_where_a_matrix_product_is_taken(kind: str, seed: int, size: int):
    # 20 to 230 paintings in 12,000 pairs: always within 8 matrix cells a pair.
    comparator = make(kind)
    enrolled = comparator.enrol(unit(seed, size))
    left, right = np.random.default_rng(seed).integers(size, size=(2, 12_000))
    forward = comparator.pair_scores(enrolled, left, right)
    np.testing.assert_array_equal(forward, comparator.pair_scores(enrolled, right, left))


@pytest.mark.parametrize("kind", KINDS)
def test_the_matrix_product_agrees_with_pair_by_pair(kind: str):
    comparator = make(kind)
    enrolled = comparator.enrol(unit(6, 150))
    left, right = np.random.default_rng(6).integers(150, size=(2, 15_000))
    dense = comparator.pair_scores(enrolled, left, right)
    sparse = np.concatenate(
        [
            comparator.pair_scores(enrolled, left[start : start + 500], right[start : start + 500])
            for start in range(0, 15_000, 500)
        ]
    )
    # A z-score is a cosine over a spread of a few hundredths.
    tolerance = 1e-6 / float(enrolled.spread.min()) if kind == "as-norm" else 1e-6
    np.testing.assert_allclose(dense, sparse, rtol=0, atol=tolerance)


@pytest.mark.parametrize("paintings", [150, 5000])
def test_the_order_of_the_pairs_does_not_matter(paintings: int):
    comparator = make("csls")
    enrolled = comparator.enrol(unit(7, paintings))
    rng = np.random.default_rng(7)
    left, right = rng.integers(paintings, size=(2, 15_000))
    order = rng.permutation(15_000)
    scores = comparator.pair_scores(enrolled, left, right)
    np.testing.assert_allclose(
        comparator.pair_scores(enrolled, left[order], right[order]), scores[order], atol=1e-6
    )


def test_the_size_of_the_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch):
    comparator = make("csls")
    enrolled = comparator.enrol(unit(8, 300))
    left, right = np.random.default_rng(8).integers(300, size=(2, 30_001))
    whole = comparator.pair_scores(enrolled, left, right)
    for size in (7_000, 15_000, 30_001):
        monkeypatch.setattr(module, "_PAIRS_AT_ONCE", size)
        blocks = comparator.pair_scores(enrolled, left, right)
        np.testing.assert_allclose(blocks, whole, rtol=0, atol=1e-6)


def test_a_painting_resembles_itself_most():
    comparator = make("none")
    enrolled = comparator.enrol(unit(9, 6))
    index = np.arange(6)
    np.testing.assert_allclose(comparator.pair_scores(enrolled, index, index), 1, atol=1e-6)


@pytest.mark.parametrize(("cohort", "neighbours"), [(4, 5), (0, 2), (10, 1), (10, 0), (10, -3)])
def test_a_cohort_too_small_for_its_neighbours_is_refused(cohort: int, neighbours: int):
    with pytest.raises(ModelError, match=f"cohort of {cohort} paintings cannot give {neighbours}"):
        make("csls", cohort=cohort, neighbours=neighbours)


def test_the_whole_cohort_may_be_the_neighbours():
    enrolled = make("csls", cohort=5, neighbours=5).enrol(unit(1, 2))
    assert isinstance(enrolled, Enrolled)
    np.testing.assert_allclose(
        enrolled.level, (unit(1, 2) @ unit(1000, 5).T).mean(axis=1), atol=1e-6
    )


@pytest.mark.parametrize("kind", ["none", "csls", "as-norm"])
def test_scores_for_pairs_of_one_style_add_the_cosine_from_the_artists_near_to_both(kind: str):
    plain, rows = make(kind), unit(1, 12)
    near = replace(plain, nearby=True)
    left, right = np.triu_indices(12, 1)
    enrolled = plain.enrol(rows)
    scores = plain.pair_scores(enrolled, left, right)
    np.testing.assert_array_equal(plain.style_scores(enrolled, left, right), scores)
    np.testing.assert_array_equal(near.pair_scores(enrolled, left, right), scores)
    added = nearby_cosines(rows, plain.cohort, plain.neighbours, left, right)
    found = near.style_scores(enrolled, left, right)
    np.testing.assert_allclose(found, scores + added, atol=1e-6)
    np.testing.assert_array_equal(found, near.style_scores(enrolled, right, left))
