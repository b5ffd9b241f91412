import json
from pathlib import Path

import numpy as np
import pytest

from samehand.errors import ModelError
from samehand.model.background import BACKGROUND
from samehand.results import Evidence
from samehand.verification.verifier import SameHand


@pytest.fixture(scope="module")
def found(verifier: SameHand, work_of) -> Evidence:
    return verifier.explain(work_of(0, 0), work_of(0, 1))


def test_swapping_the_paintings_mirrors_the_evidence(verifier: SameHand, work_of, found: Evidence):
    swapped = verifier.explain(work_of(0, 1), work_of(0, 0))
    assert [(m.left, m.right) for m in swapped.matches] == [
        (m.right, m.left) for m in found.matches
    ]
    for one, other in ((swapped.left, found.right), (swapped.right, found.left)):
        np.testing.assert_allclose(one.unusual, other.unusual, atol=1e-5)
        np.testing.assert_allclose(one.influence, other.influence, atol=1e-5)
    assert swapped.context == found.context


def test_it_is_about_the_verdict(verifier: SameHand, work_of, found: Evidence):
    verdict = verifier.compare(work_of(0, 0), work_of(0, 1))
    calibration = verifier.folder.config.calibration
    unsaturated = calibration.slope * verdict.score + calibration.intercept
    assert found.context.llr == pytest.approx(unsaturated, abs=1e-5)
    assert np.clip(found.context.llr, calibration.lower, calibration.upper) == pytest.approx(
        verdict.llr, abs=1e-5
    )


def test_it_is_json(found: Evidence):
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(values) == {"matches", "left", "right", "context"}
    window = values["matches"][0]["left"]
    assert 0 <= window["x0"] < window["x1"] <= 1
    assert len(values["left"]["unusual"]) == 8
    assert len(values["right"]["influence"][0]) == len(values["right"]["influence"])
    context = values["context"]
    assert len(context["edges"]) == len(context["genuine"]) + 1


def test_without_occlusion_nothing_is_covered(verifier: SameHand, work_of, found: Evidence):
    quick = verifier.explain(work_of(0, 0), work_of(0, 1), influence=False)
    assert quick.left.influence is None
    assert quick.right.influence is None
    assert quick.matches == found.matches
    assert quick.to_dict()["left"]["influence"] is None


def test_a_model_without_a_background_says_how_to_make_one(
    tiny_model: Path, tmp_path: Path, work_of
):
    folder = tmp_path / "model"
    folder.mkdir()
    for file in tiny_model.iterdir():
        if file.name != BACKGROUND:
            (folder / file.name).write_bytes(file.read_bytes())
    bare = SameHand(folder, threads=1)
    assert bare.compare(work_of(0, 0), work_of(1, 0)).llr < bare.folder.config.calibration.upper
    with pytest.raises(ModelError, match=f"samehand background {folder} --catalogue"):
        bare.explain(work_of(0, 0), work_of(0, 1))


def test_a_score_lies_among_known_pairs_where_the_verdict_says(painting_of):
    shipped = SameHand(threads=1)
    one, two = (
        shipped.open(painting_of(1, 0, (700, 640))),
        shipped.open(painting_of(1, 1, (640, 720))),
    )
    calibration = shipped.folder.config.calibration
    verdict = shipped.compare(one, two)
    assert "photograph" in verdict.condition, "not the pictures that the background is of"
    found = shipped.explain(one, two, influence=False).context
    assert calibration.lower < found.llr < calibration.upper
    assert found.llr == pytest.approx(verdict.llr, abs=1e-6)
