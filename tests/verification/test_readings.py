from typing import get_args

import numpy as np

from samehand.model.folder import open_model
from samehand.model.readings import readings_of_pairs
from samehand.records import PictureKind
from samehand.scoring.conditions import read_pair
from samehand.verification.condition import picture_kinds


def test_every_pair_is_read_once_and_as_its_kinds_are():
    config = open_model("lite").config
    random = np.random.default_rng(3)
    kinds = random.choice(get_args(PictureKind), 40).tolist()
    left, right = random.integers(0, 40, (2, 300))
    found = {}
    for reading, chosen in readings_of_pairs(config, kinds, left, right):
        assert not found.keys() & set(chosen.tolist())
        found |= dict.fromkeys(chosen.tolist(), reading)
    assert sorted(found) == list(range(300))
    for pair, reading in found.items():
        one, two = kinds[left[pair]], kinds[right[pair]]
        assert reading == read_pair(config.calibration, config.conditions, one, two)


def test_a_refused_pair_has_neither_decision_nor_error_rate():
    config = open_model("lite").config
    kinds = get_args(PictureKind)
    numbers = np.triu_indices(len(kinds))
    refused = [one for one, _ in readings_of_pairs(config, kinds, *numbers) if one.refusal]
    assert refused
    for reading in refused:
        for point in reading.calibration.points.values():
            assert reading.decide(9.0, point, 9.0) == "no decision"
            assert reading.error_rate(point) is None


def test_a_file_that_cannot_be_read_is_told_apart_from_nothing(tmp_path):
    broken = tmp_path / "a.png"
    broken.write_bytes(b"no picture")
    assert picture_kinds(open_model("lite").config, [broken]) == ["photograph"]
