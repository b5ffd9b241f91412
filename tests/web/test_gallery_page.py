"""A gallery in the browser: only its own works, found by their looks."""

import csv
import html
import io
import re
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from samehand.explain.words import nearby_in_words
from samehand.gallery import Gallery
from samehand.gallery.decisions import standing
from samehand.model.readings import llrs_of_pairs
from samehand.web.app import create_app
from samehand.web.queue_page import clear
from samehand.web.review_page import cases_of

HERE = "http://127.0.0.1:8017"


def test_works_are_listed_and_filtered(served):
    assert served.get("/gallery").text.count("/gallery/picture/") == 12
    assert (
        served.get("/gallery", params={"artist": "Artist 1"}).text.count("/gallery/picture/") == 4
    )
    page = served.get("/gallery", params={"q": "ARTÍST"}).text
    assert "12 works" in page


def test_a_page_that_is_not_there_leads_to_the_last_one(served):
    answer = served.get("/gallery", params={"page": 99, "q": "artist"}, follow_redirects=False)
    assert answer.status_code == 303
    assert "page=1" in answer.headers["location"]
    assert "12 works" in served.get("/gallery", params={"page": 99, "q": "artist"}).text


def test_a_filter_that_nothing_meets_offers_a_way_out(served):
    page = served.get("/gallery", params={"q": "nobody"}).text
    assert "No work is found" in page
    assert page.count("show all works") == 1


def test_a_work_opens_with_all_that_is_known_and_its_nearest(served, shelf):
    stored = next(shelf.list(["artist=Artist 2"]))
    page = served.get(f"/gallery/work/{stored.slot}").text
    assert "Artist 2" in page
    assert f"/?left_work={stored.slot}" in page
    assert page.count("<li><a href=") == 11
    assert served.get("/gallery/work/99999").status_code == 404


def test_a_work_is_shown_in_all_its_pixels(served, shelf):
    stored = next(shelf.list())
    answer = served.get(f"/gallery/work/{stored.slot}/full")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == Path(stored.work.path).read_bytes()


def test_small_pictures_are_made_when_works_are_added(shelf):
    assert shelf.thumbnails.known() == {stored.sha256 for stored in shelf.list()}


def test_works_of_the_gallery_are_compared_without_files(served, shelf, shipped):
    one, two = list(shelf.list(["artist=Artist 1"]))[:2]
    page = served.post("/", data={"left_work": one.slot, "right_work": two.slot}).text
    verdict = shipped.compare(one.work.path, two.work.path)
    assert f"{verdict.llr:+.2f}" in page
    assert served.post("/", data={"left_work": one.slot}).status_code == 422


def test_a_picture_is_identified_on_its_own_page(served, shipped, shelf, work_of, png):
    probe = {"probe": ("asked.png", png(work_of(2, 7)), "image/png")}
    page = served.post("/identify", files=probe).text
    found = shipped.identify(probe["probe"][1], shelf, 5)
    # Nothing was measured on pictures so small, so nobody is named.
    assert found.refusal
    assert "Nobody is named: no error rate is known for such pictures." in page
    for one in found.candidates:
        assert one.artist in page


def test_a_table_holds_the_ratio_of_each_two(served, shelf, shipped):
    some = list(shelf.list())[:3]
    page = served.get("/gallery/table", params={"work": [one.slot for one in some]}).text
    folder = shipped.folder
    enrolled = folder.comparator.enrol(shelf.embeddings()[1][:3])
    left, right = np.triu_indices(3, k=1)
    scores = folder.comparator.pair_scores(enrolled, left, right)
    # What is strange in a file is not known of a work in a gallery, so `compare` may say less.
    for llr in llrs_of_pairs(folder.config, shelf.kinds(some), left, right, scores)[0]:
        assert page.count(f"{llr:+.2f}</td>") >= 2


def test_works_are_added_to_the_table_one_by_one(served, shelf):
    slots = [one.slot for one in shelf.list()]
    page = served.get("/gallery/table", params={"work": slots[:2]}).text
    asked = re.search(r'href="(/gallery\?pick=table[^"]*)" data-pick', page)
    assert asked
    offered = html.unescape(served.get(html.unescape(asked[1])).text)
    added = f"/gallery/table?work={slots[0]}&work={slots[1]}&work={slots[5]}"
    assert f'href="{added}"' in offered
    assert served.get(added).text.count("<figure>") == 3
    # The search for one more keeps those that lie there.
    assert offered.count('<input type="hidden" name="work"') == 2
    full = served.get("/gallery/table", params={"work": slots[:12]}).text
    assert "The table is full" in full
    assert "pick=table" not in full


