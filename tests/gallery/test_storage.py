"""Each engine that keeps a gallery, against one account in plain Python of what they should do."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samehand.catalogue.dates import parse_date
from samehand.errors import GalleryError
from samehand.gallery import Gallery
from samehand.gallery.engines import create_storage, is_gallery, open_storage
from samehand.gallery.filters import read_conditions
from samehand.gallery.lance_index import index_lookups
from samehand.gallery.schema import About
from samehand.gallery.storage import DecisionRow
from samehand.gallery.works import FileState, NewWork, Work

WIDTH, ENCODER = 16, "e" * 16
# What stands before the folder in the address of a gallery of each engine.
ENGINES = {"sqlite": "", "lance": "lance://"}


def address_of(engine, folder):
    if engine == "lance":
        pytest.importorskip("lancedb")
    return f"{ENGINES[engine]}{folder}"


@pytest.fixture(params=ENGINES)
def address(request, tmp_path):
    return address_of(request.param, tmp_path / "g")


@pytest.fixture
def storage(address):
    made = create_storage(address, About(ENCODER, "tiny", WIDTH))
    yield made
    made.close()


def unit(count, seed=0):
    rows = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def new(path, content=None, **known):
    return NewWork(Work(path, **known), FileState(content or f"content of {path}", 1, 2))


def paths(works):
    return [stored.work.path for stored in works]


def test_what_was_put_is_found_again_under_slots_that_stay(storage, address):
    rows = unit(4)
    storage.put([new(f"/{i}", artist="A" if i else None) for i in range(3)], rows[:3], ENCODER)
    before = {stored.work.path: stored.slot for stored in storage.works()}
    storage.put([new("/3", extra={"room": "north"})], rows[3:], ENCODER)
    assert paths(storage.works()) == ["/0", "/1", "/2", "/3"]
    assert paths(storage.works(limit=2, offset=1)) == ["/1", "/2"]
    assert storage.states()["/1"] == (before["/1"], FileState("content of /1", 1, 2))
    wanted = np.array([before["/2"], 10**12, before["/0"]])
    assert paths(storage.at(wanted)) == ["/2", "/0"]
    assert (storage.count(), storage.artists(), storage.artist_names()) == (4, (1, 2), ["A"])
    assert storage.extra_columns() == ["room"]
    works, found = storage.embeddings()
    assert paths(works) == ["/0", "/1", "/2", "/3"]
    np.testing.assert_array_equal(found, rows)
    assert storage.size() > rows.nbytes
    assert storage.about().encoder == ENCODER
    again = open_storage(storage.address)
    assert paths(again.works(["room=NORTH"])) == ["/3"]
    again.close()
    assert is_gallery(address)
    with pytest.raises(GalleryError, match="closed"):
        again.count()


def test_a_path_that_is_put_again_is_replaced(storage):
    rows = unit(3)
    storage.put([new("/a", title="old"), new("/b")], rows[:2], ENCODER)
    mark = storage.fingerprint()
    storage.put([new("/a", "changed", title="new")], rows[2:], ENCODER)
    works, found = storage.embeddings()
    by_path = dict(zip(paths(works), found, strict=True))
    assert storage.count() == 2
    np.testing.assert_array_equal(by_path["/a"], rows[2])
    assert {stored.work.title for stored in works} == {"new", None}
    assert storage.fingerprint() != mark
    with pytest.raises(GalleryError, match="another model"):
        storage.put([new("/c")], unit(1), "another encoder")
    with pytest.raises(GalleryError, match="another model"):
        storage.put([new("/c")], unit(1)[:, :-1], ENCODER)
    assert storage.count() == 2


def test_search_finds_what_a_matrix_product_finds_filtered_or_not(storage):
    rows, probe = unit(300), unit(1, seed=9)[0]
    works = [new(f"/{i}", artist=f"a{i % 7}", extra={"odd": str(i % 2)}) for i in range(300)]
    storage.put(works, rows, ENCODER)
    storage.remove([f"/{i}" for i in range(0, 60, 3)])
    gone = set(range(0, 60, 3))
    for where, holds in (
        ((), lambda i: True),
        (("artist=A3",), lambda i: i % 7 == 3),
        (("artist!=a3", "odd=1"), lambda i: i % 7 != 3 and i % 2),
        (("artist=nobody",), lambda i: False),
    ):
        left = [i for i in range(300) if i not in gone and holds(i)]
        best = sorted(left, key=lambda i: -float(rows[i] @ probe))[:10]
        near = storage.nearest(probe, 10, where)
        assert paths(near.works) == [f"/{i}" for i in best]
        np.testing.assert_array_equal(near.embeddings, rows[best])
        assert near.exact
        assert storage.count(where) == len(left)


def test_equal_cosines_are_ordered_by_slot(storage):
    storage.put([new(f"/{i}") for i in range(20)], np.repeat(unit(2), 10, axis=0), ENCODER)
    assert paths(storage.nearest(unit(2)[0], 10).works) == [f"/{i}" for i in range(10)]


def test_labels_are_replaced_and_only_changes_are_counted(storage):
    storage.put([new("/a", artist="X", extra={"q": "1"}), new("/b")], unit(2), ENCODER)
    assert storage.describe([Work("/a", artist="X", extra={"q": "1"}), Work("/none")]) == 0
    assert storage.describe([Work("/a", title="It's"), Work("/b", extra={"new": "ü"})]) == 2
    (a, b) = storage.works()
    assert (a.work, b.work) == (Work("/a", title="It's"), Work("/b", extra={"new": "ü"}))
    assert paths(storage.works(["new=Ü"])) == ["/b"]
    assert storage.edit(["title~it's"], lambda work: Work(work.path, artist="Y")) == 1
    assert storage.edit((), lambda work: work) == 0
    assert storage.artist_names() == ["Y"]
    storage.touch({"/a": FileState("content of /a", 7, 8)})
    assert storage.states()["/a"][1] == FileState("content of /a", 7, 8)
    np.testing.assert_array_equal(storage.embeddings()[1], unit(2))


def test_a_moved_work_keeps_its_embedding_and_never_takes_the_place_of_another(storage):
    storage.put([new("/a", "one"), new("/b", "two"), new("/c", "two")], unit(3), ENCODER)
    assert storage.move([("/a", new("/d", "one", title="T")), ("/b", new("/c", "two"))]) == 1
    works, rows = storage.embeddings()
    by_path = dict(zip(paths(works), rows, strict=True))
    assert by_path.keys() == {"/b", "/c", "/d"}
    np.testing.assert_array_equal(by_path["/d"], unit(3)[0])
    found = storage.works_with_content(["one", "two", "three"])
    assert {key: [w.path for w in works] for key, works in found.items()} == {
        "one": ["/d"],
        "two": ["/b", "/c"],
    }
    known = storage.rows_with_content(["one", "three"], ENCODER)
    assert list(known) == ["one"]
    np.testing.assert_array_equal(known["one"], unit(3)[0])
    assert storage.rows_with_content(["one"], "another encoder") == {}


def test_a_re_embedding_replaces_all_or_nothing(storage):
    storage.put([new(f"/{i}", title=f"t{i}") for i in range(5)], unit(5), ENCODER)
    kept, rows = ["/4", "/1"], np.eye(2, 8, dtype=np.float32)
    for wrong, before in ((kept, 4), (["/4", "/none"], 5)):
        with pytest.raises(GalleryError, match="changed meanwhile"):
            storage.replace_all("f" * 16, "other", wrong, rows, before=before)
    assert (storage.count(), storage.about().encoder) == (5, ENCODER)
    storage.replace_all("f" * 16, "other", kept, rows, before=5)
    about = storage.about()
    assert (about.encoder, about.model, about.width) == ("f" * 16, "other", 8)
    works, found = storage.embeddings()
    assert {w.work.path: w.work.title for w in works} == {"/4": "t4", "/1": "t1"}
    np.testing.assert_array_equal(found, rows)
    storage.put([new("/9")], np.eye(1, 8, 5, dtype=np.float32), "f" * 16)
    assert paths(storage.nearest(np.eye(8, dtype=np.float32)[5], 1).works) == ["/9"]


def test_decisions_are_kept_whatever_becomes_of_the_works(storage, address):
    rows = [
        DecisionRow(f"id{i}", f"2026-11-2{i}", "one", "two", label, "it's", "Ann", "tiny", llr)
        for i, (label, llr) in enumerate([("same", 1.5), ("undo", None), ("different", -2.0)])
    ]
    storage.append_decisions([])
    assert storage.read_decisions() == []
    storage.append_decisions(rows[1:])
    storage.append_decisions(rows[:1])
    storage.put([new("/a", "one")], unit(1), ENCODER)
    storage.move([("/a", new("/b", "one"))])
    storage.replace_all("f" * 16, "other", ["/b"], unit(1), before=1)
    storage.remove(["/b"])
    assert storage.read_decisions() == rows
    moved = open_storage(storage.rename("h"))
    assert moved.read_decisions() == rows
    moved.delete()
    with pytest.raises(GalleryError, match="no gallery"):
        open_storage(moved.address)


def test_a_gallery_is_made_only_where_there_is_nothing(storage, address, tmp_path):
    with pytest.raises(GalleryError, match="exists"):
        create_storage(address, About(ENCODER, "tiny", WIDTH))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    with pytest.raises(GalleryError, match="not a gallery"):
        create_storage(
            address.replace(str(tmp_path / "g"), str(tmp_path / "full")), storage.about()
        )
    (tmp_path / "g" / "notes.txt").touch()
    with pytest.raises(GalleryError, match=r"other files, too, notes.txt for one"):
        storage.delete()
    with pytest.raises(GalleryError, match="exists"):
        storage.rename("full")
    assert storage.count() == 0


def test_an_index_finds_nearly_what_exact_search_finds(storage):
    pytest.importorskip("faiss")
    with pytest.raises(GalleryError, match="1,000"):
        storage.build_index()
    rows = unit(1500)
    storage.put([new(f"/{i}") for i in range(1500)], rows, ENCODER)
    assert (storage.index_info(), storage.is_approximate()) == (None, False)
    info = storage.build_index()
    assert (info.works, info) == (1500, storage.index_info())
    assert info.recall_at_10 > 0.9
    late = unit(1, seed=5)
    storage.put([new("/late")], late, ENCODER)
    storage.remove(["/7"])
    near = storage.nearest(late[0], 5)
    assert (paths(near.works)[0], near.exact) == ("/late", False)
    assert "/7" not in paths(storage.nearest(rows[7], 20).works)
    assert paths(storage.nearest(rows[8], 1, exact=True).works) == ["/8"]
    assert not storage.wants_index()


TEXTS = st.sampled_from(
    ["", "A", "a", "ß", "SS", "Ärger", "it's", '"x"', "12 cm", " -3.5e1", "x12", "%", "c. 1870"]
)
KNOWN = st.none() | TEXTS.filter(bool)
CONDITIONS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["artist", "title", "date", "room", "path", "painter"]),
    st.sampled_from(["=", "!=", "==", "~"]),
    TEXTS,
) | st.builds(
    "{}{}{}".format,
    st.sampled_from(["date", "room", "title"]),
    st.sampled_from([">=", "<="]),
    st.sampled_from(["1865", "1870", "1876", "0", "-36", "12"]),
)


@pytest.fixture(scope="module")
def filtered(tmp_path_factory):
    """One gallery of each engine, filled anew by each example."""
    made = {}
    for engine in ENGINES:
        folder = tmp_path_factory.mktemp("filtered") / "g"
        about = About(ENCODER, "tiny", WIDTH)
        made[engine] = create_storage(address_of(engine, folder), about)
        # So that every example may ask for these columns.
        extra = {"room": "1", "date_from": "1", "date_to": "1"}
        made[engine].put([new("/0", extra=extra)], unit(1), ENCODER)
    yield made
    for storage in made.values():
        storage.close()


@settings(max_examples=25)
@given(
    works=st.lists(st.tuples(KNOWN, KNOWN, KNOWN, KNOWN, st.none() | st.just("1867")), max_size=6),
    wheres=st.lists(st.lists(CONDITIONS, max_size=2), min_size=1, max_size=12),
)
def test_all_engines_read_conditions_alike(filtered, works, wheres):
    listed = [NewWork(Work("/0"), FileState("0", 1, 1))]
    for number, (artist, title, date, room, year) in enumerate(works, 1):
        extra = {"room": room, "date_from": year, "date_to": year}
        known = {name: text for name, text in extra.items() if text is not None}
        listed.append(new(f"/{number}", artist=artist, title=title, date=date, extra=known))
    rows = unit(len(listed))
    for storage in filtered.values():
        storage.remove([f"/{i}" for i in range(1, 7)])
        storage.put(listed, rows, ENCODER)
    for where in wheres:
        sqlite, *others = (set(paths(filtered[engine].works(where))) for engine in ENGINES)
        assert others == [sqlite] * len(others), where


@pytest.mark.parametrize(
    ("text", "date", "room", "holds"),
    [
        ("artist=monet", "", "", True),
        ("artist==monet", "", "", False),
        ("artist~ONE", "", "", True),
        ("title=", "", "", True),
        ("title!=", "", "", False),
        ("title!=x", "", "", True),
        ("title~x", "", "", False),
        ("date>=1865", "c. 1870", "", True),
        ("date>=1870", "c. 1870", "", False),
        ("date<=1875", "c. 1870", "", True),
        ("date<=1874", "c. 1870", "", False),
        ("date>=1", "undated", "", False),
        ("room>=12", "", "12 cm", True),
        ("room<=11.9", "", "12 cm", False),
        ("room<=0", "", "north", True),
    ],
)
def test_a_condition_holds_as_its_rules_say(text, date, room, holds):
    (condition,) = read_conditions([text], ["room", "date_from", "date_to"])
    known = {"artist": "Monet", "date": date or None, "room": room or None}
    assert condition.holds(known.get) == holds
    assert parse_date("c. 1870") == (1865, 1875)


WRITER = """
import json, sys
import numpy as np
from samehand.gallery.engines import open_storage
from samehand.gallery.works import FileState, NewWork, Work
address, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
storage = open_storage(address)
for number in range(count):
    shared = f"/shared-{number}"
    paths = [f"/{name}-{number}-{i}" for i in range(3)] + [shared]
    works = [NewWork(Work(p, artist=name), FileState(p, 1, 1)) for p in paths]
    rows = np.zeros((4, 16), np.float32)
    rows[:, number % 16] = 1
    storage.put(works, rows, "e" * 16)
    print("\\n".join(paths), flush=True)
