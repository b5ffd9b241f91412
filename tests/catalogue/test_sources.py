import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand.catalogue.manifest import read_folder
from samehand.catalogue.sources import Blob, painting_ids
from samehand.errors import CatalogueError, ImageError


def test_a_folder_per_artist(tmp_path, encoded):
    for name in ("Ann Lee/deep/one.jpg", "Ann Lee/two.PNG", "Bo/three.webp", "stray.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(encoded(1))
    (tmp_path / "Bo" / "notes.txt").write_text("no image")
    (tmp_path / ".trash").mkdir()
    (tmp_path / ".trash" / "old.jpg").write_bytes(encoded(2))
    source = read_folder(tmp_path)
    assert [(row.painting_id, row.artist) for row in source.rows] == [
        ("ann-lee-deep-one", "Ann Lee"),
        ("ann-lee-two", "Ann Lee"),
        ("bo-three", "Bo"),
    ]
    assert source.unnamed == ["stray.jpg"]
    assert source.rows[0].files[0].read() == encoded(1)


def test_a_folder_that_holds_nothing_is_refused(tmp_path):
    with pytest.raises(CatalogueError, match="a folder of its own"):
        read_folder(tmp_path)
    with pytest.raises(CatalogueError, match="does not exist"):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogueError, match="is a file"):
        read_folder(tmp_path / "file")


def test_a_file_that_vanished_is_an_image_error(tmp_path):
    with pytest.raises(ImageError, match="cannot read gone.jpg"):
        Blob("gone.jpg", "", path=tmp_path / "gone.jpg").read()


def test_ids_are_readable_and_collisions_are_told_apart():
    ids = painting_ids(["a/b c.jpg", "a b/c.jpg", "Künstler/Été.png", "北斎/富士.jpg", "15496.jpg"])
    assert ids["15496.jpg"] == "15496"
    assert ids["Künstler/Été.png"] == "kunstler-ete"
    assert re.fullmatch(r"a-b-c-[0-9a-f]{10}", ids["a/b c.jpg"])
    assert re.fullmatch(r"a-b-c-[0-9a-f]{10}", ids["a b/c.jpg"])
    assert re.fullmatch(r"[0-9a-f]{10}", ids["北斎/富士.jpg"])


@given(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=150), unique=True),
    st.randoms(use_true_random=False),
)
def test_ids_are_unique_safe_and_independent_of_order(names, shuffle):
    ids = painting_ids(names)
    assert len(set(ids.values())) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_-]{1,111}", each) for each in ids.values())
    shuffle.shuffle(names)
    assert painting_ids(names) == ids
