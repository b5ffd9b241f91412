"""Works of a gallery are read by the calibration of their kind of picture, as their files are."""

import os

import numpy as np
import pytest

from samehand import SameHand
from samehand.gallery import Gallery
from samehand.gallery.thumbnails import FILE
from samehand.model.readings import llrs_of_pairs, usual_scores


@pytest.fixture(scope="module")
def model():
    return SameHand("lite", threads=1)


@pytest.fixture
def shelf(tmp_path, painting_of, model):
    """A gallery of one artist's pictures, a thumbnail, a photograph and a greyscale one."""
    folder = tmp_path / "works" / "Ann"
    folder.mkdir(parents=True)
    painting_of(0, 0, (224, 200)).save(folder / "small.png")
    painting_of(0, 1, (500, 400)).save(folder / "large.png")
    painting_of(0, 2, (500, 400)).convert("L").save(folder / "grey.png")
    with Gallery.create(tmp_path / "shelf", model) as gallery:
        gallery.add([folder.parent], model)
        yield gallery


def kinds(gallery):
    works = list(gallery.list())
    return {
        one.work.path.rsplit("/", 1)[1]: kind
        for one, kind in zip(works, gallery.kinds(works), strict=True)
    }


def test_the_kind_of_each_file_is_found_out_when_it_is_added(shelf):
    assert kinds(shelf) == {
        "small.png": "thumbnail",
        "large.png": "photograph",
        "grey.png": "greyscale photograph",
    }


def test_a_search_gives_the_ratio_that_a_comparison_of_the_files_gives(shelf, model, painting_of):
    probe = model.open(painting_of(0, 5, (400, 500)))
    found = model.search(probe, shelf).neighbours
    assert len(found) == 3
    for one in found:
        assert one.llr == pytest.approx(model.compare(probe, one.path).llr, abs=1e-5)


def test_a_decision_keeps_the_ratio_that_was_shown(shelf, model):
    one, two = (work.work.path for work in list(shelf.list())[:2])
    made = shelf.decide(one, two, "unsure", model=model)
    # Whether a picture is novel is not asked of stored works.
    usual = model.folder.config.calibration
    verdict = model.compare(one, two)
    assert made.llr == pytest.approx(verdict.llr, abs=1e-5) or "unlike" in (verdict.refusal or "")
    score = float(usual.slope * verdict.score + usual.intercept)
    assert made.llr != pytest.approx(score, abs=1e-3)


def test_without_its_file_of_small_pictures_works_are_read_as_the_usual_ones(
    shelf, model, painting_of
):
    probe = model.open(painting_of(0, 5, (400, 500)))
    before = model.search(probe, shelf).neighbours
    (shelf.folder / FILE).unlink()
    assert set(kinds(shelf).values()) == {None}
    after = {one.path: one.llr for one in model.search(probe, shelf).neighbours}
    assert after != {one.path: one.llr for one in before}


@pytest.mark.parametrize("address", ["other", "lance://"])
def test_a_merged_work_brings_its_kind_though_its_file_is_gone(shelf, tmp_path, model, address):
    if address == "lance://":
        pytest.importorskip("lancedb")
        address += str(tmp_path / "other")
    else:
        address = tmp_path / "other"
    before = kinds(shelf)
    for work in shelf.list():
        os.remove(work.work.path)
    with Gallery.create(address, model) as other:
        other.merge(shelf.address)
        assert kinds(other) == kinds(shelf) == before


def test_suspects_are_judged_by_the_reading_of_the_pictures(
    tmp_path, painting_of, model, monkeypatch
):
    folder = tmp_path / "works"
    for hand in range(2):
        (folder / str(hand)).mkdir(parents=True)
        for number in range(3):
            size = (224, 200) if number < 2 else (500, 400)
            painting_of(hand + 1, number, size).save(folder / str(hand) / f"{number}.png")
    # A label that is wrong.
    (folder / "0" / "2.png").rename(folder / "1" / "other.png")
    with Gallery.create(tmp_path / "labelled", model) as gallery:
        gallery.add([folder], model)
        found = {one.path: one for one in model.cluster(gallery).suspects}
        wrong = next(one for path, one in found.items() if path.endswith("other.png"))
        by_files = model.verify(wrong.path, [folder / "0" / "0.png", folder / "0" / "1.png"])
        assert wrong.rival == "0"
        assert wrong.rival_llr == pytest.approx(by_files.llr, abs=1e-4)
        monkeypatch.setattr(Gallery, "kinds", lambda self, works: [None] * len(works))
        usual = {one.path: one.rival_llr for one in model.cluster(gallery).suspects}
        assert usual.get(wrong.path) != wrong.rival_llr


def test_scores_as_of_usual_pictures_are_in_the_order_of_the_ratios(shelf, model):
    works, rows = shelf.embeddings()
    enrolled, seen = model.folder.comparator.enrol(rows), shelf.kinds(works)
    left, right = (axis.ravel() for axis in np.indices((3, 3)))
    raw = model.folder.comparator.pair_scores(enrolled, left, right)
    _, usual = llrs_of_pairs(model.folder.config, seen, left, right, raw)
    everything = np.arange(3)
    scores = usual_scores(model.folder, enrolled, seen)(everything, everything)
    np.testing.assert_allclose(scores.ravel(), usual, atol=1e-5)
    plain = usual_scores(model.folder, enrolled, [None] * 3)(everything, everything)
    np.testing.assert_allclose(plain.ravel(), raw, atol=1e-6)


def test_an_artist_is_named_by_the_reading_of_the_pictures(shelf, model, painting_of, monkeypatch):
    probe = model.open(painting_of(0, 5, (400, 500)))
    known = model.identify(probe, shelf).candidates[0].llr
    verdict = model.verify(probe, [one.work.path for one in shelf.list()])
    if not verdict.refusal:
        assert known == pytest.approx(verdict.llr, abs=0.05)
    monkeypatch.setattr(Gallery, "kinds", lambda self, works: [None] * len(works))
    assert model.identify(probe, shelf).candidates[0].llr != known
