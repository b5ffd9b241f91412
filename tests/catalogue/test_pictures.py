import unicodedata

import polars as pl
import pytest

from samehand.catalogue.pictures import find_pictures, tidy_label
from samehand.catalogue.schema import SCHEMA, write_catalogue
from samehand.errors import CatalogueError, ImageError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


@pytest.fixture
def scans(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "scans/Ann Lee/10.JPG", "scans/Ann Lee/2.jpg", "scans/Bo/x.png")
    touch(tmp_path, "scans/Bo/._x.png", "scans/Thumbs.db", "scans/stray.jpg")
    return tmp_path


def names(found):
    return [item.path.name for item in found.items]


def labels(found):
    return {item.path.name: dict(item.labels) for item in found.items}


def test_files_folders_globs_and_zips_list_the_same(scans, write_zip):
    members = {
        "Ann Lee/10.JPG": b"10",
        "Ann Lee/2.jpg": b"2",
        "Bo/x.png": b"x",
        "stray.jpg": b"s",
        "__MACOSX/Bo/._x.png": b"m",
        "Bo/.x.png": b"h",
        "notes.txt": b"n",
    }
    write_zip(scans / "scans.ZIP", members)
    folder = find_pictures("scans")
    assert names(folder) == ["2.jpg", "10.JPG", "x.png", "stray.jpg"]
    assert [item.labels.get("artist") for item in folder.items] == [
        "Ann Lee",
        "Ann Lee",
        "Bo",
        None,
    ]
    assert [str(path) for path in folder.folders] == ["scans"]
    assert names(find_pictures(["scans/**/*.*"])) == names(folder)
    assert names(find_pictures(["scans/Bo/*", "scans/Bo/._x.png"])) == ["x.png"]
    zipped = find_pictures(scans / "scans.ZIP")
    assert [(item.name, item.labels) for item in zipped.items] == [
        (item.name, item.labels) for item in folder.items
    ]
    assert [item.blob.read() for item in zipped.items] == [b"2", b"10", b"x", b"s"]
    with pytest.raises(ImageError, match=r"scans.ZIP/Ann Lee/2.jpg is inside a zip; unpack it"):
        zipped.files()
    assert find_pictures(["scans", "scans/Bo/x.png"]).files() == folder.files()


def test_a_table_says_what_is_known(scans):
    (scans / "works.csv").write_text(
        "Dateiname;Künstler;Titel;Jahr;Inventarnr.;sha256\n"
        "scans/Bo/X.PNG; Bo  Bauer ;Über\u2028allem;1889;B-12;ff\n"
        "scans\\Ann Lee\\2.jpg;Ann Lee;;;;\n",
        encoding="utf-8",
    )
    found = find_pictures("works.csv")
    first, second = found.items
    assert first.path.samefile(scans / "scans/Bo/x.png")
    assert first.labels == {"artist": "Bo Bauer", "title": "Über allem", "date": "1889"}
    assert first.extra == {"inventarnr.": "B-12"}
    assert first.origin == "works.csv, row 2"
    assert (second.labels, second.extra) == ({"artist": "Ann Lee"}, {})
    assert found.notes == []


def test_later_targets_add_to_what_earlier_ones_say(scans):
    (scans / "works.csv").write_text("path,artist,title\nscans/Bo/x.png,Bo Bauer,\n")
    (scans / "titles.csv").write_text("path,title\nscans/Bo/x.png,Spring\n")
    found = find_pictures(["scans", "works.csv", "titles.csv"])
    assert labels(found)["x.png"] == {"artist": "Bo Bauer", "title": "Spring"}
    assert len(found.items) == 4
    # The name of a folder says less than a table, whichever comes first.
    found = find_pictures(["titles.csv", "works.csv", "scans"])
    assert labels(found)["x.png"] == {"artist": "Bo Bauer", "title": "Spring"}
    assert labels(found)["2.jpg"] == {"artist": "Ann Lee"}
    assert [item.guessed for item in found.items] == [False, True, True, False]


