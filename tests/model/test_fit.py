import json
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from samehand.catalogue.schema import SCHEMA, load_catalogue, write_catalogue
from samehand.model.folder import open_model, write_config
from samehand.scoring.fitting import calibrate
from samehand.verification.verifier import SameHand

ARTISTS, WORKS = 14, 6


@pytest.fixture(scope="module")
def held_out(tmp_path_factory, catalogued) -> Path:
    """A catalogue of validation paintings, five painters a style."""
    folder = tmp_path_factory.mktemp("held out")
    rows = [
        catalogued(folder, 3000 + artist, work, style=f"style {artist // 5}", split="validation")
        for artist in range(ARTISTS)
        for work in range(WORKS)
    ]
    write_catalogue(pl.DataFrame(rows, schema=SCHEMA), folder)
    return folder


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    write_config(folder, replace(open_model(folder).config, one_style=None, attribution=None))
    return folder


def test_a_model_gains_what_its_calibration_of_pairs_does_not_say(samehand, model, held_out):
    before = open_model(model).config
    result = samehand("calibrate", model, "--catalogue", held_out)
    assert (result.code, result.err) == (0, "")
    after = open_model(model).config
    assert after.calibration == before.calibration
    assert after.attribution is not None
    table = load_catalogue(held_out).sort("painting_id")
    verifier = SameHand(model, 1)
    rows = verifier.embed([held_out / path for path in table["path"]])
    comparator = verifier.folder.comparator
    by_hand = calibrate(
        comparator, comparator.enrol(rows), table["artist"].to_list(), table["style"].to_list()
    )
    assert after.one_style is not None
    assert after.one_style.slope == pytest.approx(by_hand.slope, rel=1e-3)
    artist_pairs = 5 * 4 // 2 * 2 + 4 * 3 // 2
    assert after.one_style.impostor_pairs == artist_pairs * WORKS**2
    rate = after.one_style.points["eer"].error_rate
    assert f"pairs of one style: error rate {rate:.1%} on held-out artists" in result.out
    assert json.loads((model / "config.json").read_text())["format"] == 2


def test_styles_that_are_not_known_take_nothing_away(samehand, model, held_out, tmp_path):
    folder = shutil.copytree(held_out, tmp_path / "nameless")
    write_catalogue(load_catalogue(folder).with_columns(style=pl.lit(None, pl.String)), folder)
    result = samehand("calibrate", model, "--catalogue", folder)
    assert result.code == 0
    assert "no calibration of pairs of one style" in result.out
    assert open_model(model).config.one_style is None
    assert samehand("calibrate", model, "--catalogue", held_out).code == 0
    known = open_model(model).config.one_style
    assert known is not None
    assert samehand("calibrate", model, "--catalogue", folder).code == 0
    assert open_model(model).config.one_style == known
