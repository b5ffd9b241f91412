import io
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samehand.catalogue.clean import (
    NO_ARTIST,
    clean_date,
    clean_text,
    jpeg_is_cut,
    judge_attribution,
)


@pytest.mark.parametrize(
    "label",
    [
        None,
        "",
        "  ",
        "Unknown",
        "unknown artist",
        "Anonymous",
        "An anonymous Flemish master",
        "anon.",
        "Unidentified painter, 17th century",
        "Artist unknown",
        "various artists",
        "nan",
        "?",
        "Dutch School",
        "Venetian school, 16th century",
    ],
)
def test_labels_that_name_nobody(label):
    assert judge_attribution(label) == (None, NO_ARTIST)


@pytest.mark.parametrize(
    "label",
    [
        "after Rembrandt",
        "After Rembrandt",
        "circle of Rembrandt",
        "the circle of Rembrandt",
        "Followers of Hieronymus Bosch",
        "workshop of Peter Paul Rubens",
        "Studio of Titian",
        "school of Fontainebleau",
        "in the manner of Canaletto",
        "style of Monet",
        "copy after Leonardo",
        "Copy of Leonardo",
        "attributed to Caravaggio",
        "Attr. to Caravaggio",
        "possibly Giorgione",
        "Rembrandt (attributed)",
        "Rembrandt (attributed to)",
        "Rembrandt, circle of",
        "Rembrandt (workshop of)",
        "Rembrandt (after)",
        "Rubens and studio",
        "Titian & his workshop",
        "Vermeer?",
        "Vermeer (?)",
    ],
)
def test_labels_that_hedge(label):
    artist, reason = judge_attribution(label)
    assert artist is None
    assert reason == f"uncertain attribution: {label}"


@pytest.mark.parametrize(
    "name",
    [
        "Claude Monet",
        "Circle Jones",
        "Paul Afterman",
        "Afterman",
        "Le Nain Brothers",
        "Petro Kholodny (Elder)",
        "M.C. Escher",
        "Le Corbusier",
        "Master of the Female Half-Lengths",
        "Stylianos Manner",
        "Anonella Unknowles",
        "Studio Ghibli",
        "Copyright Smith",
        "Jan Van Schoolten",
        "Possibl Yang",
        "Hans Holbein, the Younger",
        "Pupila Student",
        "Workshop Brown",
    ],
)
def test_real_names_are_kept(name):
    assert judge_attribution(name) == (name, None)


def test_text_is_composed_and_spaced():
    assert clean_text("  Joaqui\u0301n \t Sorolla\n") == "Joaqu\u00edn Sorolla"
    assert clean_text(" NaN ") is None
    assert clean_text(None) is None


@given(st.text(max_size=40))
def test_cleaning_twice_changes_nothing(text):
    once = clean_text(text)
    assert clean_text(once) == once
    assert once is None or unicodedata.is_normalized("NFC", once)


def test_dates_lose_the_decimals_of_float_columns():
    assert clean_date("1985.0") == "1985"
    assert clean_date("c.1912") == "c.1912"
    assert clean_date("1985.05") == "1985.05"
    assert clean_date("") is None


def jpeg(preview=False, progressive=False):
    pixels = np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    stream = io.BytesIO()
    image = Image.fromarray(pixels)
    if preview:
        small = io.BytesIO()
        image.resize((8, 8)).save(small, "JPEG")
        image.save(stream, "JPEG", comment=small.getvalue())
    else:
        image.save(stream, "JPEG", progressive=progressive)
    return stream.getvalue()


def test_a_whole_jpeg_is_not_cut():
    for data in (jpeg(), jpeg(preview=True), jpeg(progressive=True)):
        assert not jpeg_is_cut(data)
        assert not jpeg_is_cut(data + b"trailing notes \xff\xda of a camera")


def test_a_jpeg_with_an_overwritten_tail_is_cut_though_it_decodes():
    data = jpeg()
    zeroed = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
    Image.open(io.BytesIO(zeroed)).load()
    assert jpeg_is_cut(zeroed)


def test_the_end_of_an_embedded_preview_does_not_count():
    data = jpeg(preview=True)
    assert data.count(b"\xff\xd9") == 2
    assert jpeg_is_cut(data[:-2])


def test_only_jpegs_are_cut():
    assert not jpeg_is_cut(b"")
    assert not jpeg_is_cut(b"\x89PNG\r\n")


@given(st.binary(max_size=300))
def test_looking_for_the_end_of_garbage_never_fails(data):
    assert jpeg_is_cut(b"\xff\xd8" + data) in (True, False)
