import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.validation.criteria import CRITERIA, Criterion, passes
from benchmarks.validation.measure import (
    Answers,
    dev_pav,
    empirical_cross_entropy,
    pav_llrs,
    promises,
)
from benchmarks.validation.report import Row, validation_report
from samehand.evaluation.metrics import cllr, count_levels, min_cllr_of


def make_llrs(seed, genuine=60, impostor=90):
    rng = np.random.default_rng(seed)
    same = np.repeat([True, False], [genuine, impostor])
    return rng.normal(np.where(same, 0.8, -0.8), 0.9), same


def test_entropy_at_even_odds_is_cllr():
    llrs, same = make_llrs(0)
    found = empirical_cross_entropy(llrs, same, np.array([0.0]))
    assert found[0] == pytest.approx(cllr(llrs, same))


def test_entropy_is_the_mean_surprise_of_the_posterior():
    llrs, same = make_llrs(1, 5, 7)
    for odds in (-2.0, 0.5, 3.0):
        prior = 10**odds / (1 + 10**odds)
        posterior = [prior * 10**llr / (prior * 10**llr + 1 - prior) for llr in llrs]
        one = np.mean([-np.log2(p) for p, s in zip(posterior, same, strict=True) if s])
        two = np.mean([-np.log2(1 - p) for p, s in zip(posterior, same, strict=True) if not s])
        found = empirical_cross_entropy(llrs, same, np.array([odds]))[0]
        assert found == pytest.approx(prior * one + (1 - prior) * two)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_pav_llrs_rise_and_cost_the_minimum(seed):
    llrs, same = make_llrs(seed)
    best = pav_llrs(llrs, same)
    rising = np.clip(best[np.argsort(llrs)], -300, 300)
    assert (np.diff(rising) >= -1e-9).all()
    levels = count_levels(llrs, same)
    least = min_cllr_of(levels.genuine, levels.impostor)
    assert cllr(np.clip(best, -300, 300), same) == pytest.approx(least, abs=1e-9)


def test_dev_pav_is_the_area_between_the_line_and_the_identity():
    llrs, same = make_llrs(2, 300, 300)
    x = np.unique(llrs)
    y = np.array([pav_llrs(llrs, same)[np.flatnonzero(llrs == one)[0]] for one in x])
    kept = np.isfinite(y)
    x, y = x[kept], y[kept]
    grid = np.linspace(x[0], x[-1], 400_001)
    area = np.trapezoid(np.abs(np.interp(grid, x, y) - grid), grid)
    assert dev_pav(llrs, same) == pytest.approx(area / (x[-1] - x[0]), rel=1e-3)


def test_a_ratio_that_is_too_high_everywhere_deviates_by_that_much():
    llrs, same = make_llrs(3, 4000, 4000)
    best = pav_llrs(llrs, same)
    finite = np.isfinite(best)
    shifted = dev_pav(best[finite] + 0.5, same[finite])
    assert shifted == pytest.approx(0.5, abs=0.05)


def test_figures_agree_with_those_of_the_netherlands_forensic_institute():
    metrics = pytest.importorskip("lir.metrics")
    devpav = pytest.importorskip("lir.metrics.devpav")
    from lir.data.models import LLRData

    for seed in range(3):
        llrs, same = make_llrs(seed)
        data = LLRData(features=llrs.reshape(-1, 1), labels=same.astype(int))
        levels = count_levels(llrs, same)
        assert cllr(llrs, same) == pytest.approx(metrics.cllr(data))
        least = min_cllr_of(levels.genuine, levels.impostor)
        assert least == pytest.approx(metrics.cllr_min(data), abs=1e-6)
        assert dev_pav(llrs, same) == pytest.approx(devpav.devpav(llrs, same.astype(int)), abs=1e-6)


def test_a_figure_beyond_its_bound_is_shown_as_failed():
    bad = Row("paintings", "accuracy", "10 pictures", {"Cllr": 0.9, "EER": 0.1})
    page = validation_report("m@1", "command", [bad], [], ["A note."], "images")
    assert "| accuracy | Cllr | ECE | at most 0.8 | paintings | 0.900 | **fail** |" in page
    assert "| EER | DET | at most 0.25 | paintings | 0.100 | pass |" in page
    assert "**1 of 2 criteria are met.**" in page


def test_every_promise_stands_beside_what_was_measured():
    same = np.array([True, False, False, False, False, False])
    refused = np.array([False, False, False, False, False, True])
    said = np.array([True, True, False, False, False, True])
    nothing = np.zeros(6)
    found = Answers(
        "works", 3, 4, nothing, nothing, same, refused,
        {"eer": np.full(6, 0.2), "fmr1": np.array([0.9, 0.1, 0.1, 0.3, 0.3, 0.9])},
        {"eer": said, "fmr1": said}, nothing > 0, nothing,
    )  # fmt: skip
    rates = promises(found)
    assert rates["eer"] == pytest.approx((0.2, 0.25))
    assert rates["fmr1"] == pytest.approx((0.2, 0.25))
    assert promises(found, np.array([True, True, True, False, False, False]))["eer"][1] == 0.5
    row = Row("works", "accuracy", "4 pictures", {"Cllr": 0.5, "EER": 0.1}, {"eer": (0.2, 0.26)})
    page = validation_report("m@1", "command", [row], [], [], "images")
    assert "| works | 0.100 | 0.500 | - | - | 20.00 %, **26.00 %** |" in page
    kept = Row("works", "accuracy", "4 pictures", {"Cllr": 0.5}, {"eer": (0.2, 0.25)})
    assert "20.00 %, 25.00 % |" in validation_report("m@1", "command", [kept], [], [], "images")


def test_bounds_belong_to_what_passes():
    one = Criterion("accuracy", "Cllr", 0.8, "")
    assert passes(one, 0.8)
    assert not passes(one, 0.8001)
    assert len({(c.characteristic, c.metric) for c in CRITERIA}) == len(CRITERIA)
