"""A gallery from a stranger: whatever stands in it, an answer or one sentence comes of it."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from samehand import Gallery
from samehand.errors import SamehandError
from samehand.gallery.schema import About, create_database
from samehand.gallery.store import FileState, NewWork, Store
from samehand.gallery.works import Work

WIDTH = 4
LIES = {
    "huge count": "UPDATE about SET value = 1099511627775 WHERE key = 'slots'",
    "other width": "UPDATE about SET value = 5 WHERE key = 'width'",
    "no count": "DELETE FROM about WHERE key = 'slots'",
    "path as generation": "UPDATE about SET value = '../../x' WHERE key = 'generation'",
    "slot beyond": "UPDATE works SET slot = slot + 100000",
    "slot before": "UPDATE works SET slot = -slot - 1",
    "list for columns": "UPDATE works SET extra = '[1, 2]'",
    "columns of lists": """UPDATE works SET extra = '{"room": [[]]}'""",
    "deep columns": f"UPDATE works SET extra = '{'[' * 100_000}'",
    "columns with the names of others": """UPDATE works SET extra = '{"path": "z", "": "y"}'""",
    "bytes for a column": "INSERT INTO extra_columns VALUES (x'ff')",
    "bytes for a name": "UPDATE works SET artist = x'ff00'",
    "bytes for a time": "UPDATE works SET added = x'00ff'",
    "NUL in a path": "UPDATE works SET path = 'a' || char(0) || slot",
    "text for a time": "UPDATE works SET mtime_ns = 'x'",
    "trigger": "CREATE TRIGGER t AFTER INSERT ON works BEGIN DELETE FROM works; END",
    "view": "CREATE VIEW v AS SELECT 1",
    "huge value": "ALTER TABLE works ADD COLUMN z GENERATED ALWAYS AS (zeroblob(2e9)) VIRTUAL",
    "no works": "DROP TABLE works",
}

HARMLESS = ("columns with the names of others", "NUL in a path", "text for a time", "huge value")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "g"
    folder.mkdir()
    create_database(folder, About("e" * 64, "m", WIDTH))
    rows = np.eye(WIDTH, dtype=np.float32)[:3]
    works = [NewWork(Work(f"{n}.jpg", artist="A"), FileState(f"{n}" * 64, 1, 1)) for n in range(3)]
    with closing(Store(folder)) as store:
        store.put(works, rows, "e" * 64)
    return folder


def questions(gallery, out):
    row = np.full(WIDTH, 0.5, np.float32)
    return (
        lambda: list(gallery.list()),
        lambda: list(gallery.list(["artist~a", "date>=1800"])),
        lambda: gallery.nearest(row, 2),
        gallery.embeddings,
        lambda: gallery.info(look_for_files=True),
        lambda: gallery.decisions(history=True),
        lambda: gallery.artists_like("a"),
        lambda: gallery.store.rows_with_content(["1" * 64], "e" * 64),
        *(lambda suffix=s: gallery.export(out / f"o{suffix}") for s in (".csv", ".jsonld")),
    )


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_in_the_database_is_an_answer_or_a_sentence(folder, tmp_path, lie):
    with closing(sqlite3.connect(folder / "gallery.sqlite", isolation_level=None)) as database:
        database.execute(LIES[lie])
    refused = []
    try:
        with Gallery(folder) as gallery:
            for ask in questions(gallery, tmp_path):
                try:
                    ask()
                except SamehandError as error:
                    refused.append(str(error))
    except SamehandError as error:
        refused.append(str(error))
    assert all(said and "\n" not in said for said in refused)
    harmless = (
        "columns with the names of others",
        "NUL in a path",
        "text for a time",
        "huge value",
    )
    assert bool(refused) != (lie in harmless), refused


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_no_embeddings_are_refused(folder, value):
    np.full((3, WIDTH), value, np.float32).tofile(folder / "vectors-0.f32")
    with (
        Gallery(folder) as gallery,
        pytest.raises(SamehandError, match="an embedding of the gallery is damaged"),
    ):
        gallery.nearest(np.full(WIDTH, 0.5, np.float32), 2)


@pytest.mark.parametrize(
    "wrong",
    ["time = x'ff'", "note = x'00ff'", "llr = 'x'", "llr = 9e999", "label = hex(zeroblob(99))"],
)
def test_decisions_of_wrong_types_are_one_sentence(folder, tmp_path, wrong):
    with Gallery(folder) as gallery:
        gallery.decide("0.jpg", "1.jpg", "same")
    with closing(sqlite3.connect(folder / "gallery.sqlite", isolation_level=None)) as database:
        database.execute(f"UPDATE decisions SET {wrong}")
    with Gallery(folder) as gallery, pytest.raises(SamehandError) as caught:
        gallery.decisions()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_words_that_are_not_utf8_find_nothing(folder):
    with Gallery(folder) as gallery:
        for ask in (
            lambda: list(gallery.list(["artist=\udcff"])),
            lambda: gallery.decide("\udcff.jpg", "1.jpg", "same"),
        ):
            with pytest.raises(SamehandError, match=r"\\udcff.* is not UTF-8"):
                ask()
