"""What is decided of a reference set within a style: by the score, never against the ratio."""

from dataclasses import replace
from math import log10
from pathlib import Path

import pytest

from samehand.model.folder import ModelConfig, open_model
from samehand.scoring.calibration import OperatingThreshold
from samehand.scoring.conditions import Reading
from samehand.verification.condition import WithinStyle, one_style_of_set

SLOPE, INTERCEPT, SHIFT = 4.0, -1.0, 0.1
SAME, DIFFERENT = 0.5, 0.0


@pytest.fixture
def config(tiny_model: Path) -> ModelConfig:
    return open_model(tiny_model).config


def within(config: ModelConfig, styled: float, *, llr: float = 9.0, **reading: str) -> WithinStyle:
    """Ask about a set whose pictures are read `SHIFT` higher than usual ones."""
    usual = config.calibration
    read = replace(usual, intercept=usual.intercept + SHIFT * usual.slope)
    points = {"eer": OperatingThreshold(0.2, SAME, DIFFERENT)}
    rule = replace(
        usual, slope=SLOPE, intercept=INTERCEPT, lower=-2.0, upper=2.0, points=usual.points | points
    )
    asked = Reading(read, "two photographs", 1, **reading)
    return one_style_of_set(config, asked, 0.3, llr, (rule, styled), "eer")


@pytest.mark.parametrize(
    ("styled", "decision"),
    [
        (SAME - SHIFT + 0.01, "same"),
        (SAME - SHIFT - 0.01, "no decision"),
        (DIFFERENT - SHIFT - 0.01, "different"),
        (DIFFERENT - SHIFT + 0.01, "no decision"),
        # 0.25 is a ratio of 1: nobody decides on it, whatever the threshold.
        (0.25 - SHIFT, "no decision"),
    ],
)
def test_the_moved_score_meets_the_rules_own_threshold(config, styled, decision):
    found = within(config, styled)
    assert found.decision == decision
    assert found.error_rate == 0.2
    expected = min(max(SLOPE * (styled + SHIFT) + INTERCEPT, -2.0), 2.0)
    assert found.llr == pytest.approx(expected)


def test_nothing_is_decided_against_a_ratio_that_is_held_back(config):
    # Against any artist there is hardly any support, so within the style there is no more.
    for llr, expected in ((0.4, "same"), (log10(2) - 0.01, "no decision"), (-1.0, "no decision")):
        found = within(config, 1.0, llr=llr)
        assert found.llr == pytest.approx(max(llr, 0.0))
        assert found.decision == expected


def test_pictures_without_relevant_calibration_get_no_decision_within_a_style(config):
    found = within(config, 1.0, refusal="no relevant calibration data")
    assert (found.decision, found.error_rate) == (None, None)
    assert found.llr == 1.0
