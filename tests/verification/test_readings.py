from typing import get_args

import numpy as np
import pytest

from samehand import SameHand
from samehand.model.embed import embed_files
from samehand.model.folder import open_model
from samehand.model.readings import readings_of_pairs
from samehand.records import PictureKind
from samehand.scoring.calibration import llr_from_score
from samehand.scoring.conditions import read_pair
from samehand.verification.condition import one_style_llr, picture_kinds


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


@pytest.fixture(scope="module")
def shown(work_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    files = []
    for number, size in enumerate([(120, 100), (200, 160), (224, 224), (500, 400)]):
        work_of(0, number, size).save(folder / f"{number}.png")
        files.append(folder / f"{number}.png")
    work_of(0, 9, (500, 400)).convert("L").save(folder / "grey.png")
    return [*files, folder / "grey.png"]


KINDS = ["tiny", "small", "thumbnail", "photograph", "greyscale photograph"]


def test_what_was_embedded_is_not_decoded_again_to_tell_its_kind(shown, tmp_path):
    config, embedder = open_model("lite").config, SameHand("lite", threads=1).embedder
    cache = tmp_path / "cache"
    table = embed_files(embedder, shown, cache)
    again = embed_files(embedder, shown, cache)
    assert not again.kinds
    for path in shown:
        path.rename(path.with_suffix(".away"))
    try:
        assert picture_kinds(config, shown, table) == KINDS
        assert picture_kinds(config, shown, again, cache) == KINDS
        assert picture_kinds(config, shown, again) == ["photograph"] * 5
    finally:
        for path in shown:
            path.with_suffix(".away").rename(path)


def test_kinds_of_embeddings_that_were_kept_without_are_told_once_and_kept(shown, tmp_path):
    config, embedder = open_model("lite").config, SameHand("lite", threads=1).embedder
    cache = tmp_path / "cache"
    embed_files(embedder, shown, cache)
    (part,) = cache.glob("kinds-*/part-*.json")
    part.write_text("damaged")
    table = embed_files(embedder, shown, cache)
    assert picture_kinds(config, shown, table, cache) == KINDS
    assert len(list(cache.glob("kinds-*/part-*.json"))) == 2
    assert picture_kinds(config, shown, table, cache) == KINDS
    assert len(list(cache.glob("kinds-*/part-*.json"))) == 2


def test_a_common_style_never_makes_evidence_for_one_artist_stronger():
    config = open_model("vit").config
    reading = read_pair(
        config.calibration, config.conditions, "greyscale photograph", "greyscale photograph"
    )
    raw = np.array([-0.3, 0.2, 0.46, 1.0])
    against_any = llr_from_score(reading.calibration, raw)
    within = one_style_llr(config, reading, raw, raw + 0.7)
    assert (within <= np.maximum(against_any, 0)).all()
    assert within[2] == pytest.approx(against_any[2])
    ordinary = one_style_llr(config, reading, raw, raw)
    assert (ordinary[:3] < within[:3]).any()
