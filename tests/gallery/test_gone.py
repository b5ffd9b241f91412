"""Files that were moved, deleted, or lie on a disk that is elsewhere."""

import os

import pytest

from samehand.errors import GalleryError
from samehand.gallery import Gallery
from samehand.gallery.gone import missing_files
from samehand.model.folder import open_model


@pytest.fixture
def gallery(tmp_path, tiny_model):
    with Gallery.create(tmp_path / "g", open_model(tiny_model)) as made:
        yield made


@pytest.fixture
def scans(tmp_path, work_of):
    folder = tmp_path / "disk" / "scans"
    for artist in range(2):
        (folder / f"artist {artist}").mkdir(parents=True)
        for work in range(3):
            work_of(artist, work).save(folder / f"artist {artist}" / f"{work}.png")
    return folder


def works(gallery):
    return {stored.work.path: stored.work for stored in gallery.list()}


def test_a_moved_folder_is_the_same_works_with_all_that_is_known(gallery, scans, verifier):
    table = scans / "works.csv"
    table.write_text("path,title,room\nartist 0/0.png,Spring,north\n")
    gallery.add([scans, table], verifier)
    before, rows = gallery.embeddings()
    scans.rename(scans.parent / "moved")
    report = gallery.add([scans.parent / "moved"], verifier)
    assert (report.added, report.moved, report.gone, len(gallery)) == (0, 6, (), 6)
    after, same = gallery.embeddings()
    assert (same == rows).all()
    assert [stored.work.path for stored in after] == [
        stored.work.path.replace("/scans/", "/moved/") for stored in before
    ]
    known = works(gallery)[str(scans.parent / "moved" / "artist 0" / "0.png")]
    assert (known.artist, known.title, known.extra) == ("artist 0", "Spring", {"room": "north"})
    assert gallery.add([scans.parent / "moved"], verifier).unchanged == 6


def test_a_missing_label_never_erases_one(gallery, scans, verifier, work_of):
    table = scans / "works.csv"
    table.write_text(
        "path,artist,title,inventory\nartist 0/0.png,Ann Lee,Spring,7\nartist 0/1.png,Ann Lee,,\n"
    )
    gallery.add([table], verifier)
    work_of(7, 7).save(scans / "artist 0" / "1.png")
    report = gallery.add([scans / "artist 0"], verifier)
    assert (report.changed, report.updated, report.kept_labels) == (1, 0, 4)
    first = works(gallery)[str(scans / "artist 0" / "0.png")]
    assert (first.artist, first.title, first.extra) == ("Ann Lee", "Spring", {"inventory": "7"})
    assert works(gallery)[str(scans / "artist 0" / "1.png")].artist == "Ann Lee"
    report = gallery.add([scans], verifier)
    first = works(gallery)[str(scans / "artist 0" / "0.png")]
    # The name of a folder does not override what a table said.
    assert (first.artist, first.title) == ("Ann Lee", "Spring")
    assert works(gallery)[str(scans / "artist 0" / "2.png")].artist == "artist 0"
    (scans / "artist 0").rename(scans / "Bo")
    gallery.add([scans], verifier)
    assert works(gallery)[str(scans / "Bo" / "0.png")].artist == "Ann Lee"
    assert works(gallery)[str(scans / "Bo" / "2.png")].artist == "Bo"
    report = gallery.add([scans / "Bo"], verifier, erase_labels=True)
    assert report.kept_labels == 0
    first = works(gallery)[str(scans / "Bo" / "0.png")]
    assert (first.artist, first.title, first.extra) == (None, None, {})


def test_a_renamed_file_takes_its_new_folders_artist(gallery, scans, verifier):
    gallery.add([scans], verifier)
    (scans / "artist 0" / "0.png").rename(scans / "artist 1" / "x.png")
    report = gallery.add([scans], verifier)
    assert (report.added, report.moved, report.gone) == (0, 1, ())
    assert works(gallery)[str(scans / "artist 1" / "x.png")].artist == "artist 1"


def test_a_copy_is_not_a_move(gallery, scans, verifier):
    gallery.add([scans], verifier)
    for name in ("copy.png", "copy again.png"):
        (scans / name).write_bytes((scans / "artist 0" / "0.png").read_bytes())
    report = gallery.add([scans], verifier)
    assert (report.added, report.moved, len(gallery)) == (2, 0, 8)
    (scans / "artist 0" / "0.png").unlink()
    (scans / "third.png").write_bytes((scans / "copy.png").read_bytes())
    report = gallery.add([scans], verifier)
    assert (report.added, report.moved, len(gallery)) == (0, 1, 8)


def test_what_cannot_be_reached_is_never_gone(gallery, scans, verifier, tmp_path, work_of):
    gallery.add([scans], verifier)
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    assert gallery.gone() == ()
    assert gallery.info(look_for_files=True).gone == 0
    with pytest.raises(GalleryError, match="6 works cannot be reached now"):
        gallery.re_embed(verifier, drop_gone=True)
    # An unplugged disk may leave an empty folder behind.
    (tmp_path / "disk").mkdir()
    assert gallery.gone() == ()
    (tmp_path / "disk").rmdir()
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    assert gallery.add([scans], verifier).unchanged == 6


def test_a_link_to_a_disk_that_is_elsewhere_is_named(gallery, tmp_path, verifier, scans, work_of):
    root = tmp_path / "all"
    (root / "Bo").mkdir(parents=True)
    work_of(5, 5).save(root / "Bo" / "x.png")
    (root / "Ann").symlink_to(scans)
    assert gallery.add([root], verifier).added == 7
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    report = gallery.add([root], verifier)
    assert (report.gone, len(report.unreachable), len(gallery)) == ((), 6, 7)
    assert list(report.failed) == [str(root / "Ann")]
    assert "cannot be reached" in report.failed[str(root / "Ann")]


def test_deleted_files_and_folders_are_gone(gallery, scans, verifier):
    gallery.add([scans], verifier)
    for work in range(3):
        (scans / "artist 0" / f"{work}.png").unlink()
    lost = tuple(str(scans / "artist 0" / f"{work}.png") for work in range(3))
    assert gallery.add([scans], verifier).gone == lost
    (scans / "artist 0").rmdir()
    report = gallery.add([scans], verifier)
    assert (report.gone, report.unreachable) == (lost, ())
    assert gallery.remove(gallery.gone()) == 3


def test_another_volume_does_not_speak_for_this_one(tmp_path):
    other = "/dev/shm"
    if not os.path.isdir(other) or os.stat(other).st_dev == os.stat("/dev").st_dev:
        pytest.skip("no second volume here")
    probe = os.path.join(other, f"samehand-{os.getpid()}.png")
    with open(probe, "wb"):
        pass
    try:
        missing = missing_files([probe, "/dev/unplugged/x.png"])
        assert (missing.gone, missing.unreachable) == ((), ("/dev/unplugged/x.png",))
    finally:
        os.unlink(probe)
