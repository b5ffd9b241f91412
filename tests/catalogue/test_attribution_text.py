"""Attributions and dates, read from lists that were written before their readers."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand.catalogue.attribution import Attribution, judge_artist, parse_attribution
from samehand.catalogue.dates import parse_date
from samehand.records import Qualifier

STRINGS = Path(__file__).parent / "strings"


def rows(name):
    lines = (STRINGS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines]


@pytest.mark.parametrize(
    ("name", "most_misses"),
    [("attributions", 0), ("attributions-second", 8), ("attributions-third", 16)],
)
def test_attributions_are_read_as_often_as_the_documents_say(name, most_misses):
    missed = [
        (text, parse_attribution(text))
        for text, artist, qualifier in rows(name)
        if parse_attribution(text) != Attribution(artist or None, qualifier or None)
    ]
    assert len(missed) <= most_misses, missed


@pytest.mark.parametrize(
    ("name", "most_misses"), [("dates", 0), ("dates-second", 2), ("dates-third", 8)]
)
def test_dates_are_read_as_often_as_the_documents_say(name, most_misses):
    missed = [
        (text, parse_date(text))
        for text, first, last in rows(name)
        if parse_date(text) != (int(first) if first else None, int(last) if last else None)
    ]
    assert len(missed) <= most_misses, missed


def test_there_are_as_many_strings_as_the_documents_say():
    for kind, count in (("attributions", 307), ("dates", 306)):
        lists = [rows(f"{kind}{which}") for which in ("", "-second", "-third")]
        texts = [text for some in lists for text, *_ in some]
        assert len(texts) == count
        assert len(set(texts)) >= 300


def test_every_qualifier_occurs_in_the_lists():
    seen = {qualifier for _, _, qualifier in rows("attributions")} - {""}
    assert seen == set(get_args(Qualifier))


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error_and_in_order(text):
    first, last = parse_date(text)
    assert first is None or last is None or first <= last
    attribution = parse_attribution(text)
    assert attribution.artist is not None or attribution.qualifier is None


@given(st.integers(100, 2100))
def test_a_year_is_itself_and_circa_is_five_years_either_side(year):
    assert parse_date(str(year)) == (year, year)
    assert parse_date(f"c. {year}") == (year - 5, year + 5)
    assert parse_date(f"{year} BCE") == (-year, -year)


def test_a_copy_is_excluded_with_its_artist_kept_unless_asked():
    copy = Attribution("Rembrandt", "after")
    assert judge_artist("after Rembrandt") == (copy, "uncertain attribution: after Rembrandt")
    assert judge_artist("after Rembrandt", any_attribution=True) == (copy, None)


def test_dates_of_life_stay_in_an_autograph_label_for_they_tell_namesakes_apart():
    label = "Jan Brueghel (1568-1625)"
    assert judge_artist(label) == (Attribution(label), None)
