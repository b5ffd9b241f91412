import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from samehand.errors import OutputError, ProtocolError
from samehand.pairs.draws import all_pairs
from samehand.pairs.protocol import Protocol, load_protocol


@pytest.fixture
def frozen(make_catalogue, freeze, tmp_path: Path) -> Protocol:
    return freeze(tmp_path / "all.parquet", all_pairs(make_catalogue(0), artists="all"))


@pytest.mark.parametrize("size", [1, 13, 10_000])
def test_batches_join_to_the_whole_file(rows_of, frozen: Protocol, size: int):
    table = pl.read_parquet(frozen.path).with_columns(pl.col("left", "right").cast(pl.String))
    assert rows_of(frozen, size) == table.rows()
    lengths = [len(batch.left) for batch in frozen.batches(size)]
    assert all(length == size for length in lengths[:-1])
    batch = next(frozen.batches(size))
    assert [getattr(batch, name).dtype.name for name in ("left", "same", "same_style")] == [
        "int32",
        "bool",
        "int8",
    ]


def test_the_content_hash_is_the_documented_one(frozen: Protocol):
    digest = hashlib.sha256(b"samehand protocol 1\n")
    for left, right, *flags in pl.read_parquet(frozen.path).rows():
        for name in (left, right):
            digest.update(hashlib.sha256(name.encode()).digest()[:8])
        digest.update(bytes(255 if flag is None else int(flag) for flag in flags))
    assert frozen.header.content_hash == digest.hexdigest()


def test_other_tools_read_the_file(frozen: Protocol):
    table = pq.read_table(frozen.path)
    assert table.column_names == ["left", "right", "same", "seen", "same_style", "same_source"]
    assert pq.ParquetFile(frozen.path).metadata.row_group(0).column(0).has_dictionary_page
    assert [str(table.schema.field(i).type) for i in range(2, 6)] == ["bool"] * 4
    assert table.num_rows == frozen.header.pairs


def test_a_rewrite_by_another_tool_is_the_same_protocol(rows_of, frozen: Protocol):
    rows = rows_of(frozen)
    table = pl.read_parquet(frozen.path).with_columns(pl.col("left", "right").cast(pl.String))
    table.write_parquet(frozen.path, compression="uncompressed", row_group_size=11)
    assert rows_of(load_protocol(frozen.path)) == rows


def tampered(table: pl.DataFrame, change: str) -> pl.DataFrame:
    rows = table.rows()
    first = list(rows[5])
    if change == "gone":
        del rows[5]
    elif change == "added":
        rows.append(rows[0])
    elif change == "order":
        rows[5], rows[6] = rows[6], rows[5]
    else:
        if change == "orientation":
            first[0], first[1] = first[1], first[0]
        elif change == "painting":
            first[0] = "someone else's"
        elif change.startswith("null "):
            first[table.columns.index(change.removeprefix("null "))] = None
        else:
            column = table.columns.index(change)
            first[column] = not first[column]
        rows[5] = tuple(first)
    return pl.DataFrame(rows, schema=table.schema, orient="row")


@pytest.mark.parametrize(
    "change",
    [
        *("gone", "added", "order", "orientation", "painting"),
        *("same", "seen", "same_style", "same_source"),
        *("null left", "null right", "null same", "null seen"),
    ],
)
def test_any_changed_row_is_noticed(frozen: Protocol, change: str):
    table = pl.read_parquet(frozen.path).with_columns(pl.col("left", "right").cast(pl.String))
    tampered(table, change).write_parquet(frozen.path)
    with pytest.raises(ProtocolError, match="other pairs than its header describes"):
        load_protocol(frozen.path)


@pytest.mark.parametrize("key", ["pairs", "genuine", "paintings", "content_hash"])
def test_a_changed_header_is_noticed(frozen: Protocol, key: str):
    path = frozen.path.with_suffix(".json")
    header = json.loads(path.read_text())
    header[key] = "0" * 64 if key == "content_hash" else header[key] - 1
    path.write_text(json.dumps(header))
    with pytest.raises(ProtocolError, match="other pairs than its header describes"):
        load_protocol(frozen.path)


