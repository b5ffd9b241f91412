import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from samehand.errors import OutputError, ProtocolError
from samehand.evaluation.metrics import calibration_error
from samehand.evaluation.plots import (
    MOST_VERTICES,
    plot_det,
    plot_reliability,
    plot_roc,
    plot_scores,
    reliability,
    thin,
)

PLOTS = [plot_roc, plot_det, plot_scores, plot_reliability]


def make_system(seed, gap, pairs=400):
    rng = np.random.default_rng(seed)
    same = np.arange(pairs) % 4 == 0
    return rng.normal(gap * same - gap / 2, 0.8).clip(-2, 2), same


@pytest.mark.parametrize("plot", PLOTS)
def test_each_figure_is_a_png_with_nothing_left_beside_it(plot, tmp_path):
    target = tmp_path / "figures" / "figure.png"
    plot({"a system": make_system(0, 1.0), "another": make_system(1, 3.0)}, target)
    assert [file.name for file in target.parent.iterdir()] == ["figure.png"]
    with Image.open(target) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert image.format == "PNG"
    assert min(pixels.shape[:2]) > 800
    # Nothing is cropped: no ink touches the border.
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (border == 255).all()


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize(
    "scores", [[5.0, 5.0, -5.0, -5.0], [0.0, 0.0, 0.0, 0.0], [-1.0, -2.0, 1.0, 2.0]]
)
def test_perfect_useless_and_inverted_systems_can_be_drawn(plot, scores, tmp_path):
    same = np.array([True, True, False, False])
    plot({"extreme": (np.array(scores), same)}, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0


def test_thresholds_and_more_systems_than_colours_change_the_figure(tmp_path):
    systems = {f"system {n}": make_system(n, 1.0) for n in range(9)}
    plot_roc(systems, tmp_path / "roc.png")
    one = {"one": systems["system 0"]}
    plot_scores(one, tmp_path / "plain.png")
    plot_scores(one, tmp_path / "marked.png", thresholds={"same": 1.0, "different": -1.0})
    assert (tmp_path / "plain.png").read_bytes() != (tmp_path / "marked.png").read_bytes()


@pytest.mark.parametrize("plot", PLOTS)
def test_mistakes_leave_no_file(plot, tmp_path):
    with pytest.raises(ProtocolError, match="one kind is missing"):
        plot({"half": (np.arange(3.0), np.ones(3, bool))}, tmp_path / "figure.png")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="it is a folder"):
        plot({"fine": make_system(0, 1.0)}, tmp_path)


@settings(max_examples=50)
@given(st.integers(0, 1000), st.integers(1, 30_000))
def test_thinned_curves_are_short_and_stay_on_the_curve(seed, size):
    rng = np.random.default_rng(seed)
    x, y = np.cumsum(rng.random(size) ** 8 + 1e-6), -np.cumsum(rng.random(size) ** 8)
    thin_x, thin_y = thin(x, y)
    assert thin_x.size == thin_y.size <= MOST_VERTICES
    places = np.searchsorted(x, thin_x)
    np.testing.assert_array_equal(y[places], thin_y)
    assert (places[0], places[-1]) == (0, size - 1)
    # What is left out is invisible: shorter than two steps, or a single vertex's own jump.
    step = (x[-1] - x[0] + y[0] - y[-1]) / (MOST_VERTICES - 1) if size > 1 else 0.0
    skipped = np.flatnonzero(np.diff(places) > 1)
    for k in skipped:
        before_last = places[k + 1] - 1
        assert x[before_last] - x[places[k]] + y[places[k]] - y[before_last] <= 2 * step + 1e-9


def test_reliability_is_counted_bin_by_bin_and_adds_up_to_the_ece():
    llr, same = make_system(2, 2.0)
    predicted, observed, counts = reliability(llr, same)
    p = 1 / (1 + 10.0**-llr)
    half = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    error = 0.0
    for b in range(10):
        inside = (b / 10 <= p) & (p < (b + 1) / 10)
        assert counts[b] == inside.sum()
        mass = half[inside].sum()
        assert predicted[b] == pytest.approx((half * p)[inside].sum() / mass)
        assert observed[b] == pytest.approx(half[inside & same].sum() / mass)
        error += mass * abs(predicted[b] - observed[b])
    assert calibration_error(llr, same) == pytest.approx(error)


def test_empty_bins_have_no_reliability():
    predicted, observed, counts = reliability(np.array([-2.0, 2.0]), np.array([False, True]))
    assert counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert np.isnan(predicted[1:9]).all()
    assert observed[[0, 9]].tolist() == [0.0, 1.0]
