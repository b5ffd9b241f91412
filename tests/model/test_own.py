from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samehand.model.folder import ModelFolder, open_model
from samehand.model.own import OwnCalibration, calibrate_own
from samehand.scoring.condition_fitting import Pictures, pairs_of
from samehand.scoring.conditions import Condition, read_pair
from samehand.scoring.openset import Attribution, OpenSet, OpenSetCondition, OpenSetPoint
from samehand.scoring.openset_conditions import collection_trials, false_alarms
from samehand.scoring.references import ReferenceRule, ReferenceStep
from samehand.verification.condition import measured_on
from samehand.verification.known import Weighed, weigh_best

KINDS = ("photograph", "photograph")
WORDS = "two photographs"
USUAL = OpenSet(
    1.0,
    -0.5,
    0.0,
    -2.0,
    2.0,
    {"far1": OpenSetPoint(0.01, 0.5, 1.0), "far10": OpenSetPoint(0.1, 0.7, 0.5)},
    40,
)
SHIPPED = OpenSetCondition(KINDS, replace(USUAL, intercept=0.25), 50, 2)


@pytest.fixture
def folder(tiny_model: Path) -> ModelFolder:
    """The tiny model, with a calibration and a rule of galleries for two photographs."""
    model = open_model(tiny_model)
    usual = model.config.calibration
    of_five = replace(usual, slope=1.3 * usual.slope, intercept=usual.intercept - 0.4)
    steps = ReferenceStep(1, (1.0, 0.0, 0.0), usual), ReferenceStep(5, (0.5, 0.5, 0.0), of_five)
    rules = ReferenceRule(steps)
    steep = replace(usual, slope=1.5 * usual.slope, intercept=usual.intercept - 0.2)
    config = replace(
        model.config,
        conditions=(Condition(KINDS, steep, 3),),
        attribution=Attribution(rules, USUAL, (SHIPPED,)),
    )
    return replace(model, config=config)


def works_of(artists: int, each: int, width: int, noise: float = 0.9):
    rng = np.random.default_rng(0)
    centre = np.repeat(rng.normal(size=(artists, width)), each, axis=0)
    rows = (centre + rng.normal(scale=noise, size=centre.shape)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows, [f"artist {number // each}" for number in range(artists * each)]


def calibrated(
    folder: ModelFolder, out: Path, artists: int, each: int
) -> tuple[OwnCalibration, ModelFolder, Pictures]:
    rows, names = works_of(artists, each, folder.comparator.width)
    works, kinds = [f"work {number}" for number in range(len(rows))], ["photograph"] * len(rows)
    made = calibrate_own(folder, rows, names, works, kinds, out, "mine")
    pictures = Pictures(
        folder.comparator.enrol(rows),
        np.unique(names, return_inverse=True)[1].astype(np.int64),
        np.arange(len(rows)),
        kinds,
        np.zeros(len(rows), np.int64),
    )
    return made, open_model(out), pictures


def test_many_works_get_thresholds_of_their_own_with_a_promise_that_held_on_other_hands(
    folder: ModelFolder, tmp_path: Path
):
    made, own, pictures = calibrated(folder, tmp_path / "mine", 30, 5)
    assert own.config.attribution is not None
    (rule,) = own.config.attribution.by_kinds
    gain = made.galleries[WORDS]
    assert (rule.kinds, rule.hands, rule.collections) == (KINDS, 30, 1)
    assert gain.hands == 30
    assert gain.shipped == {"far1": 0.01, "far10": 0.1}
    points = rule.open_set.points
    assert gain.promised == {name: point.false_alarms for name, point in points.items()}
    everything = np.arange(150)
    for conditions, found in (
        (folder.config.conditions, SHIPPED),
        (own.config.conditions, rule),
    ):
        trials = collection_trials(
            folder.comparator,
            pictures,
            (everything, everything),
            own.config.attribution,
            folder.config.calibration,
            read_pair(folder.config.calibration, conditions, *KINDS),
            0,
        )
        level = found.open_set.intercept - USUAL.intercept
        for name, point in found.open_set.points.items():
            rate = false_alarms(trials, point.known_at_least - level)
            if found is SHIPPED:
                assert gain.before[name] == rate
            else:
                assert rate <= point.false_alarms
                assert point.false_alarms >= gain.after[name]


def test_galleries_of_few_works_go_on_deciding_as_shipped(folder: ModelFolder, tmp_path: Path):
    made, own, pictures = calibrated(folder, tmp_path / "mine", 10, 4)
    assert made.galleries == {}
    assert own.config.attribution is not None
    (rule,) = own.config.attribution.by_kinds
    before, after = folder.config.conditions[0].calibration, own.config.conditions[0].calibration
    assert after.slope != before.slope
    assert rule.open_set.points == SHIPPED.open_set.points
    everything = np.ones(40, bool)
    scores = pairs_of(folder.comparator, pictures, everything, everything).scores
    usual = folder.config.calibration
    five = own.config.attribution.references.at(5).calibration
    for score in scores.tolist():
        shipped, now = (
            found.score(line.slope * score + line.intercept, 7)
            for found, line in ((SHIPPED.open_set, before), (rule.open_set, after))
        )
        level = now - shipped
        assert level < 1e-9
        # With five works an artist, the score is first read as that of a usual pair.
        shipped, now = (
            found.score(
                five.slope * (line.slope * score + line.intercept - usual.intercept) / usual.slope
                + five.intercept,
                7,
            )
            for found, line in ((SHIPPED.open_set, before), (rule.open_set, after))
        )
        assert now - shipped < 1e-9
        assert max(level, now - shipped) == pytest.approx(0, abs=1e-9)


def test_what_ones_own_works_measured_is_not_said_to_be_of_artists_never_seen(
    folder: ModelFolder, tmp_path: Path
):
    _, own, _ = calibrated(folder, tmp_path / "mine", 30, 5)
    told = []
    for config in (folder.config, own.config):
        reading = read_pair(config.calibration, config.conditions, *KINDS)
        best = Weighed("a hand", 1.0, 1.0, 3, KINDS, reading, None)
        assert config.attribution is not None
        galleries = weigh_best(config.attribution, best, 12, "far10").measured_on
        told.append((measured_on(reading), galleries))
    for words in told[0]:
        assert words.endswith("that the model had never seen")
    for words in told[1]:
        assert words.endswith(
            "30 artists of the collection that it was calibrated on, which the model may have seen"
        )


def test_a_model_of_ones_own_can_be_calibrated_again(folder: ModelFolder, tmp_path: Path):
    _, own, _ = calibrated(folder, tmp_path / "mine", 30, 5)
    made, _, _ = calibrated(own, tmp_path / "again", 30, 5)
    gain = made.galleries[WORDS]
    assert own.config.attribution is not None
    points = own.config.attribution.by_kinds[0].open_set.points
    assert gain.shipped == {name: point.false_alarms for name, point in points.items()}
    # Those thresholds were fitted on these very works, with a margin.
    for name, point in points.items():
        assert gain.before[name] <= point.false_alarms
