import os
import random

import pytest

from samehand.catalogue.walk import images_below, is_litter, natural_key


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def below(root):
    return [os.path.relpath(path, root) for path in images_below(root).images]


def test_images_are_found_in_natural_order_whatever_their_case(tmp_path):
    touch(tmp_path, "b/10.JPG", "b/2.jpg", "a/x.Tif", "a-1/y.png", "a/notes.txt", "B2.jpeg")
    assert below(tmp_path) == ["a/x.Tif", "a-1/y.png", "b/2.jpg", "b/10.JPG", "B2.jpeg"]


def test_what_systems_leave_behind_is_skipped(tmp_path):
    touch(tmp_path, "x.jpg", "._x.jpg", ".DS_Store", "Thumbs.db", "@eaDir/x.jpg/SYNO_THUMB_M.jpg")
    touch(tmp_path, "__MACOSX/._x.jpg", ".AppleDouble/x.jpg", ".git/x.jpg", "#recycle/x.jpg")
    assert below(tmp_path) == ["x.jpg"]
    hidden = tmp_path / ".scans"
    touch(hidden, "y.jpg")
    assert below(hidden) == ["y.jpg"]
    assert all(map(is_litter, ("._x.jpg", "THUMBS.DB", ".DS_Store", "@eaDir")))
    assert not any(map(is_litter, (".scan.jpg", "x.jpg")))


def test_linked_folders_are_followed_once_and_loops_end(tmp_path):
    root, disk = tmp_path / "all", tmp_path / "disk"
    touch(root, "Manet/1.jpg")
    touch(disk, "Monet/2.jpg", "Monet/deep/3.jpg")
    (root / "Monet").symlink_to("../disk/Monet")
    (root / "Manet" / "loop").symlink_to("..")
    (root / "Manet" / "itself").symlink_to(".")
    (root / "up").symlink_to("../..")
    (disk / "Monet" / "back").symlink_to(root)
    (root / "A link to Manet").symlink_to("Manet")
    (root / "Monet again").symlink_to(disk / "Monet")
    assert below(root) == ["Manet/1.jpg", "Monet/2.jpg", "Monet/deep/3.jpg"]
    assert images_below(root).faults == {}
    link = tmp_path / "link"
    link.symlink_to(root)
    assert len(below(link)) == 3


def test_what_cannot_be_reached_is_named(tmp_path):
    touch(tmp_path, "x.jpg", "shut/y.jpg")
    (tmp_path / "gone.jpg").symlink_to("nowhere/z.jpg")
    (tmp_path / "disk").symlink_to("/nowhere/at/all")
    walk = images_below(tmp_path)
    assert sorted(walk.faults) == [str(tmp_path / "disk"), str(tmp_path / "gone.jpg")]
    assert all("cannot be reached" in reason for reason in walk.faults.values())
    if os.geteuid() == 0:
        pytest.skip("root reads every folder")
    (tmp_path / "shut").chmod(0)
    try:
        assert "cannot look into" in images_below(tmp_path).faults[str(tmp_path / "shut")]
    finally:
        (tmp_path / "shut").chmod(0o700)


def test_the_order_depends_on_names_alone():
    names = ["a/1.jpg", "a/01.jpg", "a/2.jpg", "a/10.jpg", "A/3.jpg", "a-b/1.jpg", "é.jpg", "e.jpg"]
    ordered = sorted(names, key=natural_key)
    assert ordered.index("a/2.jpg") < ordered.index("a/10.jpg")
    for seed in range(20):
        random.Random(seed).shuffle(names)
        assert sorted(names, key=natural_key) == ordered
