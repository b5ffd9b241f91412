"""What describes a prepared catalogue to other tools is read by Croissant's own reader."""

import json

import polars as pl
import pytest

from samehand.atelier import build_atelier
from samehand.catalogue.prepare import prepare
from samehand.files import sha256_file


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("croissant")
    build_atelier(folder / "atelier", painters=3, works=2, seed=1, size=(40, 40))
    prepare("folder", folder / "atelier", folder / "out", validation_artists=1)
    return folder / "out"


def test_every_column_is_described_with_its_type_and_the_file_by_its_hash(prepared):
    told = json.loads((prepared / "croissant.json").read_text())
    frame = pl.read_parquet(prepared / "catalogue.parquet")
    kinds = {pl.String: "sc:Text", pl.Int64: "sc:Integer", pl.Boolean: "sc:Boolean"}
    fields = told["recordSet"][0]["field"]
    assert {one["name"]: one["dataType"] for one in fields} == {
        name: kinds[kind] for name, kind in frame.schema.items()
    }
    table, images = told["distribution"]
    assert table["sha256"] == sha256_file(prepared / table["contentUrl"])
    for path in frame["path"]:
        assert (prepared / path).match(images["includes"])


# Its own libraries warn of one another.
@pytest.mark.filterwarnings("ignore")
def test_croissants_reader_loads_the_rows(prepared):
    croissant = pytest.importorskip("mlcroissant")
    dataset = croissant.Dataset(jsonld=prepared / "croissant.json")
    assert dataset.metadata.issues.errors == set()
    rows = list(dataset.records("paintings"))
    frame = pl.read_parquet(prepared / "catalogue.parquet")
    found = sorted(row["paintings/painting_id"].decode() for row in rows)
    assert found == sorted(frame["painting_id"])
