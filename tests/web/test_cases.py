"""Cases: kept whole or not at all, in the owner's folder alone, by deciders."""

import json
import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from samehand.errors import OutputError
from samehand.web import cases as store
from samehand.web.app import create_app
from samehand.web.cases import Case, CaseError, Picture
from samehand.web.users import Users, with_user

HERE = "http://127.0.0.1:8017"
CASE = Case("", "pair", "Two", "", "Ann", "", (), "Moderate support.", "3 times", 0.5, "lite@x")
PICTURES = [Picture("a.JPG", b"first", b"small one"), Picture("../../b", b"second", b"small two")]


def test_a_case_is_a_folder_of_plain_files(tmp_path):
    case = store.keep(tmp_path, CASE, PICTURES, "<p>report</p>")
    place = tmp_path / case.id
    assert {one.name: one.read_bytes() for one in place.iterdir() if one.suffix != ".json"} == {
        "picture-1.jpg": b"first",
        "picture-2": b"second",
        "small-1.jpg": b"small one",
        "small-2.jpg": b"small two",
        "report.html": b"<p>report</p>",
    }
    assert [one.name for one in tmp_path.iterdir()] == [case.id]
    assert store.read_case(tmp_path, case.id) == case
    assert case.pictures == ("a.JPG", "../../b")


def test_a_case_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OutputError, match="disk is full"):
        store.keep(tmp_path, CASE, PICTURES, "report")
    assert list(tmp_path.iterdir()) == []


def test_the_latest_comes_first_and_what_is_broken_is_counted(tmp_path):
    ids = [store.keep(tmp_path, CASE, PICTURES, "").id for _ in range(3)]
    for second, one in enumerate(ids):
        file = tmp_path / one / "case.json"
        values = json.loads(file.read_text()) | {"made": f"2026-01-01T00:00:0{second}"}
        file.write_text(json.dumps(values))
    (tmp_path / "notes.txt").write_text("the owner's own")
    broken = tmp_path / "2026-01-01-00000000"
    broken.mkdir()
    (broken / "case.json").write_text("{")
    found, unreadable = store.list_cases(tmp_path)
    assert [one.id for one in found] == ids[::-1]
    assert unreadable == 1


def test_only_cases_are_read_and_deleted(tmp_path):
    folder = tmp_path / "cases"
    folder.mkdir()
    outside = tmp_path / "2026-01-01-00000000"
    outside.mkdir()
    (outside / "case.json").write_text("{}")
    (folder / "2026-01-01-11111111").symlink_to(outside)
    case = store.keep(folder, CASE, PICTURES, "")
    bad = ["..", "../2026-01-01-00000000", "2026-01-01-11111111", "", ".", "2026-01-01-22222222"]
    for identity in bad:
        for act in (store.read_case, store.delete):
            with pytest.raises(CaseError):
                act(folder, identity)
    for name in ("../../x", "picture-1.jpg", "small-1.jpg/../case.json", "/etc/hostname"):
        with pytest.raises(CaseError):
            store.read_file(folder, case.id, name)
    assert outside.exists()


def test_a_deleted_case_is_gone_with_its_files(tmp_path):
    case = store.keep(tmp_path, CASE, PICTURES, "")
    store.delete(tmp_path, case.id)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CaseError):
        store.delete(tmp_path, case.id)


def test_a_reader_never_sees_half_a_note(tmp_path):
    case = store.keep(tmp_path, CASE, PICTURES, "")
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            store.annotate(tmp_path, case.id, "", "x" * 20_000 + str(number))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        note = store.read_case(tmp_path, case.id).note
        assert note == "" or len(note) > 20_000
    writer.join()


@pytest.fixture
def keeping(shipped, limits, tmp_path):
    app = create_app(shipped, limits, cases=tmp_path / "kept")
    with TestClient(app, base_url=HERE) as client:
        yield client, tmp_path / "kept"


def test_a_pair_is_kept_listed_annotated_and_deleted(keeping, pair, shipped):
    client, folder = keeping
    assert "Nothing is kept yet" in client.get("/cases").text
    page = client.post("/cases", files=pair, data={"note": "<b>look</b>"})
    assert page.status_code == 200
    assert "data-said" in page.text
    assert "&lt;b&gt;look&lt;/b&gt;" in page.text
    (place,) = folder.iterdir()
    assert (place / "picture-1.png").read_bytes() == pair["left"][1]
    verdict = shipped.compare(pair["left"][1], pair["right"][1])
    assert f"{verdict.llr:+.2f}" in page.text
    listed = client.get("/cases").text
    assert "a.png and b.png" in listed
    address = f"/cases/{place.name}"
    assert client.get(f"{address}/picture/1").content[:3] == b"\xff\xd8\xff"
    report = client.get(f"{address}/report")
    assert report.headers["content-disposition"].startswith("attachment")
    assert report.text == (place / "report.html").read_text()
    changed = client.post(address, data={"title": "The sky", "note": "as in Rouen"}).text
    assert "The sky" in changed
    assert "as in Rouen" in changed
    assert "Nothing is kept yet" in client.post(f"{address}/delete").text
    for path in (address, f"{address}/report", f"{address}/picture/1", f"{address}/picture/9"):
        assert client.get(path).status_code == 404


def test_a_reference_set_is_kept(keeping, pair, work_of, png):
    client, folder = keeping
    more = [("references", (f"{i}.png", png(work_of(1, i)), "image/png")) for i in (2, 3)]
    page = client.post("/cases/reference", files=[("probe", pair["left"]), *more])
    assert page.status_code == 200, page.text
    (place,) = folder.iterdir()
    assert json.loads((place / "case.json").read_text())["kind"] == "set"
    assert page.text.count("secure</small>") == 2


def test_a_question_that_fails_keeps_nothing(keeping, pair):
    client, folder = keeping
    broken = pair | {"right": ("b.png", b"no picture", "image/png")}
    assert client.post("/cases", files=broken).status_code == 422
    assert list(folder.iterdir()) == []


def test_other_sites_keep_and_delete_nothing(keeping, pair):
    client, folder = keeping
    evil = {"origin": "https://evil.example"}
    assert client.post("/cases", files=pair, headers=evil).status_code == 403
    assert list(folder.iterdir()) == []


def test_readers_look_at_cases_and_deciders_keep_them_under_their_names(
    verifier, limits, tmp_path, pair
):
    for name, role in (("Ann", "decider"), ("Bo", "reader")):
        with_user(tmp_path / "users.json", name, role, "correct horse battery")
    users = Users(tmp_path / "users.json")
    app = create_app(verifier, limits, users=users, cases=tmp_path / "kept")
    with TestClient(app, base_url=HERE) as client:
        client.auth = ("Ann", "correct horse battery")
        address = client.post("/cases", files=pair).url.path
        client.auth = ("Bo", "correct horse battery")
        page = client.get(address)
        assert page.status_code == 200
        assert "by Ann" in page.text
        assert "Delete" not in page.text
        assert "Keep as a case" not in client.get("/").text
        for path in ("/cases", "/cases/reference", address, f"{address}/delete"):
            assert client.post(path, files=pair).status_code == 403
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_without_a_folder_nothing_is_kept(whole_client, pair):
    assert whole_client.get("/cases").status_code == 404
    assert whole_client.post("/cases", files=pair).status_code == 404
    assert "/cases" not in whole_client.get("/").text


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        store.prepare_folder(tmp_path / "file")
