import polars as pl
import pytest

from samehand.catalogue.schema import (
    CATALOGUE_NAME,
    SCHEMA,
    load_catalogue,
    validate_catalogue,
    write_catalogue,
)
from samehand.errors import CatalogueError

ROW = {
    "painting_id": "1",
    "path": "images/1.jpg",
    "width": 4,
    "height": 3,
    "bytes": 2,
    "sha256": "ab",
    "phash": "0" * 16,
    "origin": "1.jpg",
}


@pytest.fixture
def frame():
    return pl.DataFrame([ROW, ROW | {"painting_id": "2", "split": "test"}], schema=SCHEMA)


def test_a_catalogue_comes_back_as_it_was_written(tmp_path, frame):
    path = write_catalogue(frame.with_columns(scratch=1), tmp_path / "new")
    assert path == tmp_path / "new" / CATALOGUE_NAME
    assert load_catalogue(tmp_path / "new").equals(frame)
    assert load_catalogue(path).equals(frame)


def test_folders_without_a_catalogue_say_what_to_run(tmp_path):
    with pytest.raises(CatalogueError, match="no catalogue.parquet in .*run samehand prepare"):
        load_catalogue(tmp_path)
    (tmp_path / CATALOGUE_NAME).write_bytes(b"no table")
    with pytest.raises(CatalogueError, match="cannot read .* as Parquet"):
        load_catalogue(tmp_path)


def test_every_breach_is_named(tmp_path, frame):
    breaches = {
        "lacks the columns artist, phash": frame.drop("artist", "phash"),
        "width is String and should be Int64": frame.with_columns(pl.col("width").cast(pl.String)),
        "column sha256 has empty values": frame.with_columns(sha256=None).cast(
            {"sha256": pl.String}
        ),
        "the same painting_id twice": pl.concat([frame, frame]),
        "half is not a split": frame.with_columns(split=pl.lit("half")),
    }
    for message, broken in breaches.items():
        with pytest.raises(CatalogueError, match=message):
            validate_catalogue(broken, "it")
        with pytest.raises(CatalogueError, match=message):
            write_catalogue(broken, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_older_catalogue_is_read_with_the_later_columns_null(frame, tmp_path):
    later = ["artist_id", "qualifier", "date_from", "date_to"]
    frame.drop(later, strict=False).write_parquet(tmp_path / "catalogue.parquet")
    loaded = load_catalogue(tmp_path)
    assert loaded.columns == list(SCHEMA)
    assert loaded.select(later).null_count().row(0) == (frame.height,) * 4


def test_an_unknown_qualifier_is_refused(frame):
    with pytest.raises(CatalogueError, match="near is not a qualifier"):
        validate_catalogue(frame.with_columns(qualifier=pl.lit("near")), "c")
