import numpy as np
import pytest
from PIL import Image

from samehand.errors import SamehandError
from samehand.evaluation.baselines import baseline, centred, colour_histograms


def test_histograms_count_colours(tmp_path):
    halves = np.zeros((128, 128, 3), dtype=np.uint8)
    halves[:, 64:] = (255, 40, 0)
    Image.fromarray(halves).save(tmp_path / "halves.png")
    Image.new("RGB", (50, 30), (255, 63, 31)).save(tmp_path / "one.png")
    rows = colour_histograms([tmp_path / "halves.png", tmp_path / "one.png"])
    assert rows.shape == (2, 512)
    orange = (7 * 8 + 1) * 8 + 0
    assert np.flatnonzero(rows[0]).tolist() == [0, orange]
    np.testing.assert_allclose(rows[0][[0, orange]], np.sqrt(0.5))
    # The Bhattacharyya coefficient: sum of sqrt(p q) = sqrt(0.5 * 1).
    assert rows[0] @ rows[1] == pytest.approx(0.5**0.5)


def test_centring_moves_and_scales():
    rows = np.array([[2.0, 1.0], [1.0, 4.0], [1.0, 1.0]], dtype=np.float32)
    moved = centred(rows, np.array([1.0, 1.0], dtype=np.float32))
    np.testing.assert_allclose(moved, [[1, 0], [0, 1], [0, 0]], atol=1e-6)


def test_an_unknown_baseline_names_the_known_ones():
    with pytest.raises(SamehandError, match=r"colour-histogram or frozen:BACKBONE"):
        baseline("magic")