def test_one_artist_has_one_name(tmp_path):
    forms = [unicodedata.normalize(form, "Édouard Manet") for form in ("NFC", "NFD")]
    touch(tmp_path, f"{forms[0]}/1.jpg", f"{forms[1]}/2.jpg")
    (tmp_path / "t.csv").write_text(f"path,artist\na.jpg, {forms[1]} \nb.jpg,{forms[0]}\u00a0\n")
    touch(tmp_path, "a.jpg", "b.jpg")
    found = find_pictures([tmp_path / forms[0] / "..", tmp_path / "t.csv"])
    assert {item.labels["artist"] for item in found.items} == {forms[0]}
    assert tidy_label(" a\x07\x1b[31m b\u2029\u00a0c ") == "a [31m b c"


def test_images_elsewhere_and_named_columns(scans):
    (scans / "tables").mkdir()
    table = scans / "tables" / "works.tsv"
    table.write_text("Nr\tFoto Nr.\tWer\n1\tAnn Lee/2.jpg\tAnn\n2\tBo/x.png\tBo\n")
    with pytest.raises(CatalogueError, match="did you mean 'Foto Nr.'"):
        find_pictures(table)
    columns = {"path": "Foto Nr.", "artist": "Wer"}
    with pytest.raises(CatalogueError, match=r"none of the 2 files .* exists, Ann Lee/2.jpg for"):
        find_pictures(table, columns=columns)
    found = find_pictures(table, columns=columns, images="scans")
    assert labels(found) == {"2.jpg": {"artist": "Ann"}, "x.png": {"artist": "Bo"}}
    assert found.items[1].extra == {"nr": "2"}
    with pytest.raises(CatalogueError, match="nowhere does not exist"):
        find_pictures(table, columns=columns, images="nowhere")


def test_trouble_in_a_table_is_named_by_row_before_work_starts(scans):
    (scans / "works.csv").write_text(
        "path,artist\nscans/Bo/x.png,Bo\nscans/Bo/gone.png,Bo\n,Cy\nscans/Bo/../Bo/x.png,Ann\n"
        "https://x.org/y.jpg,Cy\nscans/Bo/x.png,Bo\n"
    )
    found = find_pictures(["works.csv"])
    assert [item.problem for item in found.items] == [
        None,
        "works.csv, row 3: no file scans/Bo/gone.png in .; name its folder with --images",
        "works.csv, row 6: https://x.org/y.jpg is an address; download it and name the file",
    ]
    assert found.notes == [
        "works.csv: no file is named in row 4, left out",
        "works.csv: rows 2, 5, 7 name one file, scans/Bo/x.png, by Bo and by Ann; row 2 counts",
    ]
    assert found.items[0].labels == {"artist": "Bo"}
    with pytest.raises(ImageError, match="row 3"):
        found.files()


def test_what_is_not_there_is_said_at_once(scans):
    (scans / "empty").mkdir()
    for target, message in (
        ("home-less", "home-less does not exist; name images, folders"),
        ("none.csv", "none.csv does not exist"),
        ("scans/*.gif", "no file matches scans/\\*.gif"),
        ("empty", "no images in empty"),
    ):
        with pytest.raises(CatalogueError, match=message):
            find_pictures([target])
    assert find_pictures("missing.jpg").items[0].problem == "no file at missing.jpg; check the path"
    assert find_pictures("SCANS/bo/X.png").items[0].path.samefile("scans/Bo/x.png")
    (scans / "torn.zip").write_bytes(b"PK\3\4")
    with pytest.raises(CatalogueError, match="torn.zip is damaged or not a zip file"):
        find_pictures("torn.zip")


def test_a_catalogue_is_listed_with_all_that_is_known(tmp_path, catalogued):
    rows = [catalogued(tmp_path, 0, i, style="Baroque", split="test") for i in range(2)]
    write_catalogue(pl.DataFrame(rows, SCHEMA), tmp_path)
    found = find_pictures([tmp_path])
    assert found.catalogues == [tmp_path]
    assert [item.labels for item in found.items] == [
        {"artist": "artist 0", "style": "Baroque", "split": "test"}
    ] * 2
    assert [item.extra["painting_id"] for item in found.items] == ["0-0", "0-1"]
    assert all(path.is_file() for path in found.files())
