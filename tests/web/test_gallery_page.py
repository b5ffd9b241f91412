"""A gallery in the browser: only its own works, found by their looks."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from samehand.serving.gallery import Gallery
from samehand.web.app import create_app
from samehand.web.gallery_page import places

HERE = "http://127.0.0.1:8017"


@pytest.fixture(scope="module")
def served(shipped, limits, work_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("works")
    for artist in range(3):
        (folder / f"Artist {artist}").mkdir()
        for work in range(4):
            work_of(artist, work).save(folder / f"Artist {artist}" / f"{work}.png")
    gallery = Gallery.create(folder.parent / "shown", shipped.model)
    gallery.add([folder], shipped)
    with TestClient(create_app(shipped, limits, gallery=gallery), base_url=HERE) as client:
        yield client
    gallery.close()


def test_works_are_listed_and_filtered(served):
    assert served.get("/gallery").text.count("/gallery/picture/") == 12
    page = served.get("/gallery", params={"artist": "artist 1"}).text
    assert page.count("/gallery/picture/") == 4
    assert "4 works" in page


def test_a_filter_is_text_and_never_code(served):
    answer = served.get("/gallery", params={"artist": "' OR 1=1 --", "title": '"><script>'})
    assert answer.status_code == 200
    assert "0 works" in answer.text
    assert "<script>" not in answer.text.replace('<script type="module"', "")


def test_pictures_are_those_of_works_only(served):
    answer = served.get("/gallery/picture/0")
    assert answer.headers["content-type"] == "image/jpeg"
    assert served.get("/gallery/picture/99999").status_code == 404
    assert served.get("/gallery/picture/-1").status_code == 404
    assert served.get("/gallery/picture/..%2f..%2fetc%2fpasswd").status_code in (404, 422)


def test_a_search_finds_the_work_itself_first(served, work_of, png):
    probe = {"probe": ("asked.png", png(work_of(2, 1)), "image/png")}
    page = served.post("/gallery", files=probe).text
    first = page.split("<li>")[1]
    assert "1.png" in first
    assert "Artist 2" in first
    found = served.post("/api/v1/gallery/search", files=probe, data={"top": "3"}).json()
    assert len(found["neighbours"]) == 3
    assert found["neighbours"][0]["path"].endswith("Artist 2/1.png")


def test_the_map_has_every_work(served):
    page = served.get("/gallery/map").text
    assert page.count("<circle") == 12
    assert page.count("Artist 1") == 5


def test_suspect_labels_are_looked_for(served):
    assert served.post("/gallery/suspects").text.count("among 12 works") == 1


def test_without_a_gallery_the_page_says_how_to_make_one(whole_client, pair):
    assert "samehand gallery create" in whole_client.get("/gallery").text
    assert whole_client.get("/gallery/map").status_code == 404
    answer = whole_client.post("/api/v1/gallery/search", files={"probe": pair["left"]})
    assert answer.status_code == 404


def test_places_keep_what_is_near_near():
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(centre, 0.01, (5, 8)) for centre in (0.0, 1.0)])
    rows = rows.astype(np.float32)
    found = places(rows)
    assert found.min() >= 20
    assert found.max() <= 980
    within = max(np.ptp(found[:5, 0]), np.ptp(found[5:, 0]))
    assert abs(found[:5, 0].mean() - found[5:, 0].mean()) > 5 * within
    assert places(rows[:1]).tolist() == [[500, 500]]