def test_a_filter_is_text_and_never_code(served):
    answer = served.get("/gallery", params={"artist": "' OR 1=1 --", "q": '"><script>'})
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
    first = page.split('<ol class="grid">')[1].split("</li>")[0]
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
    points = served.get("/gallery/map/points").json()
    assert sorted(points["slots"]) == list(range(12))
    assert points["names"] == ["Artist 0", "Artist 1", "Artist 2"]
    assert min(points["x"] + points["y"]) >= 0
    assert max(points["x"] + points["y"]) <= 1
    assert served.get("/gallery/map").text.count('<th scope="row">') == 3
    assert served.get("/gallery/map/state").json()["layout"] == "components"


def test_suspect_labels_are_looked_for(served):
    assert served.post("/gallery/suspects").text.count("among 12 works") == 1


def test_a_margin_leaves_only_the_clearer_suspects(shipped, shelf):
    found = shipped.cluster(shelf, suspects=1000).suspects
    for margin in (0.0, 0.5, 1.0):
        kept = [one for one in found if clear(one, margin)]
        assert all(
            one.duplicate or one.suspicion is None or one.suspicion >= margin for one in kept
        )


@pytest.fixture
def mislabelled(shipped, limits, work_of, tmp_path):
    """A gallery with one work under another artist's name."""
    for artist in range(3):
        (tmp_path / "works" / f"Artist {artist}").mkdir(parents=True)
        for work in range(4):
            label = 0 if (artist, work) == (1, 0) else artist
            place = tmp_path / "works" / f"Artist {label}" / f"{artist}{work}.png"
            place.parent.mkdir(exist_ok=True)
            work_of(artist, work).save(place)
    with Gallery.create(tmp_path / "doubtful", shipped.folder) as gallery:
        gallery.add([tmp_path / "works"], shipped)
        with TestClient(create_app(shipped, limits, gallery=gallery), base_url=HERE) as client:
            yield client, gallery


def test_a_decided_case_is_not_shown_again_until_it_is_undone(mislabelled, shipped):
    client, gallery = mislabelled
    suspects = shipped.cluster(gallery, suspects=1000).suspects
    cases = cases_of(suspects, gallery)
    assert cases, "a work under another artist's name is suspect"
    first = cases[0]
    asked = {"first": first.work.sha256, "second": first.rival.sha256, "label": "same"}
    page = client.post("/gallery/queue", data=asked | {"note": "the sky", "name": "Ada"}).text
    assert "the sky" in page
    assert "Ada" in page
    again = [(one.work.sha256, one.rival.sha256) for one in cases_of(suspects, gallery)]
    assert (first.work.sha256, first.rival.sha256) not in again
    exported = client.get("/gallery/queue/decisions.csv")
    rows = list(csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig"))))
    assert [(row["by"], row["label"], row["note"]) for row in rows] == [("Ada", "same", "the sky")]
    assert rows[0]["first_sha256"] == min(first.work.sha256, first.rival.sha256)
    assert "attachment" in exported.headers["content-disposition"]
    line = standing(gallery.store.read_decisions())[0]
    client.post("/gallery/queue/undo", data={"line": line.id})
    assert standing(gallery.store.read_decisions()) == []
    assert cases_of(suspects, gallery)[0] == first
    assert len(gallery.store.read_decisions()) == 2
    assert client.post("/gallery/queue/undo", data={"line": line.id}).status_code == 404
    unknown = asked | {"second": "0" * 64}
    assert client.post("/gallery/queue", data=unknown).status_code == 404


def test_without_a_gallery_the_page_says_how_to_make_one(whole_client, pair):
    assert "samehand gallery create" in whole_client.get("/gallery").text
    assert whole_client.get("/gallery/map").status_code == 404
    answer = whole_client.post("/api/v1/gallery/search", files={"probe": pair["left"]})
    assert answer.status_code == 404
