"""The IIIF manifest of two paintings: what a viewer needs, and the evidence where it lies."""

import json

import pytest
from PIL import Image

from samehand.errors import OutputError
from samehand.explain.evidence import full_verdict
from samehand.reporting.manifest import check_manifest, write_manifest
from samehand.results import DecidedWork, Decision

BASE = "https://museum.example/iiif"


@pytest.fixture(scope="module")
def pair(verifier, work_of):
    return (
        verifier.open(work_of(1, 0, (120, 100)), "a b.png"),
        verifier.open(work_of(1, 1, (90, 140)), "b.png"),
    )


@pytest.fixture(scope="module")
def verdict(verifier, pair):
    return full_verdict(verifier, *pair)


@pytest.fixture
def written(verdict, pair, tmp_path):
    first = DecidedWork("0" * 64, "a.png", "Ann Lee", "Trees", "1880", {"accession_number": "A-1"})
    second = DecidedWork("1" * 64, None)
    made = Decision("x", "2026-01-02T03:04:05", "unsure", first, second, "Bo", "dirt", 0.1, "m")
    out = tmp_path / "pair.json"
    files = write_manifest(out, BASE + "/", verdict, pair, (first, None), [made])
    assert files == [out, tmp_path / "pair-1.jpg", tmp_path / "pair-2.jpg"]
    return json.loads(out.read_text()), tmp_path


def test_canvases_have_the_size_and_the_address_of_the_pictures_beside_them(written, pair):
    told, folder = written
    assert told["id"] == f"{BASE}/pair.json"
    for number, (canvas, painting) in enumerate(zip(told["items"], pair, strict=True), 1):
        body = canvas["items"][0]["items"][0]["body"]
        assert body["id"] == f"{BASE}/pair-{number}.jpg"
        with Image.open(folder / f"pair-{number}.jpg") as picture:
            size = picture.size
        assert size == painting.image.size == (body["width"], body["height"])
        assert size == (canvas["width"], canvas["height"])


def test_each_region_of_the_evidence_is_an_annotation_in_pixels(written, verdict):
    told, _ = written
    for side, canvas in zip(("left", "right"), told["items"], strict=True):
        notes = canvas["annotations"][0]["items"]
        assert len({one["id"] for one in notes}) == len(notes)
        found = []
        for one in notes:
            address, _, box = one["target"].partition("#xywh=")
            assert address == canvas["id"]
            x, y, w, h = map(int, box.split(","))
            assert min(w, h) >= 1
            assert 0 <= x < x + w <= canvas["width"]
            assert 0 <= y < y + h <= canvas["height"]
            found.append((x, y, x + w, y + h))
        matches = verdict.evidence.matches
        assert matches
        size = (canvas["width"], canvas["height"])
        expected = [getattr(match, side).pixels(*size) for match in matches]
        assert found[: len(matches)] == expected
        influence = getattr(verdict.evidence, side).influence
        strongest = max((abs(value) for row in influence for value in row), default=0.0)
        assert (len(notes) > len(matches)) == (strongest >= 0.1)


def test_it_says_what_the_gallery_and_people_say(written):
    told, _ = written
    said = {one["label"]["en"][0]: one["value"]["en"][0] for one in told["metadata"]}
    assert said["Decided by Bo on 2026-01-02"] == "unsure; dirt"
    assert told["label"]["en"] == ["Trees and b.png"]
    first = {one["label"]["en"][0]: one["value"]["en"][0] for one in told["items"][0]["metadata"]}
    assert first == {"Artist": "Ann Lee", "Date": "1880", "Accession number": "A-1"}
    assert "metadata" not in told["items"][1]


def test_a_validator_of_iiif_accepts_it(written):
    prezi = pytest.importorskip("iiif_prezi3")
    told, _ = written
    read = prezi.Manifest(**told)
    assert [len(canvas.annotations[0].items) for canvas in read.items] == [
        len(canvas["annotations"][0]["items"]) for canvas in told["items"]
    ]
    with pytest.raises(ValueError, match="validation error"):
        prezi.Manifest(**(told | {"items": [told["items"][0] | {"type": "Sheet"}]}))


@pytest.mark.parametrize(
    ("name", "base", "says"),
    [
        ("out.txt", BASE, "is not .json"),
        ("out.json", "museum.example", "is not an address"),
        ("out.json", "ftp://museum.example", "is not an address"),
        ("out.json", BASE + "?x=1", "is not an address"),
    ],
)
def test_what_cannot_be_published_is_refused_first(tmp_path, name, base, says):
    with pytest.raises(OutputError, match=says):
        check_manifest(tmp_path / name, base)


@pytest.mark.slow
def test_the_command_takes_titles_and_decisions_from_a_gallery(tmp_path, work_of, samehand):
    from samehand import SameHand
    from samehand.gallery import Gallery, Work

    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for number, path in enumerate(files):
        work_of(0, number).save(path)
    model = SameHand(threads=1)
    with Gallery.create(tmp_path / "g", model) as gallery:
        gallery.add([Work(str(files[0]), "Ann", title="Trees"), Work(str(files[1]))], model)
        gallery.decide(*files, "same", by="Bo")
    out = tmp_path / "m.json"
    code, text, _ = samehand(
        "manifest", *files, "--out", out, "--base", BASE, "--gallery", tmp_path / "g"
    )
    assert code == 0
    assert "m-1.jpg" in text
    told = json.loads(out.read_text())
    assert told["items"][0]["label"]["en"] == ["Trees"]
    assert any(one["label"]["en"][0].startswith("Decided by Bo") for one in told["metadata"])
