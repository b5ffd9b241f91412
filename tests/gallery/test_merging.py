"""Two galleries become one: works, labels and decisions of both are there, and it says what did."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand import SameHand
from samehand.errors import GalleryError
from samehand.gallery import Gallery, Work
from samehand.gallery.merging import unite


@pytest.fixture(scope="module")
def model():
    return SameHand(threads=1)


@pytest.fixture(scope="module")
def painted(tmp_path_factory, work_of):
    folder = tmp_path_factory.mktemp("merging")
    for work in range(4):
        work_of(0, work).save(folder / f"{work}.png")
    shutil.copy(folder / "0.png", folder / "copy.png")
    return folder


@pytest.fixture
def two(tmp_path, painted, model):
    """Two galleries that share works 1 and 2."""

    def make(name, *works):
        gallery = Gallery.create(tmp_path / name, model)
        gallery.add(list(works), model)
        return gallery

    def work(name, artist=None, **more):
        return Work(str(painted / f"{name}.png"), artist, **more)

    ours = make(
        "ours",
        work("0", "Ann", extra={"accession_number": "A0"}),
        work("1", "Ann", title="Trees"),
        work("2"),
    )
    theirs = make(
        "theirs",
        work("1", "Bo", date="1880", extra={"date_from": "1880", "date_to": "1880"}),
        work("2", "Bo", extra={"qualifier": "after", "attribution": "after Bo"}),
        work("3", "Cy"),
        work("copy", "Cy"),
    )
    with ours, theirs:
        yield ours, theirs


def test_works_labels_and_decisions_of_both_are_kept_and_told(two, painted, samehand):
    ours, theirs = two
    mine = ours.decide(painted / "0.png", painted / "1.png", "same", by="Ann")
    yours = theirs.decide(painted / "1.png", painted / "3.png", "different", by="Bo")
    code, text, _ = samehand("gallery", "merge", ours.address, theirs.address, "--json")
    assert code == 0
    told = json.loads(text)
    path = str(painted / "1.png")
    assert told == {
        "into": "ours",
        "source": "theirs",
        "added": 2,
        "same": 2,
        "copies": 1,
        "labels": 6,
        "differing": {path: ["artist"]},
        "decisions": 1,
    }
    works = {stored.work.path[-5:-4]: stored.work for stored in ours.list()}
    assert (works["1"].artist, works["1"].title, works["1"].date) == ("Ann", "Trees", "1880")
    assert works["1"].extra == {"artist (theirs)": "Bo", "date_from": "1880", "date_to": "1880"}
    assert works["2"].artist == "Bo"
    assert works["2"].extra["qualifier"] == "after"
    assert works["0"].extra == {"accession_number": "A0"}
    assert {one.id for one in ours.decisions().decisions} == {mine.id, yours.id}
    assert [one.id for one in theirs.decisions().decisions] == [yours.id]
    again = ours.merge(theirs.address)
    assert (again.added, again.same, again.labels, again.decisions) == (0, 4, 0, 0)
    assert ours.count(["artist (theirs)=bo"]) == 1
    near = ours.nearest(theirs.embeddings()[1][2], 1)
    assert near.works[0].work.path == str(painted / "3.png")


def test_a_gallery_as_a_source_of_add_brings_its_decisions_and_takes_no_label(two, painted, model):
    ours, theirs = two
    made = theirs.decide(painted / "1.png", painted / "3.png", "different", by="Bo")
    report = ours.add([theirs.address], model)
    assert report.added == 2
    assert [one.id for one in ours.decisions().decisions] == [made.id]
    assert ours.count(["artist=Ann"]) == 2


@pytest.mark.parametrize(("ours", "theirs"), [("lance://", ""), ("", "lance://")])
def test_a_gallery_of_the_other_engine_can_be_merged(ours, theirs, tmp_path, painted, model):
    pytest.importorskip("lancedb")
    with (
        Gallery.create(f"{ours}{tmp_path / 'ours'}", model) as one,
        Gallery.create(f"{theirs}{tmp_path / 'theirs'}", model) as other,
    ):
        one.add([Work(str(painted / "1.png"), "Ann")], model)
        other.add([Work(str(painted / "1.png"), title="Trees"), str(painted / "3.png")], model)
        other.decide(painted / "1.png", painted / "3.png", "different", by="Bo")
        told = one.merge(other.address)
        assert (told.added, told.same, told.labels, told.decisions) == (1, 1, 1, 1)
        kept = {
            stored.work.path[-5]: (stored.work.artist, stored.work.title) for stored in one.list()
        }
        assert kept == {"1": ("Ann", "Trees"), "3": (None, None)}
        assert len(one.decisions().decisions) == 1


def test_what_cannot_be_merged_is_one_sentence(two, tmp_path, verifier):
    ours, _ = two
    with pytest.raises(GalleryError, match="is the gallery ours itself"):
        ours.merge(ours.address)
    with Gallery.create(tmp_path / "tiny", verifier.folder) as other:
        pass
    with pytest.raises(GalleryError, match="run samehand gallery re-embed"):
        ours.merge(other.address)


words = st.none() | st.sampled_from(["x", "y"])


@given(st.lists(words, min_size=6, max_size=6), st.lists(words, min_size=6, max_size=6))
def test_no_label_of_either_record_is_lost(mine, yours):
    def record(said):
        artist, title, date, number, qualifier, lender = said
        extra = {"accession_number": number, "lender": lender}
        if artist:
            extra["qualifier"] = qualifier
        return Work("p", artist, title, date, extra={k: v for k, v in extra.items() if v})

    ours, theirs = record(mine), record(yours)
    both, filled, differing = unite(ours, theirs, "b")
    for name in ("artist", "title", "date"):
        one, two = getattr(ours, name), getattr(theirs, name)
        assert getattr(both, name) == (one or two)
        if one and two and one != two:
            assert name in differing
            assert two in both.extra[f"{name} (b)"]
    for name in ("accession_number", "lender"):
        texts = {both.extra.get(name), both.extra.get(f"{name} (b)")}
        assert {ours.extra.get(name), theirs.extra.get(name)} <= texts | {None}
    if ours.artist:
        assert both.extra.get("qualifier") == ours.extra.get("qualifier")
    again, more, _ = unite(both, theirs, "b")
    assert (again, more) == (both, 0)
