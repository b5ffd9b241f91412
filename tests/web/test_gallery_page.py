"""A gallery in the browser: only its own works, found by their looks."""

import html

import numpy as np

from samehand.explain.words import nearby_in_words
from samehand.web.gallery_page import places


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


def test_a_comparison_shows_the_nearest_works(served, shelf, shipped, work_of, png):
    files = {
        "left": ("a.png", (a := png(work_of(1, 0))), "image/png"),
        "right": ("b.png", (b := png(work_of(9, 0))), "image/png"),
    }
    page = served.post("/", files=files).text
    assert html.escape(nearby_in_words(shelf.name)) in page
    lists = page.split('<ol class="grid near">')[1:]
    for probe, listed in zip((a, b), lists, strict=True):
        found = shipped.search(probe, shelf, top=6).neighbours
        expected = [one for one in found if not one.same_file][:4]
        items = listed.split("</ol>")[0].split("<li>")[1:]
        for one, item in zip(expected, items, strict=True):
            slot = next(shelf.list([f"path={one.path}"])).slot
            assert f'src="/gallery/picture/{slot}"' in item
            assert f"<b>{one.llr:+.2f}</b>" in item
            assert one.artist in item
    told = served.post("/api/v1/evidence", files=files).json()["neighbours"]
    assert told["gallery"] == shelf.name
    assert [one["path"] for one in told["right"]] == [
        one.path for one in shipped.search(b, shelf, top=4).neighbours
    ]
    report = served.post("/api/v1/report", files=files).text
    assert html.escape(nearby_in_words(shelf.name)) in report


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
