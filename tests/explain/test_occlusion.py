import numpy as np
from PIL import Image

from samehand.explain.occlusion import (
    _corners,
    coverable,
    embed_covered,
    influence_of,
    llr_when_covered,
)
from samehand.model.regions import cell
from samehand.results import Region
from samehand.verification.verifier import SameHand


def covered_by_hand(verifier: SameHand, image: Image.Image, region: Region) -> np.ndarray:
    """Embed all views of a painting after painting the mean colour over them, one by one."""
    views = verifier.embedder.render(image).copy()
    side = views.shape[-1]
    for view, name in zip(views, verifier.embedder.config.views, strict=True):
        colour = view.mean(axis=(1, 2))
        for y in range(side):
            for x in range(side):
                across, down = (x + 0.5) / side, (y + 0.5) / side
                if name == "mirror":
                    across = 1 - across
                if name == "centre":  # the middle 100 x 100 of 120 x 100 pixels
                    across = (across * 100 + 10) / 120
                if region.x0 < across < region.x1 and region.y0 < down < region.y1:
                    view[:, y, x] = colour
    return verifier.embedder.embed(views[None])[0]


def test_covering_by_brute_force(verifier: SameHand, work_of):
    image, other = work_of(0, 0), verifier.embed([work_of(0, 1)])[0]
    painting = coverable(verifier, verifier.open(image), "mean")
    # Edges on pixels of all three views.
    region = Region(0.0, 0.25, 0.5, 0.75)
    by_hand = covered_by_hand(verifier, image, region)
    found = embed_covered(verifier, painting, [[], [region]])
    np.testing.assert_allclose(found[0], verifier.embed([image])[0], atol=1e-6)
    np.testing.assert_allclose(found[1], by_hand, atol=1e-6)
    comparator = verifier.folder.comparator
    enrolled = comparator.enrol(np.stack([other, by_hand]))
    score = comparator.pair_scores(enrolled, np.array([0]), np.array([1]))[0]
    calibration = verifier.folder.config.calibration
    llr = llr_when_covered(verifier, painting, other, [[region]])[0]
    np.testing.assert_allclose(llr, calibration.slope * score + calibration.intercept, atol=1e-5)


def test_a_cell_has_the_mean_influence_of_the_windows_it_lies_in(verifier: SameHand, work_of):
    other = verifier.embed([work_of(0, 1)])[0]
    painting = coverable(verifier, verifier.open(work_of(0, 0)))
    whole = llr_when_covered(verifier, painting, other, [[]])[0]
    falls = {
        (row, column): whole
        - llr_when_covered(verifier, painting, other, [[cell(row * 3 + column, 3, 2)]])[0]
        for row in range(2)
        for column in range(2)
    }
    found = influence_of(verifier, painting, other, grid=3, span=2)
    np.testing.assert_allclose(found[0, 0], falls[0, 0], atol=1e-5)
    np.testing.assert_allclose(found[0, 1], (falls[0, 0] + falls[0, 1]) / 2, atol=1e-5)
    np.testing.assert_allclose(found[1, 1], np.mean(list(falls.values())), atol=1e-5)
    np.testing.assert_allclose(found[2, 2], falls[1, 1], atol=1e-5)

    # Of 3 x 3 windows those of one colour of a chessboard.
    kept = {(0, 0), (0, 2), (1, 1), (2, 0), (2, 2)}
    falls = {
        (row, column): whole
        - llr_when_covered(verifier, painting, other, [[cell(row * 4 + column, 4, 2)]])[0]
        for row, column in kept
    }
    found = influence_of(verifier, painting, other, grid=4, span=2)
    np.testing.assert_allclose(found[0, 1], falls[0, 0], atol=1e-5)
    np.testing.assert_allclose(found[1, 1], (falls[0, 0] + falls[1, 1]) / 2, atol=1e-5)
    np.testing.assert_allclose(found[3, 2], falls[2, 2], atol=1e-5)


def test_every_other_window_is_covered_and_every_cell_lies_in_one():
    assert len(_corners(6, 2)) == 13
    for grid in range(1, 10):
        for span in range(1, grid + 1):
            covered = np.zeros((grid, grid), int)
            for row, column in _corners(grid, span):
                covered[row : row + span, column : column + span] += 1
            assert covered.shape == (grid, grid)
            assert covered.min() > 0
