"""Decisions over the API: what the command line gives, guarded like every other post."""

import shutil

import pytest
from fastapi.testclient import TestClient

from samehand.gallery import Gallery
from samehand.web.app import create_app

HERE = "http://127.0.0.1:8017"
PREFIX = "/api/v1/gallery"


@pytest.fixture(scope="module")
def own(shipped, limits, shelf, tmp_path_factory):
    """A copy of the gallery that is served, to be decided about."""
    folder = tmp_path_factory.mktemp("own") / "g"
    shutil.copytree(shelf.folder, folder)
    with (
        Gallery.open(folder) as gallery,
        TestClient(create_app(shipped, limits, gallery=gallery), base_url=HERE) as client,
    ):
        yield client, gallery


def test_a_decision_is_made_listed_and_undone(own):
    client, gallery = own
    one, two = [stored for stored in gallery.list(limit=2)]
    asked = {"first": one.sha256, "second": two.work.path, "label": "different", "by": "Ann"}
    made = client.post(f"{PREFIX}/decisions", data=asked | {"note": "craquelure"})
    assert made.status_code == 200, made.text
    assert made.json()["first"]["path"] in (one.work.path, two.work.path)
    assert made.json()["llr"] is not None
    listed = client.get(f"{PREFIX}/decisions").json()
    assert listed == gallery.decisions().to_dict()
    assert listed["decisions"][0]["note"] == "craquelure"
    undone = client.post(f"{PREFIX}/decisions/undo", data={"id": made.json()["id"], "by": "Ann"})
    assert not undone.json()["stands"]
    assert client.get(f"{PREFIX}/decisions").json()["count"] == 0
    kept = client.get(f"{PREFIX}/decisions", params={"history": "true"}).json()
    assert len(kept["decisions"]) == 1


def test_the_queue_is_that_of_the_model(own, shipped):
    client, gallery = own
    asked = {"top": "5", "prior": "0.001", "labelled": "true"}
    told = client.post(f"{PREFIX}/queue", data=asked).json()
    expected = shipped.queue(gallery, 5, prior=0.001, labelled=True).to_dict()
    assert told | {"seconds": 0} == expected | {"seconds": 0}


@pytest.mark.parametrize(
    ("sent", "status", "says"),
    [
        ({"second": "/etc/hostname"}, 422, "no work /etc/hostname"),
        ({"label": "perhaps"}, 422, "label"),
        ({"second": ""}, 422, "second"),
        ({"note": "x" * 5000}, 422, "note"),
    ],
)
def test_what_cannot_be_decided_is_one_sentence_and_no_file_is_looked_at(own, sent, status, says):
    client, gallery = own
    first = next(iter(gallery.list())).sha256
    asked = {"first": first, "second": first, "label": "same"} | sent
    told = client.post(f"{PREFIX}/decisions", data=asked)
    assert told.status_code == status
    assert says in told.json()["detail"]


@pytest.mark.parametrize("call", ["decisions", "decisions/undo", "queue"])
def test_pages_of_other_sites_decide_nothing(own, call):
    client, _ = own
    told = client.post(f"{PREFIX}/{call}", headers={"origin": "https://elsewhere.example"})
    assert told.status_code == 403


def test_without_a_gallery_there_is_nothing_to_decide_about(whole_client):
    assert whole_client.get(f"{PREFIX}/decisions").status_code == 404
