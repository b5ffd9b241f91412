import polars as pl
import pytest

from samehand.catalogue.manifest import read_csv, read_folder, read_manifest
from samehand.errors import CatalogueError


@pytest.fixture
def gallery(tmp_path, encoded):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "one.jpg").write_bytes(encoded(1))
    (tmp_path / "two.jpg").write_bytes(encoded(2))
    return tmp_path


def manifest(folder, text, name="paintings.csv", encoding="utf-8"):
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def test_files_beside_the_table_or_in_images(gallery):
    table = manifest(
        gallery,
        "\ufefffile, Artist ,split,title\none.jpg,Ann,val,One\ntwo.jpg,Bo,TRAIN,\n"
        "three.jpg,Bo,,Gone\none.jpg,Cy,test,Again\n,Cy,test,Nothing\n",
    )
    source = read_manifest(table)
    assert [(row.name, row.artist, row.split, row.title) for row in source.rows] == [
        ("one.jpg", "Ann", "validation", "One"),
        ("two.jpg", "Bo", "train", None),
        ("three.jpg", "Bo", None, "Gone"),
    ]
    assert [len(row.files) for row in source.rows] == [1, 1, 0]
    assert source.repeated == ["one.jpg"]


def test_images_elsewhere_and_absolute_paths(gallery, tmp_path_factory, encoded):
    elsewhere = tmp_path_factory.mktemp("photographs")
    (elsewhere / "one.jpg").write_bytes(encoded(9))
    table = manifest(gallery, f"path,artist\none.jpg,Ann\n{gallery / 'two.jpg'},Bo\n")
    source = read_manifest(table, images=elsewhere)
    assert source.rows[0].files[0].read() == encoded(9)
    assert source.rows[1].files[0].read() == encoded(2)
    with pytest.raises(CatalogueError, match="does not exist"):
        read_manifest(table, images=elsewhere / "no")


def test_parquet_with_numbers_for_dates(gallery):
    table = gallery / "paintings.parquet"
    pl.DataFrame({"path": ["one.jpg"], "artist": ["Ann"], "date": [1889.0]}).write_parquet(table)
    assert [(row.artist, row.date) for row in read_manifest(table).rows] == [("Ann", "1889")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("path,artist\n", "no rows"),
        ("path,artist\n,Ann\n", "no rows that name a file"),
        ("path,whose\none.jpg,Ann\n", "a column 'artist'; it has path, whose"),
        ("Foto Nr.,artist\none.jpg,Ann\n", "needs a column 'path'.*did you mean 'Foto Nr.'"),
        ("path,artist\nnine.jpg,Ann\n", "--images"),
        ("path,artist,split\none.jpg,Ann,half\n", "'half' is not a split"),
        ("path,artist\none.jpg,Ann,more\n", "row 2: 3 values under 2 columns"),
        ("path,artist, artist\none.jpg,Ann,Bo\n", "two columns called artist"),
    ],
)
def test_tables_that_cannot_be_used(gallery, text, message):
    with pytest.raises(CatalogueError, match=message):
        read_manifest(manifest(gallery, text))


def test_files_that_are_no_tables(gallery):
    with pytest.raises(CatalogueError, match="does not exist"):
        read_manifest(gallery / "none.csv")
    with pytest.raises(CatalogueError, match="does not exist"):
        read_manifest(gallery / "none.parquet")
    with pytest.raises(CatalogueError, match="cannot read .* as Parquet"):
        read_manifest(manifest(gallery, "path,artist\n", name="fake.parquet"))
    with pytest.raises(CatalogueError, match="cannot read"):
        read_manifest(gallery / "images")
    nested = gallery / "nested.parquet"
    pl.DataFrame({"path": ["one.jpg"], "artist": [[["Ann"]]]}).write_parquet(nested)
    with pytest.raises(CatalogueError, match="nested.parquet"):
        read_manifest(nested)


def test_a_table_as_a_museum_exports_it(gallery):
    table = manifest(
        gallery,
        "Inventarnr.;Bilddatei;Künstler;Titel;Datierung\n"
        '1; ONE.JPG ;Bäumer;Panel 12" high;1889\n2;two.jpg;Ann;;\n3;two.jpg;Bo;;\n',
        encoding="cp1252",
    )
    source = read_manifest(table)
    assert [(row.name, row.artist, row.title, row.date) for row in source.rows] == [
        ("ONE.JPG", "Bäumer", 'Panel 12" high', "1889"),
        ("two.jpg", "Ann", None, None),
    ]
    assert [len(row.files) for row in source.rows] == [1, 1]
    assert source.repeated == ["two.jpg"]
    assert "was read as Windows-1252" in source.notes[0]
    assert "rows 3, 4 name one file, two.jpg, by Ann and by Bo" in source.notes[1]
    named = read_manifest(table, columns={"artist": "Titel"})
    assert [row.artist for row in named.rows] == ['Panel 12" high', None]


def test_a_zip_of_artists_folders(tmp_path, encoded, write_zip):
    members = {"Ann/1.jpg": encoded(1), "Bo/2.JPG": encoded(2), "__MACOSX/Ann/._1.jpg": b"x"}
    source = read_folder(write_zip(tmp_path / "all.zip", members | {"stray.jpg": encoded(3)}))
    assert [(row.artist, row.files[0].read()) for row in source.rows] == [
        ("Ann", encoded(1)),
        ("Bo", encoded(2)),
    ]
    assert source.unnamed == ["stray.jpg"]


@pytest.mark.parametrize(
    ("text", "where"),
    [(b"path,artist\na.jpg,M\xe1net\n", "row 1"), (b"path,m\xe1le\na,b\n", "headings")],
)
def test_bytes_that_are_no_text_are_refused_in_a_sentence(tmp_path, text, where):
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + text)
    with pytest.raises(CatalogueError, match=f"{where}.* not text; save it as UTF-8"):
        read_csv(tmp_path / "t.csv")


def test_names_that_are_not_utf8_are_written_as_a_table_can_hold_them(oddly_named):
    rows = read_folder(oddly_named).rows
    assert sorted(row.artist for row in rows) == ["Ann", r"\udce9"]
    texts = [text for row in rows for text in (row.name, row.painting_id, row.files[0].origin)]
    assert "".join(texts).encode()
    assert all(row.files[0].read() for row in rows)
