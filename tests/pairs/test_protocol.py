import hashlib
import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samehand.errors import OutputError, ProtocolError
from samehand.pairs.protocol import (
    PairDraft,
    Protocol,
    all_pairs,
    find_candidates,
    load_protocol,
    sampled_pairs,
    write_protocol,
)

SCHEMA = dict.fromkeys(
    ("painting_id", "artist", "style", "source", "split", "exclusion"), pl.String
)
Row = tuple[str, str, bool, bool, bool | None, bool | None]


def make_catalogue(seed: int, size: int = 60, artists: int = 9) -> pl.DataFrame:
    """Draw a catalogue with every kind of row; a third of the artists is never trained on."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in rng.permutation(size):
        artist = int(rng.integers(artists))
        splits = ["test", None] if artist % 3 == 0 else ["train", "validation", "test", "test"]
        rows.append(
            {
                "painting_id": f"p{index}",
                "artist": None if rng.random() < 0.05 else f"artist {artist}",
                "style": rng.choice([None, "Cubism", "Fauvism"]),
                "source": rng.choice([None, "here", "there"]),
                "split": rng.choice(splits),
                "exclusion": "unreadable" if rng.random() < 0.1 else None,
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def freeze(path: Path, draft: PairDraft) -> Protocol:
    write_protocol(path, draft, description="A question.", catalogue_sha256="c0ffee")
    return load_protocol(path)


def rows_of(protocol: Protocol, size: int = 7) -> list[Row]:
    """Every row of a protocol through the streaming interface, in file order."""
    flag = {1: True, 0: False, -1: None}
    return [
        (
            protocol.paintings[batch.left[i]],
            protocol.paintings[batch.right[i]],
            bool(batch.same[i]),
            bool(batch.seen[i]),
            flag[int(batch.same_style[i])],
            flag[int(batch.same_source[i])],
        )
        for batch in protocol.batches(size)
        for i in range(len(batch.left))
    ]


def expected_rows(
    catalogue: pl.DataFrame, split: str, artists: str, within_style: bool
) -> set[Row]:
    """Every pair by brute force over dictionaries."""
    rows = catalogue.to_dicts()
    usable = [r for r in rows if r["exclusion"] is None and r["artist"] is not None]
    trained = {r["artist"] for r in usable if r["split"] == "train"}
    barred = {"train"} if split == "validation" else {"train", "validation"}
    touched = {r["artist"] for r in rows if r["split"] in barred}
    wanted = sorted((r for r in usable if r["split"] == split), key=lambda r: r["painting_id"])
    if artists == "unseen":
        wanted = [r for r in wanted if r["artist"] not in touched]
    if artists == "seen":
        wanted = [r for r in wanted if r["artist"] in trained]

    def agree(a: Any, b: Any) -> bool | None:
        return None if a is None or b is None else a == b

    found = set()
    for a, b in itertools.combinations(wanted, 2):
        if within_style and not agree(a["style"], b["style"]):
            continue
        found.add(
            (
                a["painting_id"],
                b["painting_id"],
                a["artist"] == b["artist"],
                a["artist"] in trained and b["artist"] in trained,
                agree(a["style"], b["style"]),
                agree(a["source"], b["source"]),
            )
        )
    return found


@pytest.fixture
def frozen(tmp_path: Path) -> Protocol:
    return freeze(tmp_path / "all.parquet", all_pairs(make_catalogue(0), artists="all"))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    split=st.sampled_from(["train", "validation", "test"]),
    artists=st.sampled_from(["unseen", "seen", "all"]),
    within_style=st.booleans(),
)
def test_all_pairs_are_the_brute_force_pairs_once(
    tmp_path_factory: pytest.TempPathFactory, seed, split, artists, within_style
):
    catalogue = make_catalogue(seed, size=40)
    path = tmp_path_factory.mktemp("protocol") / "all.parquet"
    draft = all_pairs(catalogue, split=split, artists=artists, within_style=within_style)
    expected = expected_rows(catalogue, split, artists, within_style)
    if not expected:
        with pytest.raises(ProtocolError, match="no pair of usable paintings"):
            freeze(path, draft)
        assert list(path.parent.iterdir()) == []
        return
    protocol = freeze(path, draft)
    rows = rows_of(protocol)
    assert len(rows) == len(set(rows))
    assert set(rows) == expected
    header = protocol.header
    assert header.pairs == len(expected)
    assert header.genuine == sum(row[2] for row in expected)
    assert header.impostor == header.pairs - header.genuine
    used = {name for row in expected for name in row[:2]}
    assert protocol.paintings == tuple(sorted(used))
    assert header.paintings == len(used)
    makers = catalogue.filter(pl.col("painting_id").is_in(list(used)))["artist"]
    assert header.artists == makers.n_unique()


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    artists=st.sampled_from(["unseen", "seen", "all"]),
    kind=st.sampled_from(["any", "same-style"]),
    data=st.data(),
)
def test_sampled_pairs_are_distinct_real_pairs(
    tmp_path_factory: pytest.TempPathFactory, seed, artists, kind, data
):
    catalogue = make_catalogue(seed)
    expected = expected_rows(catalogue, "test", artists, within_style=False)
    genuine = {row for row in expected if row[2]}
    impostors = {row for row in expected if not row[2] and (kind == "any" or row[4])}
    wanted_genuine = data.draw(st.integers(0, len(genuine)))
    wanted_impostors = data.draw(st.integers(0, len(impostors)))
    draft = sampled_pairs(
        catalogue,
        artists=artists,
        genuine=wanted_genuine,
        impostors=wanted_impostors,
        impostor_kind=kind,
        seed=seed,
    )
    if wanted_genuine + wanted_impostors == 0:
        return
    protocol = freeze(tmp_path_factory.mktemp("protocol") / "drawn.parquet", draft)
    rows = rows_of(protocol)
    assert len(set(rows)) == len(rows)
    assert len(genuine & set(rows)) == wanted_genuine
    assert len(impostors & set(rows)) == wanted_impostors
    assert len(rows) == wanted_genuine + wanted_impostors
    assert rows == sorted(rows)


def test_a_draw_is_balanced_unless_told_otherwise(tmp_path: Path):
    catalogue = make_catalogue(1)
    header = freeze(tmp_path / "b.parquet", sampled_pairs(catalogue, artists="all", seed=3)).header
    assert header.genuine == sum(row[2] for row in expected_rows(catalogue, "test", "all", False))
    assert header.impostor == header.genuine > 0
    assert header.seed == 3


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_every_impostor_pair_is_equally_likely(share: float):
    catalogue = make_catalogue(4, size=60, artists=4)
    expected = {row for row in expected_rows(catalogue, "test", "all", False) if not row[2]}
    number = round(share * len(expected))
    counts: Counter[tuple[int, int]] = Counter()
    draws = 200
    for seed in range(draws):
        draft = sampled_pairs(catalogue, artists="all", genuine=0, impostors=number, seed=seed)
        for batch in draft.batches:
            counts.update(zip(batch.left.tolist(), batch.right.tolist(), strict=True))
    rate = number / len(expected)
    spread = np.sqrt(draws * rate * (1 - rate))
    assert len(counts) == len(expected)
    assert max(abs(count - draws * rate) for count in counts.values()) < 4.5 * spread


@pytest.mark.parametrize(("genuine", "impostors"), [(10**6, 1), (1, 10**6), (-1, 1)])
def test_impossible_numbers_are_refused(genuine: int, impostors: int):
    with pytest.raises(ProtocolError, match="cannot draw"):
        sampled_pairs(
            make_catalogue(2), artists="all", genuine=genuine, impostors=impostors, seed=0
        )


def test_large_catalogues_are_sampled_without_listing_their_pairs():
    size = 200_000
    index = np.arange(size)
    catalogue = pl.DataFrame(
        {
            "painting_id": index.astype(str),
            "artist": (index % 5000).astype(str),
            "style": (index % 7).astype(str),
            "source": None,
            "split": "test",
            "exclusion": None,
        }
    )
    draft = sampled_pairs(catalogue, genuine=500, impostors=500, impostor_kind="same-style", seed=0)
    (batch,) = draft.batches
    ids = np.array(draft.candidates.ids).astype(int)
    left, right = ids[batch.left], ids[batch.right]
    assert np.array_equal(left % 5000 == right % 5000, batch.same)
    assert batch.same.sum() == 500
    assert np.all((left % 7 == right % 7) | batch.same)
    assert np.all(batch.same_source == -1)


@pytest.mark.parametrize("drawn", [False, True])
def test_one_seed_makes_one_file_whatever_the_order_of_the_catalogue(tmp_path: Path, drawn: bool):
    def make(path: Path, catalogue: pl.DataFrame, seed: int) -> tuple[bytes, bytes]:
        draft = (
            sampled_pairs(catalogue, artists="all", genuine=20, impostors=30, seed=seed)
            if drawn
            else all_pairs(catalogue, artists="all")
        )
        freeze(path, draft)
        return path.read_bytes(), path.with_suffix(".json").read_bytes()

    catalogue = make_catalogue(5)
    first = make(tmp_path / "1" / "p.parquet", catalogue, seed=1)
    shuffled = catalogue.sample(fraction=1.0, shuffle=True, seed=8)
    assert make(tmp_path / "2" / "p.parquet", shuffled, seed=1) == first
    if drawn:
        assert make(tmp_path / "3" / "p.parquet", catalogue, seed=2) != first


@pytest.mark.parametrize("size", [1, 13, 10_000])
def test_batches_join_to_the_whole_file(frozen: Protocol, size: int):
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


def test_a_rewrite_by_another_tool_is_the_same_protocol(frozen: Protocol):
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
        with pytest.raises(ProtocolError, match="is no protocol header"):
            load_protocol(frozen.path)
    sidecar.unlink()
    with pytest.raises(ProtocolError, match="all.json.* is missing"):
        load_protocol(frozen.path)
    sidecar.write_text(header)
    pl.read_parquet(frozen.path).drop("seen", "same").write_parquet(frozen.path)
    with pytest.raises(ProtocolError, match="lacks the columns same, seen"):
        load_protocol(frozen.path)


def test_damaged_bytes_never_pass_as_the_protocol(frozen: Protocol):
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


def test_a_protocol_of_another_catalogue_is_refused(tmp_path: Path):
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


def test_the_header_says_what_was_asked(tmp_path: Path):
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


def test_a_failed_write_leaves_the_old_protocol(frozen: Protocol):
    draft = all_pairs(make_catalogue(7), artists="all")

    def interrupted():
        yield next(draft.batches)
        raise ProtocolError("the list ends here")

    with pytest.raises(ProtocolError, match="the list ends here"):
        freeze(frozen.path, replace(draft, batches=interrupted()))
    assert load_protocol(frozen.path).header == frozen.header
    assert len(list(frozen.path.parent.iterdir())) == 2


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        freeze(tmp_path / "file" / "p.parquet", all_pairs(make_catalogue(0), artists="all"))


def test_candidates_do_not_depend_on_row_order():
    catalogue = make_catalogue(9)
    one, other = (find_candidates(table, "test") for table in (catalogue, catalogue.reverse()))
    assert one.ids == other.ids == tuple(sorted(one.ids))
    for name in ("artist", "style", "source", "seen", "unseen"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
