"""What a table says of a work, on its way into catalogues and galleries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand.catalogue.attribution import (
    Attribution,
    judge_artist,
    parse_qualifier,
    state_attribution,
    tidy_artist_id,
)
from samehand.catalogue.dates import state_years
from samehand.catalogue.facts import is_autograph, read_facts
from samehand.catalogue.prepare import prepare
from samehand.catalogue.schema import SCHEMA, load_catalogue


@pytest.mark.parametrize(
    ("cell", "qualifier", "unread"),
    [
        ("Werkstatt", "workshop of", None),
        ("attribué à", "attributed to", None),
        ("kopie naar", "after", None),
        ("Style of", "manner of", None),
        ("CIRCLE OF", "circle of", None),
        ("eigenhändig", None, None),
        ("", None, None),
        ("on loan", None, "on loan"),
    ],
)
def test_a_column_of_qualifiers_is_read_in_six_languages(cell, qualifier, unread):
    assert parse_qualifier(cell) == (qualifier, unread)


def test_the_column_goes_before_the_words_and_the_name_stays_as_written():
    life = "Jan Brueghel (1568-1625)"
    assert state_attribution(life, "after") == Attribution(life, "after")
    assert state_attribution("Workshop of Bosch", "circle of") == Attribution("Bosch", "circle of")
    assert state_attribution("Workshop of Bosch", "by") == Attribution("Bosch", "workshop of")
    assert state_attribution("Anonymous", "after") == Attribution(None)
    assert judge_artist("Bosch", "on loan") == (
        Attribution("Bosch", None, "on loan"),
        "uncertain attribution: on loan Bosch",
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("https://www.wikidata.org/wiki/Q5598", "Q5598"),
        ("http://vocab.getty.edu/page/ulan/500011051", "ulan:500011051"),
        ("ULAN: 500011051", "ulan:500011051"),
        ("500011051", "ulan:500011051"),
        ("our number 7", "our number 7"),
        (None, None),
    ],
)
def test_artists_have_one_spelling_of_a_number(text, number):
    assert tidy_artist_id(text) == number


@pytest.mark.parametrize(
    ("cells", "years"),
    [
        (("c. 1870", None, None), (1865, 1875)),
        (("c. 1870", "1868", "1872"), (1868, 1872)),
        (("c. 1870", "1868.0", ""), (1868, None)),
        (("c. 1870", "0", "0"), (1865, 1875)),
        (("c. 1870", "1880", "1860"), (1865, 1875)),
        ((None, "-300", "-250"), (-300, -250)),
    ],
)
def test_columns_of_years_go_before_the_words_of_a_date(cells, years):
    assert state_years(*cells) == years


@given(st.dictionaries(st.sampled_from(["artist", "qualifier", "date"]), st.text(min_size=1)))
def test_facts_that_were_read_once_read_the_same_again(labels):
    once = read_facts(labels)
    assert all(once.values())
    again = read_facts({key: once[key] for key in once if key != "attribution"})
    if "qualifier" in once:
        assert not is_autograph(labels)
        assert again.get("qualifier") == once["qualifier"] or "artist" not in again


def test_a_table_carries_its_facts_into_a_catalogue_and_old_catalogues_are_read(
    tmp_path, work_of, picture
):
    rows = [
        "image;Künstler;Qualifier;Datierung;ULAN;Inventarnummer",
        "0.png;Bosch;;um 1500;500008816;SK-A-1",
        "1.png;Bosch;Nachfolger;1510-1520;;SK-A-2",
        "2.png;Werkstatt des Bosch;;;;",
        "3.png;Bosch;;;;",
        "4.png;Bosch;verso;;;",
    ]
    for number in range(5):
        work_of(number, number).save(tmp_path / f"{number}.png")
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    report = prepare("table", tmp_path / "t.csv", tmp_path / "c", split="image-level")
    assert report.usable == 2
    assert report.labels == {"Nachfolger Bosch": 1, "Werkstatt des Bosch": 1, "verso Bosch": 1}
    frame = load_catalogue(tmp_path / "c")
    names = ("artist", "artist_id", "qualifier", "date_from", "date_to", "accession_number")
    assert frame.select(names).rows() == [
        ("Bosch", "ulan:500008816", None, 1495, 1505, "SK-A-1"),
        ("Bosch", None, "follower of", 1510, 1520, "SK-A-2"),
        ("Bosch", None, "workshop of", None, None, None),
        ("Bosch", None, None, None, None, None),
        ("Bosch", None, None, None, None, None),
    ]
    old = frame.select(name for name in SCHEMA if name != "accession_number")
    old.write_parquet(tmp_path / "c" / "catalogue.parquet")
    assert load_catalogue(tmp_path / "c")["accession_number"].null_count() == 5
