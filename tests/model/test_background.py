import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samehand.errors import ModelError
from samehand.model.background import read_background, write_background
from samehand.model.folder import open_model

RISING = np.linspace(-1, 1, 41)
WRONG = {
    "edges that are none": {"edges": np.full(41, np.nan)},
    "edges that fall": {"edges": RISING[::-1].copy()},
    "edges at one place": {"edges": np.zeros(41)},
    "edges in a square": {"edges": np.zeros((41, 2))},
    "no bins": {
        "edges": np.zeros(1),
        "genuine": np.zeros(0, np.int64),
        "impostor": np.zeros(0, np.int64),
    },
    "counts below nothing": {"genuine": np.full(40, -1)},
    "no pairs": {"impostor": np.zeros(40, np.int64)},
    "counts whose sum overflows": {"genuine": np.full(40, 2**62)},
    "counts that are no numbers": {"genuine": np.full(40, np.nan)},
    "counts of other bins": {"genuine": np.ones(39, np.int64)},
    "no regions": {"regions": np.zeros((0, 24), np.float32)},
    "regions that are nowhere": {"regions": np.zeros((9, 24), np.float32)},
    "regions of another width": {"regions": np.ones((9, 23), np.float32)},
    "places beyond": {"places": np.full(240, 9)},
    "a discount below nothing": {"discount": -1.0},
    "a discount that is no number": {"discount": np.nan},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_no_evidence_can_be_set_against_is_refused(tiny_model: Path, tmp_path: Path, wrong):
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    model = open_model(folder)
    write_background(folder, model.config, replace(read_background(model), **WRONG[wrong]))
    with pytest.raises(ModelError) as caught:
        read_background(model)
    assert str(caught.value).startswith(f"cannot use {folder / 'evidence.safetensors'}: its ") or (
        "edges of its bins do not rise" in str(caught.value)
    )
    assert "make it again with: samehand background" in str(caught.value)


def test_a_discount_is_kept(tiny_model: Path, tmp_path: Path):
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    model = open_model(folder)
    before = read_background(model)
    write_background(folder, model.config, replace(before, discount=0.4))
    after = read_background(model)
    assert after.discount == 0.4
    np.testing.assert_array_equal(after.regions, before.regions)
