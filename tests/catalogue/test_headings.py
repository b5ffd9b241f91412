from pathlib import Path

import pytest

from samehand.catalogue.headings import (
    SYNONYMS,
    fold_heading,
    missing_column,
    parse_columns,
    read_headings,
)
from samehand.errors import CatalogueError


@pytest.mark.parametrize(
    ("header", "meanings"),
    [
        (" Image_File ; ARTIST;Title of Work;Year", ["path", "artist", "title", "date"]),
        ("Bilddatei;Künstler;Titel;Datierung;Sammlung", ["path", "artist", "title", "date"]),
        ("Nom du fichier;Peintre;Titre;Année;Musée", ["path", "artist", "title", "date"]),
        ("Nome file;Pittore;Titolo;Anno;Stile", ["path", "artist", "title", "date"]),
        ("Bestandsnaam;Kunstenaar;Titel;Jaar;Stijl", ["path", "artist", "title", "date"]),
        ("Archivo;Pintor;Título;Año;Estilo", ["path", "artist", "title", "date"]),
        ("\ufefffilename;artist", ["path", "artist"]),
    ],
)
def test_headings_of_six_languages(header, meanings):
    places = read_headings(header.split(";"), {}, "t.csv")
    assert [places[meaning] for meaning in meanings] == list(range(len(meanings)))


def test_the_likeliest_of_several_headings_is_taken():
    places = read_headings(["filename", "path", "year", "date"], {}, "t.csv")
    assert places == {"path": 1, "date": 3}
    assert read_headings(["path", "Scan"], {"path": "scan"}, "t.csv") == {"path": 1}
    # A column given another meaning is not taken for its own as well.
    assert read_headings(["file", "image"], {"left": "file"}, "t.csv") == {"left": 0, "path": 1}


def test_no_synonym_means_two_things_within_a_table_of_images():
    seen = {}
    for meaning, names in SYNONYMS.items():
        assert [fold_heading(name) for name in names] == list(names), meaning
        for name in names:
            seen.setdefault(name, []).append(meaning)
    assert {name: found for name, found in seen.items() if len(found) > 1} == {}


def test_the_option_names_columns():
    assert parse_columns(["path=Image file", "artist = By = whom"]) == {
        "path": "Image file",
        "artist": "By = whom",
    }
    for option, message in (
        ("Image file", "should say which column is which"),
        ("path=", "should say which column is which"),
        ("paht=x", "did you mean path?"),
        ("nonsense=x", "choose one of path, artist"),
    ):
        with pytest.raises(CatalogueError, match=message):
            parse_columns([option])


def test_a_missing_column_is_named_with_its_likeliest_stand_in():
    with pytest.raises(CatalogueError, match="t.csv has no column 'Pfade'; did you mean 'Pfad'?"):
        read_headings(["Pfad", "x"], {"path": "Pfade"}, "t.csv")
    with pytest.raises(CatalogueError, match="two columns called File name"):
        read_headings(["file_name", "File name"], {}, "t.csv")
    rows = [["3", ""], ["4", "b.JPG"]]
    said = str(missing_column("path", ["Nr", "Foto Nr."], rows, "t.csv"))
    assert (
        "it has Nr, Foto Nr.; did you mean 'Foto Nr.'? then pass --column path='Foto Nr.'" in said
    )
    said = str(missing_column("path", ["a.jpg", "Monet"], [["b.jpg", "Monet"]], "t.csv"))
    assert said.startswith("t.csv has no row of column names: its first row is a.jpg, Monet;")
    assert "did you mean 'Artits'" in str(missing_column("artist", ["Artits"], [], "t.csv"))
    assert "--column path=..." in str(missing_column("path", ["x", "y"], [], "t.csv"))


def test_the_document_lists_every_heading():
    text = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
    for meaning, names in SYNONYMS.items():
        assert f"| `{meaning}` | {', '.join(names)} |" in text
