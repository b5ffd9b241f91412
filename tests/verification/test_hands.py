"""Suspect labels of a gallery: pictures that are there twice come first, then misfits."""

import json
import shutil

import numpy as np
import pytest

from samehand import SameHand
from samehand.gallery import Gallery, Work
from samehand.verification.hands import cluster, suspicion_of


@pytest.fixture
def model():
    return SameHand(threads=1)


def test_copies_under_two_labels_come_first(tmp_path, model, work_of):
    works = []
    for artist in range(3):
        for number in range(4):
            path = tmp_path / f"{artist}-{number}.png"
            work_of(artist, number).save(path)
            works.append(Work(str(path), artist=f"artist {artist}"))
    copy = tmp_path / "copy.png"
    shutil.copy(tmp_path / "2-3.png", copy)
    works.append(Work(str(copy), artist="one work only"))
    with Gallery.create(tmp_path / "g", model.folder) as gallery:
        gallery.add(works, model)
        found = cluster(model.folder, gallery)
        assert cluster(model.folder, gallery, suspects=1).suspects == found.suspects[:1]
    pair = {works[11].path: str(copy), str(copy): works[11].path}
    assert {one.path: one.duplicate for one in found.suspects[:2]} == pair
    by_path = {one.path: one for one in found.suspects}
    alone = by_path[str(copy)]
    assert (alone.own_llr, alone.suspicion, alone.rival) == (None, None, "artist 2")
    assert by_path[works[11].path].rival == "one work only"
    rest = found.suspects[2:]
    assert all(one.duplicate is None and one.suspicion > 0 for one in rest)
    assert [one.suspicion for one in rest] == sorted((o.suspicion for o in rest), reverse=True)
    json.dumps(found.to_dict(), allow_nan=False)


def test_suspicion_is_the_best_other_less_the_own():
    llrs = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, -np.inf], [-np.inf, 3.0, 1.0]])
    suspicion, rival = suspicion_of(llrs, np.array([0, 0, 0]))
    np.testing.assert_array_equal(suspicion, [1.0, -1.0, -np.inf])
    assert rival.tolist() == [1, 1, 1]
