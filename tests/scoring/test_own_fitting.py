import numpy as np
import pytest

from samehand.errors import ModelError
from samehand.scoring.calibration import fit_calibration, llr_from_score
from samehand.scoring.condition_fitting import ScoredPairs
from samehand.scoring.conditions import Condition
from samehand.scoring.own_fitting import LEAST_ARTISTS, cross_validated, fit_own

KINDS = ("photograph", "photograph")


def make_pairs(seed, *, artists=40, offset=0.0, each=6):
    """All pairs of works: Gaussian scores, 2 apart, that differ by artist and by pair."""
    rng = np.random.default_rng(seed)
    artist = np.repeat(np.arange(artists), each)
    left, right = np.triu_indices(len(artist), k=1)
    same = artist[left] == artist[right]
    own = rng.normal(0, 0.3, artists)
    scores = rng.normal(2.0 * same + offset + own[artist[left]] + own[artist[right]], 1.0)
    zeros = np.zeros(len(left), int)
    return ScoredPairs(scores, same, artist[left], artist[right], zeros)


def calibrated(pairs):
    return fit_calibration(pairs.scores, pairs.same, pairs.left_artist, pairs.right_artist)


@pytest.fixture(scope="module")
def shipped():
    return Condition(KINDS, calibrated(make_pairs(0)), 3)


def zero(condition):
    return -condition.calibration.intercept / condition.calibration.slope


@pytest.mark.parametrize("offset", [0.6, -0.6])
def test_a_collection_that_lies_apart_gets_its_own_line(shipped, offset):
    pairs = make_pairs(1, offset=offset)
    own = Condition(KINDS, calibrated(pairs), 1)
    moved = (zero(fit_own(shipped, pairs)) - zero(shipped)) / (zero(own) - zero(shipped))
    assert 0.6 < moved < 1.1


def test_few_artists_change_less_than_many(shipped):
    few, many = (
        fit_own(shipped, make_pairs(2, artists=count, offset=0.6, each=3)) for count in (8, 60)
    )
    assert abs(zero(few) - zero(shipped)) < abs(zero(many) - zero(shipped))
    assert few.calibration.spread[2] > many.calibration.spread[2]


def test_a_collection_like_all_others_stays_as_shipped(shipped):
    assert zero(fit_own(shipped, make_pairs(3))) == pytest.approx(zero(shipped), abs=0.12)


def test_thresholds_stay_at_the_ratios_they_had(shipped):
    own = fit_own(shipped, make_pairs(1, offset=0.6)).calibration
    for name, point in own.points.items():
        before = shipped.calibration.points[name]
        for bound in ("same_at_least", "different_at_most"):
            ratios = [
                line.slope * getattr(at, bound) + line.intercept
                for line, at in ((own, point), (shipped.calibration, before))
            ]
            assert ratios[0] == pytest.approx(ratios[1])


def test_rates_are_never_promised_below_what_the_collection_shows(shipped):
    pairs = make_pairs(4, artists=12, offset=1.5, each=3)
    own = fit_own(shipped, pairs).calibration
    for name, point in own.points.items():
        assert point.error_rate >= shipped.calibration.points[name].error_rate
        assert point.error_rate >= (pairs.scores[~pairs.same] >= point.same_at_least).mean()


def test_too_few_artists_are_refused(shipped):
    with pytest.raises(ModelError, match=f"needs {LEAST_ARTISTS}"):
        fit_own(shipped, make_pairs(0, artists=LEAST_ARTISTS - 1))


def test_artists_that_had_no_say_show_the_gain(shipped):
    gain = cross_validated(shipped, make_pairs(5, offset=0.8))
    assert gain.cllr_least < gain.cllr_after < gain.cllr_before
    assert gain.cllr_after - gain.cllr_least < (gain.cllr_before - gain.cllr_least) / 2
    assert gain.false_matches_after < gain.false_matches_before


def test_the_figure_before_is_cllr_of_the_shipped_line(shipped):
    pairs = make_pairs(6, artists=10)
    llrs = llr_from_score(shipped.calibration, pairs.scores)
    genuine = np.mean([np.log2(1 + 10**-llr) for llr in llrs[pairs.same]])
    impostor = np.mean([np.log2(1 + 10**llr) for llr in llrs[~pairs.same]])
    gain = cross_validated(shipped, pairs)
    assert gain.cllr_before == pytest.approx((genuine + impostor) / 2)
