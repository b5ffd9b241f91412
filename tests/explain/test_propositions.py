import pytest

from samehand.explain.propositions import (
    PRIOR_ODDS,
    next_step,
    pair_propositions,
    posteriors,
    set_propositions,
)
from samehand.explain.words import share
from samehand.scoring.conditions import OWN_WORKS


@pytest.mark.parametrize("llr", [-1.2, 0.0, 1.5])
def test_each_posterior_follows_from_its_odds(llr):
    rows = posteriors(llr, llr / 2)
    assert [row.odds for row in rows] == [f"1 to {odds:,}" for odds in PRIOR_ODDS]
    for row, odds in zip(rows, PRIOR_ODDS, strict=True):
        for text, ratio in ((row.any_artist, 10**llr), (row.one_style, 10 ** (llr / 2))):
            assert text == share(ratio / (ratio + odds))


def test_without_a_ratio_within_a_style_its_column_is_empty():
    assert {row.one_style for row in posteriors(1.0, None)} == {""}


def test_every_band_has_a_step_of_its_own():
    steps = [next_step(llr, refused=False) for llr in (0.1, 0.5, 1.5, 2.5)]
    assert len({*steps, next_step(2.5, refused=True)}) == 5
    assert next_step(0.1, refused=False) == next_step(-0.1, refused=False)
    for llr in (0.5, 1.5, 2.5):
        assert "one artist" in next_step(llr, refused=False)
        assert "two artists" in next_step(-llr, refused=False)


@pytest.mark.parametrize("made", [pair_propositions, set_propositions])
def test_both_propositions_and_their_population_are_stated(made):
    found = made(1.0, 0.5, False, "")
    assert found.same.startswith("H1:")
    assert found.different.startswith("H2:")
    assert "calibration pictures" in found.population
    assert "not for the pictures" in found.whose_prior


@pytest.mark.parametrize("made", [pair_propositions, set_propositions])
def test_a_model_calibrated_on_ones_own_works_names_their_artists(made):
    measured = (f"9 pairs by 3 artists{whose}" for whose in (OWN_WORKS, " of two collections"))
    own, shipped = (made(1.0, 0.5, False, on).population for on in measured)
    assert "the collection that the model was calibrated on" in own
    assert "collections hold it" in shipped
    assert "Japanese prints" not in own
