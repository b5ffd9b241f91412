import io
import os
import shutil
from dataclasses import asdict, replace
from itertools import combinations, product
from math import inf, log10, nan
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samehand.errors import ImageError, SamehandError
from samehand.model.folder import open_model, write_config
from samehand.results import Verdict
from samehand.scoring.nearby import nearby_cosines
from samehand.verification.verifier import SameHand


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def facts(verdict: Verdict) -> dict[str, object]:
    """All that a verdict says but for its timing and what its sides are called."""
    found = asdict(verdict) | {"seconds": None}
    sides = {"left image": "one image", "right image": "one image"}
    warnings = verdict.warnings
    for side, name in sides.items():
        warnings = tuple(warning.replace(side, name) for warning in warnings)
    return found | {"warnings": sorted(warnings), "left": None, "right": None}


def test_works_of_one_artist_are_told_from_works_of_two(verifier: SameHand, work_of):
    for artist in range(5):
        same = verifier.compare(work_of(artist, 0), work_of(artist, 1))
        other = verifier.compare(work_of(artist, 0), work_of(artist + 1, 0))
        assert same.decision == "same"
        assert other.decision == "different"
        assert same.llr > 1 > -1 > other.llr


def test_a_verdict_agrees_with_itself(verifier: SameHand, work_of):
    calibration = verifier.folder.config.calibration
    for right in (work_of(1, 1), work_of(2, 0)):
        verdict = verifier.compare(work_of(1, 0), right, prior=0.2, operating_point="fmr1")
        line = calibration.slope * verdict.score + calibration.intercept
        assert verdict.llr == pytest.approx(min(max(line, calibration.lower), calibration.upper))
        odds = 0.25 * 10**verdict.llr
        assert verdict.probability == pytest.approx(odds / (1 + odds))
        assert log10(odds / 0.25) == pytest.approx(verdict.llr)
        assert (verdict.prior, verdict.operating_point) == (0.2, "fmr1")
        assert verdict.error_rate == calibration.points["fmr1"].error_rate
        assert ("same" in verdict.strength) == (verdict.llr > 0)
        assert verdict.model == verifier.folder.identity
        assert verdict.seconds > 0


def test_swapping_the_images_changes_nothing(verifier: SameHand, work_of):
    tiny, grey = work_of(5, 0, (20, 20)), work_of(6, 0).convert("L")
    images = [*(work_of(artist, 0) for artist in range(5)), work_of(0, 1), tiny, grey]
    for left, right in combinations(images, 2):
        assert facts(verifier.compare(left, right)) == facts(verifier.compare(right, left))


def test_the_container_of_the_pixels_does_not_matter(verifier: SameHand, work_of):
    image, other = work_of(1, 0), saved(work_of(1, 1), "PNG")
    png = facts(verifier.compare(saved(image, "PNG"), other))
    for kind in ("BMP", "TIFF", "PPM"):
        assert facts(verifier.compare(saved(image, kind), other)) == png
    jpeg = verifier.compare(saved(image, "JPEG", quality=95, subsampling=0), other)
    assert jpeg.score == pytest.approx(png["score"], abs=0.02)


def test_path_bytes_and_picture_agree(verifier: SameHand, work_of, tmp_path: Path):
    other = work_of(3, 1)
    data = saved(work_of(3, 0), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    expected = facts(verifier.compare(data, other))
    with Image.open(path) as picture:
        for image in (path, str(path), picture, work_of(3, 0)):
            assert facts(verifier.compare(image, other)) == expected


def test_an_open_picture_is_turned_upright_like_its_file(verifier: SameHand, work_of):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(work_of(4, 0).transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    upright = verifier.embed([work_of(4, 0)])
    np.testing.assert_array_equal(verifier.embed([data]), upright)
    np.testing.assert_array_equal(verifier.embed([Image.open(io.BytesIO(data))]), upright)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGBA", "RGBX", "CMYK", "YCbCr", "I", "F", "I;16"]
)
def test_an_open_picture_of_any_mode_is_accepted(verifier: SameHand, work_of, mode: str):
    colour = work_of(5, 0)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(colour.convert("L"), np.uint16) * 257)
    else:
        image = colour.convert(mode)
    found = verifier.embed([image, colour])
    lost_colour = mode in ("1", "L", "LA", "P", "I", "F", "I;16")
    assert found[0] @ found[1] > (0.3 if lost_colour else 0.98)


def test_an_open_picture_that_cannot_be_read_is_a_mistake_of_the_file(verifier, work_of):
    cut = Image.open(io.BytesIO(saved(work_of(1, 0), "PNG")[:2000]))
    with pytest.raises(ImageError, match="right image is cut short or damaged"):
        verifier.compare(work_of(1, 0), cut)
    with pytest.raises(ImageError, match="image 2"):
        verifier.embed([work_of(1, 0), Image.new("RGB", (0, 5))])


@pytest.mark.parametrize("prior", [0, 1, -0.5, 2, nan, inf])
def test_a_prior_that_leaves_nothing_to_learn_is_refused(verifier: SameHand, prior: float):
    with pytest.raises(SamehandError, match="prior .* strictly between 0 and 1"):
        verifier.compare("never looked at", "never looked at", prior=prior)