"""


def writer(address, name, count, out):
    return subprocess.Popen([sys.executable, "-c", WRITER, address, name, str(count)], stdout=out)


def test_two_processes_write_at_once_and_neither_loses_nor_doubles_a_work(
    storage, address, tmp_path
):
    reported = [tmp_path / "one.txt", tmp_path / "two.txt"]
    children = []
    for name in reported:
        with name.open("w") as out:
            children.append(writer(address, name.stem, 12, out))
    assert [child.wait() for child in children] == [0, 0]
    told = [path for name in reported for path in name.read_text().split()]
    assert len(told) == 96
    assert sorted(paths(storage.works())) == sorted(set(told))
    works, rows = storage.embeddings()
    assert len(works) == len(rows) == 84
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)


@pytest.fixture
def indexed(tmp_path):
    """Return a LanceDB gallery of nine works that has an index of paths, as a large one has."""
    address = address_of("lance", tmp_path / "g")
    made = create_storage(address, About(ENCODER, "tiny", WIDTH))
    made.put([new(f"/{i}") for i in range(9)], unit(9), ENCODER)
    index_lookups(made._tables.latest("works"))
    yield made
    made.close()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 30), min_size=1)), max_size=12)
)
def test_with_an_index_of_paths_a_gallery_holds_what_it_was_told(indexed, steps):
    indexed.remove([f"/{number}" for number in range(31)])
    held = {}
    for turn, (adds, numbers) in enumerate(steps):
        named = [f"/{number}" for number in sorted(numbers)]
        if adds:
            rows = unit(len(named), turn)
            indexed.put([new(path, f"{path} {turn}") for path in named], rows, ENCODER)
            held |= dict(zip(named, rows, strict=True))
        else:
            assert indexed.remove(named) == len(held.keys() & set(named))
            held = {path: row for path, row in held.items() if path not in named}
        works, found = indexed.embeddings()
        assert sorted(paths(works)) == sorted(held)
        for path, row in zip(paths(works), found, strict=True):
            np.testing.assert_array_equal(row, held[path])


def test_two_processes_double_no_work_of_a_gallery_with_an_index_of_paths(indexed, tmp_path):
    reported = [tmp_path / "one.txt", tmp_path / "two.txt"]
    children = []
    for name in reported:
        with name.open("w") as out:
            children.append(writer(indexed.address, name.stem, 40, out))
    assert [child.wait() for child in children] == [0, 0]
    told = {path for name in reported for path in name.read_text().split()}
    there = paths(indexed.works())
    assert len(there) == len(set(there))
    assert set(there) == told | {f"/{i}" for i in range(9)}


def test_a_killed_writer_leaves_whole_works_and_loses_none_it_reported(storage, address, tmp_path):
    name = tmp_path / "one.txt"
    with name.open("w") as out:
        child = writer(address, "one", 10_000, out)
    while not name.stat().st_size:
        assert child.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    child.send_signal(signal.SIGKILL)
    child.wait()
    told = name.read_text().split()
    there = paths(storage.works())
    assert len(there) == len(set(there)) >= len(told) > 0
    # The last line may be cut by the kill.
    assert set(told[:-1]) <= set(there)
    assert len(there) % 4 == 0
    storage.put([new("/after")], unit(1), ENCODER)
    assert storage.count(["path=/after"]) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_the_commands_work_on_either_engine(engine, tmp_path, work_of, samehand, tiny_model):
    address = address_of(engine, tmp_path / "g")
    for artist in range(2):
        (tmp_path / f"artist {artist}").mkdir()
        for work in range(3):
            work_of(artist, work).save(tmp_path / f"artist {artist}" / f"{work}.png")

    def run(*arguments):
        found = samehand(*arguments)
        assert found.code == 0, found
        return found.out

    model = ("--model", tiny_model)
    run("gallery", "create", address, *model)
    for artist in range(2):
        said = run("gallery", "add", address, tmp_path / f"artist {artist}", *model)
        assert "added 3" in said
    assert "unchanged 3" in run("gallery", "add", address, tmp_path / "artist 1", *model)
    changed = run("gallery", "set", address, "artist=Ann", "--where", "path~artist 1")
    assert changed == "3 works match, 3 changed\n"
    told = json.loads(run("gallery", "info", address, "--json"))
    assert (told["name"], told["works"], told["artists"], told["search"]) == ("g", 6, 1, "exact")
    probe = tmp_path / "artist 1" / "0.png"
    found = json.loads(run("search", probe, "--gallery", address, *model, "--top", 3, "--json"))
    assert found["neighbours"][0]["path"] == str(probe)
    run("gallery", "export", address, "--out", tmp_path / "out.parquet")
    assert run("gallery", "remove", address, probe).startswith("removed 1; 5 works in g")
    run("gallery", "re-embed", address, *model, "--cache", tmp_path / "cache")
    with Gallery.open(address) as gallery:
        assert (len(gallery), gallery.name) == (5, "g")
    assert "deleted g with 5 works" in run("gallery", "delete", address, "--yes")


def test_all_engines_give_one_answer(tmp_path, work_of, verifier):
    for artist in range(3):
        (tmp_path / "works" / f"artist {artist}").mkdir(parents=True)
        for work in range(3):
            work_of(artist, work).save(tmp_path / "works" / f"artist {artist}" / f"{work}.png")
    probe = verifier.open(work_of(1, 7))
    answers = []
    for engine in ENGINES:
        with Gallery.create(address_of(engine, tmp_path / engine / "g"), verifier) as gallery:
            gallery.add([tmp_path / "works"], verifier)
            for where in ((), ("path!=x",), ("artist=ARTIST 1",)):
                found = verifier.search(probe, gallery, where=where).to_dict()
                del found["seconds"]
                for one in found["neighbours"]:
                    one.pop("slot", None)
                answers.append(found)
    assert answers == answers[:3] * len(ENGINES)
    assert [len(found["neighbours"]) for found in answers[:3]] == [9, 9, 3]


def test_an_address_that_is_none_is_refused(tmp_path):
    for wrong, words in (
        ("lance://", "names no folder"),
        ("http://example.org/g", "not the address of a gallery"),
    ):
        with pytest.raises(GalleryError, match=words):
            open_storage(wrong)
    pytest.importorskip("lancedb")
    with pytest.raises(GalleryError, match="samehand gallery create"):
        open_storage(f"lance://{tmp_path / 'nothing'}")
