import os
import unicodedata

import pytest

from samehand.catalogue.locate import Locator


def make(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.fsencode(name))


@pytest.mark.parametrize("disk", ["NFC", "NFD"])
@pytest.mark.parametrize("table", ["NFC", "NFD"])
def test_names_are_found_in_either_unicode_form(tmp_path, disk, table):
    name = "Édouard/Été à Étretat.jpg"
    make(tmp_path, unicodedata.normalize(disk, name))
    found = Locator([tmp_path]).find(unicodedata.normalize(table, name))
    assert found is not None
    assert found.read_text() == unicodedata.normalize(disk, name)


@pytest.mark.parametrize(
    "written",
    [
        " a b/c.jpg ",
        '"a b/c.jpg"',
        "A B/C.JPG",
        "a b\\c.jpg",
        "\u00a0a b/c.jpg\u200b",
        "./a b/c.jpg",
    ],
)
def test_names_are_found_as_people_write_them(tmp_path, written):
    make(tmp_path, "a b/c.jpg")
    assert Locator([tmp_path]).find(written).samefile(tmp_path / "a b/c.jpg")


def test_an_exact_name_goes_before_a_similar_one(tmp_path):
    make(tmp_path, "x.jpg", "X.JPG", "sub/ x.jpg")
    if len(os.listdir(tmp_path)) < 3:
        pytest.skip("this file system ignores case")
    assert Locator([tmp_path]).find("X.JPG").name == "X.JPG"
    assert Locator([tmp_path]).find("x.JPG") is None
    assert Locator([tmp_path / "sub"]).find(" x.jpg").name == " x.jpg"


def test_folders_are_looked_through_in_order(tmp_path):
    make(tmp_path, "one/x.jpg", "two/x.jpg", "two/y.jpg")
    locator = Locator([tmp_path / "one", tmp_path / "two"])
    assert locator.find("x.jpg").read_text() == "one/x.jpg"
    assert locator.find("Y.jpg").read_text() == "two/y.jpg"
    assert locator.find(str(tmp_path / "two" / "X.jpg")).read_text() == "two/x.jpg"
    assert locator.find("../one/x.jpg").read_text() == "one/x.jpg"


@pytest.mark.parametrize("name", ["", " ", "gone.jpg", "x" * 5000, "nul\0.jpg", "..", "a/b/c", "/"])
def test_what_no_file_is_called_is_not_found(tmp_path, name):
    make(tmp_path, "x.jpg")
    assert Locator([tmp_path]).find(name) is None


def test_a_name_may_hold_the_bytes_of_its_table(tmp_path):
    try:
        make(tmp_path, os.fsdecode(b"caf\xe9.jpg"))
    except OSError:
        pytest.skip("this file system accepts no such name")
    assert Locator([tmp_path], "cp1252").find("café.jpg") is not None
    assert Locator([tmp_path]).find("café.jpg") is None