def test_what_is_missing_or_damaged_is_named(frozen: Protocol):
    sidecar = frozen.path.with_suffix(".json")
    with pytest.raises(ProtocolError, match="there is no protocol .*none.parquet"):
        load_protocol(frozen.path.with_name("none.parquet"))
    with pytest.raises(ProtocolError, match="must end in .parquet"):
        load_protocol(sidecar)
    header = sidecar.read_text()
    for text in ("{", "[]", "{}", header.replace('"seed"', '"sead"')):
        sidecar.write_text(text)
        with pytest.raises(ProtocolError, match="is not a protocol header"):
            load_protocol(frozen.path)
    sidecar.unlink()
    with pytest.raises(ProtocolError, match="all.json.* is missing"):
        load_protocol(frozen.path)
    sidecar.write_text(header)
    pl.read_parquet(frozen.path).drop("seen", "same").write_parquet(frozen.path)
    with pytest.raises(ProtocolError, match="lacks the columns same, seen"):
        load_protocol(frozen.path)


def test_damaged_bytes_never_pass_as_the_protocol(rows_of, frozen: Protocol):
    rows, whole = rows_of(frozen), frozen.path.read_bytes()
    damages = [whole[:-10], whole[: len(whole) // 2], b"", b"nothing like Parquet"]
    rng = np.random.default_rng(0)
    for place in rng.integers(len(whole), size=60):
        damages.append(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
    refused = 0
    for damage in damages:
        frozen.path.write_bytes(damage)
        try:
            # Bytes that hold no content (padding, the writer's name) may change.
            assert rows_of(load_protocol(frozen.path)) == rows
        except ProtocolError:
            refused += 1
    assert refused > 10


def test_a_protocol_of_another_catalogue_is_refused(make_catalogue, freeze, tmp_path: Path):
    catalogue = make_catalogue(0)
    path = tmp_path / "p.parquet"
    protocol = freeze(path, all_pairs(catalogue, artists="all"))
    assert load_protocol(path, catalogue) == protocol
    one = pl.col("painting_id") == protocol.paintings[0]
    with pytest.raises(ProtocolError, match="bars 1 of its"):
        load_protocol(path, catalogue.filter(~one))
    barred = pl.when(one).then(pl.lit("corrupted")).otherwise("exclusion").alias("exclusion")
    with pytest.raises(ProtocolError, match="bars 1 of its"):
        load_protocol(path, catalogue.with_columns(barred))
    credited = pl.when(one).then(pl.lit("a stranger")).otherwise("artist").alias("artist")
    with pytest.raises(ProtocolError, match="other artists"):
        load_protocol(path, catalogue.with_columns(credited))


def test_the_header_says_what_was_asked(make_catalogue, freeze, tmp_path: Path):
    draft = all_pairs(make_catalogue(0), split="train", artists="seen", within_style=True)
    header = freeze(tmp_path / "deep" / "seen.v1.parquet", draft).header
    assert header.name == "seen.v1"
    assert (header.description, header.catalogue_sha256) == ("A question.", "c0ffee")
    assert header.options == {
        "kind": "all",
        "split": "train",
        "artists": "seen",
        "within_style": True,
    }
    assert header.seed is None
    assert json.loads((tmp_path / "deep" / "seen.v1.json").read_text())["pairs"] == header.pairs


def test_a_failed_write_leaves_the_old_protocol(make_catalogue, freeze, frozen: Protocol):
    draft = all_pairs(make_catalogue(7), artists="all")

    def interrupted():
        yield next(draft.batches)
        raise ProtocolError("the list ends here")

    with pytest.raises(ProtocolError, match="the list ends here"):
        freeze(frozen.path, replace(draft, batches=interrupted()))
    assert load_protocol(frozen.path).header == frozen.header
    assert len(list(frozen.path.parent.iterdir())) == 2


def test_a_place_that_cannot_be_written_is_named(make_catalogue, freeze, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        freeze(tmp_path / "file" / "p.parquet", all_pairs(make_catalogue(0), artists="all"))
