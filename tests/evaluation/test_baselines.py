import numpy as np
import pytest
from PIL import Image

from samehand.errors import SamehandError
from samehand.evaluation.baselines import (
    backbone_statistics,
    baseline,
    centred,
    texture_statistics,
)
from samehand.model.embed import embed_files


def test_histograms_count_colours(tmp_path):
    halves = np.zeros((128, 128, 3), dtype=np.uint8)
    halves[:, 64:] = (255, 40, 0)
    Image.fromarray(halves).save(tmp_path / "halves.png")
    # Two oranges that are one to the histogram; one colour alone would be no picture.
    one = Image.new("RGB", (50, 30), (255, 63, 31))
    one.paste((230, 40, 10), (0, 0, 25, 30))
    one.save(tmp_path / "one.png")
    paths = [tmp_path / "halves.png", tmp_path / "one.png"]
    rows = embed_files(baseline("colour-histogram"), paths).embeddings
    assert rows.shape == (2, 512)
    orange = (7 * 8 + 1) * 8 + 0
    assert np.flatnonzero(rows[0]).tolist() == [0, orange]
    np.testing.assert_allclose(rows[0][[0, orange]], np.sqrt(0.5))
    # The Bhattacharyya coefficient: sum of sqrt(p q) = sqrt(0.5 * 1).
    assert rows[0] @ rows[1] == pytest.approx(0.5**0.5)


def test_texture_statistics_are_signed_roots_of_mean_products():
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    rows = texture_statistics(maps)
    for painting in range(2):
        entry = 0
        for i in range(3):
            for j in range(i, 3):
                product = np.mean(maps[painting, i] * maps[painting, j])
                expected = np.sign(product) * abs(product) ** 0.5
                assert rows[painting, entry] == pytest.approx(expected, abs=1e-6)
                entry += 1
    # Where a stroke lies is forgotten.
    shuffled = maps.reshape(2, 3, 20)[:, :, ::-1].reshape(2, 3, 4, 5)
    np.testing.assert_allclose(texture_statistics(shuffled), rows, atol=1e-6)


@pytest.mark.usefixtures("one_thread")
def test_one_pass_of_the_backbone_gives_both_of_its_baselines(picture):
    both, width = backbone_statistics("efficientnet-lite0")
    # The first three stages of EfficientNet-Lite0 have 16, 24 and 40 channels.
    assert both.width == 1280 + 136 + 300 + 820
    views = np.stack([both.render(picture(seed)) for seed in range(2)])
    rows = both.embed(views)
    assert rows.shape == (2, both.width)
    np.testing.assert_array_equal(both.embed(views), rows)
    frozen, texture = baseline("frozen:efficientnet-lite0"), baseline("texture:efficientnet-lite0")
    np.testing.assert_array_equal(frozen.embed(views), rows[:, :width])
    np.testing.assert_array_equal(texture.embed(views), rows[:, width:])
    assert (frozen.width, texture.width) == (width, both.width - width)
    assert len({features.config.digest for features in (both, frozen, texture)}) == 3


def test_centring_moves_and_scales():
    rows = np.array([[2.0, 1.0], [1.0, 4.0], [1.0, 1.0]], dtype=np.float32)
    moved = centred(rows, np.array([1.0, 1.0], dtype=np.float32))
    np.testing.assert_allclose(moved, [[1, 0], [0, 1], [0, 0]], atol=1e-6)


def test_an_unknown_baseline_names_the_known_ones():
    with pytest.raises(SamehandError, match=r"colour-histogram, frozen:BACKBONE"):
        baseline("magic")
