"""A file:// address is the file it means; an address on the web is told to be one."""

from pathlib import Path

import pytest

from samehand.catalogue.pictures import find_pictures
from samehand.errors import CatalogueError, ImageError
from samehand.images.addresses import path_of_address
from samehand.images.decode import decode


@pytest.fixture
def scan(tmp_path, picture):
    folder = tmp_path / "Été 1/100% #2"
    folder.mkdir(parents=True)
    picture(1).save(folder / "a b.png")
    return folder / "a b.png"


def spellings(path):
    address = path.as_uri()
    rest = address.removeprefix("file://")
    return [address, f"file://localhost{rest}", f"file:{rest}", f"FILE://{rest}", Path(address)]


def test_every_spelling_of_a_files_address_is_the_file(scan):
    for told in spellings(scan):
        assert path_of_address(told) == scan, told
        assert decode(told).width == 64
        assert [item.path for item in find_pictures(told).items] == [scan]
    assert [item.path for item in find_pictures(scan.parent.as_uri()).items] == [scan]


def test_a_table_may_hold_addresses_of_files(scan, tmp_path):
    rows = "".join(f'"{told}"\n' for told in spellings(scan)[:3])
    (tmp_path / "t.csv").write_text("path\n" + rows)
    found = find_pictures(tmp_path / "t.csv")
    assert {item.path for item in found.items} == {scan}
    assert not any(item.problem for item in found.items)


def test_a_file_that_bears_such_a_name_is_itself(tmp_path, monkeypatch, picture):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file:").mkdir()
    picture(2, (30, 20)).save(tmp_path / "file:" / "a.png")
    assert decode("file:/a.png").width == 30


@pytest.mark.parametrize("told", ["https://example.org/a.jpg", "http:/example.org/a.jpg"])
def test_an_address_on_the_web_is_told_to_be_one(told):
    with pytest.raises(ImageError, match="an address on the web, and samehand fetches nothing"):
        decode(told)
    assert "fetches nothing" in find_pictures(told).items[0].problem


def test_what_is_no_address_and_what_no_path_can_be(tmp_path):
    for told in ("a.jpg", "/scans/file:/a.jpg", "s3://bucket/a", "file:a.jpg", b"file:///a"):
        assert path_of_address(told) is None
    for told in ("x" * 5000 + ".jpg", str(tmp_path / ("y" * 300)) + ".jpg"):
        with pytest.raises(CatalogueError, match="cannot be a path"):
            find_pictures(told)
    with pytest.raises(ImageError, match="no file at file:///no/such.png; check the path"):
        decode("file:///no/such.png")
