"""The gallery's calls give what the command line gives, and describe themselves truly."""

import dataclasses
import json

import pytest
from fastapi.testclient import TestClient

from samehand.gallery import Gallery
from samehand.results import Clustering, GalleryInfo, Identification, Listing, SearchResult
from samehand.web.app import create_app

HERE = "http://127.0.0.1:8017"
PREFIX = "/api/v1/gallery"


@pytest.fixture
def command(shelf, tmp_path, samehand, work_of):
    """Run a command on the served gallery, and return the JSON that it prints."""
    work_of(1, 9).save(tmp_path / "probe.png")

    def run(*words) -> list[dict]:
        code, text, _ = samehand(*words)
        assert code == 0
        return (
            [json.loads(text)]
            if text.startswith("{\n")
            else [*map(json.loads, text.split("\n")[:-1])]
        )

    return run


@pytest.fixture
def probe(work_of, png):
    return {"probe": ("probe.png", png(work_of(1, 9)), "image/png")}


def alike(told, expected) -> None:
    """Compare answers; ONNX Runtime with other threads may differ in the last digits."""
    if isinstance(expected, dict):
        assert set(told) == set(expected)
        for name in set(expected) - {"seconds", "probe", "megabytes"}:
            alike(told[name], expected[name])
    elif isinstance(expected, list):
        assert len(told) == len(expected)
        for one, two in zip(told, expected, strict=True):
            alike(one, two)
    elif isinstance(expected, float):
        assert told == pytest.approx(expected, abs=1e-4)
    else:
        assert told == expected


@pytest.mark.parametrize("name", ["search", "identify"])
def test_a_question_about_an_image(served, command, probe, shelf, tmp_path, name):
    given = {"top": "3", "where": ["artist!=Artist 0", "artist!="]}
    told = served.post(f"{PREFIX}/{name}", files=probe, data=given)
    assert told.status_code == 200, told.text
    where = [word for condition in given["where"] for word in ("--where", condition)]
    gallery = ("--gallery", shelf.folder)
    words = (name, tmp_path / "probe.png", *gallery, "--top", 3, *where, "--json")
    alike(told.json(), command(*words)[0])
    assert told.json()["probe"] == "probe.png"
    assert "Artist 0" not in told.text


def test_identify_takes_a_prior_and_a_threshold(served, command, probe, shelf, tmp_path):
    given = {"prior": "0.1", "threshold": "far1"}
    told = served.post(f"{PREFIX}/identify", files=probe, data=given).json()
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    gallery = ("--gallery", shelf.folder)
    alike(told, command("identify", tmp_path / "probe.png", *gallery, *words, "--json")[0])


def test_clusters_works_and_what_the_gallery_is(served, command, shelf):
    told = served.post(f"{PREFIX}/cluster", data={"suspects": "2"}).json()
    alike(told, command("cluster", "--gallery", shelf.folder, "--suspects", 2, "--json")[0])
    about = served.get(PREFIX).json()
    alike(about, command("gallery", "info", shelf.folder, "--json")[0])
    listed = command("gallery", "list", shelf.folder, "--where", "artist=Artist 1", "--json")
    asked = {"where": "artist=Artist 1", "limit": 3}
    pages = [served.get(f"{PREFIX}/works", params=asked | {"offset": n}).json() for n in (0, 3)]
    assert [page["count"] for page in pages] == [4, 4]
    assert pages[0]["works"] + pages[1]["works"] == listed


@pytest.mark.parametrize(
    ("call", "sent", "words"),
    [
        ("search", {"top": "0"}, "top: "),
        ("search", {"where": "colour=red"}, "has no column 'colour'"),
        ("identify", {"threshold": "far2"}, "threshold: "),
        ("identify", {"prior": "1"}, "prior: "),
        (
            "identify",
            {"where": "artist=nobody"},
            "no work of shown that meets artist=nobody has an artist",
        ),
        ("cluster", {"suspects": "-1"}, "suspects: "),
        ("cluster", {"where": "artist"}, "is not a condition"),
    ],
)
def test_a_mistake_is_one_sentence(served, probe, call, sent, words):
    files = None if call == "cluster" else probe
    answer = served.post(f"{PREFIX}/{call}", files=files, data=sent)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("where", ["added=\x00", "title~\U0001f3a8'\"", "date>=1e999", "\x00=1"])
def test_odd_conditions_break_nothing(served, where):
    answer = served.get(f"{PREFIX}/works", params={"where": where})
    assert answer.status_code in (200, 422)


def test_without_a_gallery_there_is_none(whole_client, probe):
    for answer in (
        whole_client.get(PREFIX),
        whole_client.get(f"{PREFIX}/works"),
        whole_client.post(f"{PREFIX}/identify", files=probe),
        whole_client.post(f"{PREFIX}/cluster"),
    ):
        assert answer.status_code == 404
        assert "--gallery NAME" in answer.json()["detail"]


def test_a_suspect_that_is_alone_under_its_label_is_an_answer(shipped, limits, work_of, tmp_path):
    for artist, work in ((0, 0), (0, 1), (1, 0), (1, 1)):
        folder = tmp_path / "works" / f"Artist {artist}"
        folder.mkdir(exist_ok=True, parents=True)
        work_of(artist, work).save(folder / f"{work}.png")
    (tmp_path / "works" / "Alone").mkdir()
    work_of(0, 0).save(tmp_path / "works" / "Alone" / "0.png")
    with Gallery.create(tmp_path / "gallery", shipped) as gallery:
        gallery.add([tmp_path / "works"], shipped)
        with TestClient(create_app(shipped, limits, gallery=gallery), base_url=HERE) as client:
            answer = client.post(f"{PREFIX}/cluster")
    assert answer.status_code == 200
    alone = [one for one in answer.json()["suspects"] if one["artist"] == "Alone"]
    assert [(one["own_llr"], one["suspicion"]) for one in alone] == [(None, None)]


def test_openapi_describes_every_answer_as_it_is_declared(served):
    described = served.get("/api/v1/openapi.json").json()
    for call, answer in (
        ("/search", SearchResult),
        ("/identify", Identification),
        ("/cluster", Clustering),
        ("/works", Listing),
        ("", GalleryInfo),
    ):
        (method,) = described["paths"][f"{PREFIX}{call}"].values()
        content = method["responses"]["200"]["content"]["application/json"]
        name = content["schema"]["$ref"].rsplit("/", 1)[1]
        assert name == answer.__name__
        properties = described["components"]["schemas"][name]["properties"]
        assert list(properties) == [field.name for field in dataclasses.fields(answer)]
        assert all(one["description"] for one in properties.values())