def test_an_unknown_operating_point_is_refused(verifier: SameHand):
    with pytest.raises(
        SamehandError, match="no operating point 'fmr5'; choose one of eer, fmr1, fmr0.1"
    ):
        verifier.compare("never looked at", "never looked at", operating_point="fmr5")


def test_bad_images_are_named_by_path_or_by_side(verifier: SameHand, work_of, tmp_path: Path):
    with pytest.raises(ImageError, match=f"no file at {tmp_path}/gone.jpg"):
        verifier.compare(work_of(0, 0), tmp_path / "gone.jpg")
    with pytest.raises(ImageError, match="left image is empty"):
        verifier.compare(b"", work_of(0, 0))
    with pytest.raises(ImageError, match="image 2 is not an image"):
        verifier.embed([work_of(0, 0), b"Dear diary, today I saw the Night Watch."])


def test_embedding_none_one_or_many(verifier: SameHand, work_of):
    images = [work_of(artist, 0) for artist in range(3)]
    found = verifier.embed(images)
    assert verifier.embed([]).shape == (0, 24)
    for image, row in zip(images, found, strict=True):
        np.testing.assert_array_equal(verifier.embed([image])[0], row)


def test_a_verdict_is_plain_json_values(verifier: SameHand, work_of):
    values = verifier.compare(work_of(0, 0), work_of(0, 1)).to_dict()
    kinds = {type(value) for value in values.values()}
    assert kinds == {float, str, list, type(None)}
    assert list(values) == list(Verdict.__dataclass_fields__)


def test_the_likelihood_ratio_within_a_style_has_a_calibration_of_its_own(verifier, work_of):
    config = verifier.folder.config
    apart = 0
    for artist, work in ((0, 1), (0, 2), (1, 0), (2, 0)):
        verdict = verifier.compare(work_of(0, 0), work_of(artist, work))
        line = config.one_style.slope * verdict.score + config.one_style.intercept
        expected = min(max(line, config.one_style.lower), config.one_style.upper)
        assert verdict.llr_one_style == pytest.approx(expected, abs=1e-6)
        apart += verdict.llr_one_style != verdict.llr
    assert apart


def test_the_balanced_point_decides_within_a_style_and_no_other_does(verifier, work_of):
    config, decided = verifier.folder.config, set()
    point = config.one_style.points["eer"]
    for artist, work in product(range(4), range(1, 4)):
        pair = work_of(0, 0), work_of(artist, work)
        found = verifier.compare(*pair)
        expected = "same" if found.score >= point.same_at_least else "different"
        against = (found.llr_one_style > 0) != (expected == "same")
        if abs(found.llr_one_style) < log10(2) or against:
            expected = "no decision"
        assert (found.decision_one_style, found.error_rate_one_style) == (
            expected,
            point.error_rate,
        )
        decided.add(expected)
        strict = verifier.compare(*pair, operating_point="fmr1")
        assert strict.decision_one_style is strict.error_rate_one_style is None
    assert len(decided) > 1


def test_a_model_may_count_the_artists_near_to_both_within_a_style(tiny_model, tmp_path, work_of):
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    plain = SameHand(folder, threads=1)
    write_config(folder, replace(plain.folder.config, nearby=True))
    near = SameHand(folder, threads=1)
    # A pair that no bound cuts: few are so far from both.
    pairs = [(work_of(0, 0), work_of(artist, 1)) for artist in range(12)]
    pairs += [(work_of(one, 0), work_of(one, 1)) for one in range(12)]
    pair = max(
        pairs,
        key=lambda pair: abs(
            plain.compare(*pair).llr_one_style - near.compare(*pair).llr_one_style
        ),
    )
    found, before = near.compare(*pair), plain.compare(*pair)
    assert (found.score, found.llr) == (before.score, before.llr)
    rows, known = near.embed(pair), near.folder.comparator
    added = nearby_cosines(rows, known.cohort, known.neighbours, np.array([0]), np.array([1]))
    line = found.score + float(added[0])
    calibration = near.folder.config.one_style
    expected = np.clip(
        calibration.slope * line + calibration.intercept, calibration.lower, calibration.upper
    )
    # A common style never makes evidence stronger.
    assert found.llr_one_style == pytest.approx(min(expected, max(found.llr, 0.0)), abs=1e-5)
    assert found.llr_one_style != before.llr_one_style


def test_a_model_without_that_calibration_says_nothing_of_styles(tiny_model, tmp_path, work_of):
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    write_config(folder, replace(open_model(folder).config, one_style=None))
    found = SameHand(folder, threads=1).compare(work_of(0, 0), work_of(1, 0))
    assert found.llr_one_style is None
    assert found.to_dict()["llr_one_style"] is None


def test_names_that_are_not_text_can_be_read(verifier: SameHand, work_of, tmp_path: Path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    try:
        Path(path).write_bytes(saved(work_of(0, 0), "PNG"))
    except OSError:
        pytest.skip("this file system accepts no such name")
    assert verifier.compare(path, work_of(0, 1)).decision == "same"
