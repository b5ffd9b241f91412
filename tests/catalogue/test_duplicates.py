import base64

import imagehash
import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance

from samehand.catalogue import duplicates
from samehand.catalogue.duplicates import (
    CONTESTED,
    HASH_BITS,
    duplicate_groups,
    exclude_duplicates,
    near_duplicates,
    unpack_thumbnails,
)
from samehand.images.likeness import (
    DETAIL,
    THUMBNAIL_BYTES,
    colours_agree,
    detail_of,
    thumbnail,
)


def measured(pictures):
    hashes = np.array([int(str(imagehash.phash(each)), 16) for each in pictures], dtype=np.uint64)
    return hashes, np.stack([thumbnail(each) for each in pictures])


def test_thumbnails_come_out_of_base64_as_they_went_in(picture):
    both = np.stack([thumbnail(picture(1)), thumbnail(picture(2))])
    packed = [base64.b64encode(each.tobytes()).decode() for each in both]
    assert np.array_equal(unpack_thumbnails(packed), both)


def test_blank_pictures_have_no_detail_and_no_duplicates():
    blank = np.full((3, THUMBNAIL_BYTES), 128, dtype=np.uint8)
    assert not detail_of(blank).any()
    assert near_duplicates(np.zeros(3, dtype=np.uint64), blank).shape == (0, 2)


def test_another_photograph_of_one_work_is_found(picture):
    works = [picture(seed, (200, 160)) for seed in range(12)]
    darker = ImageEnhance.Brightness(works[3]).enhance(0.7)
    cropped = works[5].crop((2, 2, 198, 158)).resize((90, 90))
    pairs = near_duplicates(*measured([*works, darker, cropped]))
    assert pairs.tolist() == [[3, 12], [5, 13]]


def test_framed_monochromes_of_one_layout_are_not_confused():
    def framed(colour):
        canvas = Image.new("RGB", (200, 200), "white")
        ImageDraw.Draw(canvas).rectangle((60, 20, 90, 180), fill=colour)
        return canvas

    hashes, thumbnails = measured([framed("red"), framed("black"), framed("red")])
    assert int(np.bitwise_count(hashes[0] ^ hashes[1])) <= HASH_BITS
    assert near_duplicates(hashes, thumbnails).tolist() == [[0, 2]]


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(max_examples=25)
def test_tiles_find_what_comparing_every_pair_finds(seed, count):
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2**64, 4, dtype=np.uint64)
    flips = np.uint64(1) << rng.integers(0, 64, (count, 8), dtype=np.uint64)
    hashes = base[rng.integers(0, 4, count)] ^ np.bitwise_xor.reduce(flips, axis=1)
    kinds = rng.integers(0, 256, (3, THUMBNAIL_BYTES), dtype=np.uint8)
    thumbnails = kinds[rng.integers(0, 3, count)]
    detail = detail_of(thumbnails).astype(float)
    expected = [
        [i, j]
        for i in range(count)
        for j in range(i + 1, count)
        if int(hashes[i] ^ hashes[j]).bit_count() <= HASH_BITS
        and detail[i] @ detail[j] >= DETAIL
        and colours_agree(thumbnails[i : i + 1], thumbnails[j : j + 1])[0]
    ]
    with_small_tiles = duplicates.TILE
    try:
        duplicates.TILE = (4, 7)
        assert near_duplicates(hashes, thumbnails).tolist() == expected
    finally:
        duplicates.TILE = with_small_tiles


def table(rows):
    return pl.DataFrame(
        rows,
        schema={
            "painting_id": pl.String,
            "artist": pl.String,
            "exclusion": pl.String,
            "pixels": pl.Int64,
            "held_out": pl.Boolean,
            "sha256": pl.String,
        },
        orient="row",
    )


def test_groups_are_chains_of_pairs_and_equal_bytes():
    frame = table([(str(k), "a", None, 1, False, digest) for k, digest in enumerate("xyzxwv")])
    pairs = np.array([[1, 2], [2, 3]])
    assert duplicate_groups(frame, pairs) == [[0, 1, 2, 3]]
    assert duplicate_groups(frame[:3], np.empty((0, 2), dtype=np.int64)) == []


def excluded(rows, groups):
    return exclude_duplicates(table(rows), groups)["exclusion"].to_list()


def test_the_largest_copy_stays_then_the_smallest_id():
    rows = [("c", "m", None, 9, False, "1"), ("a", "m", None, 9, False, "2")]
    assert excluded([*rows, ("b", "m", None, 4, False, "3")], [[0, 1, 2]]) == [
        "duplicate of a",
        None,
        "duplicate of a",
    ]


def test_the_test_copy_stays_so_that_nothing_tested_was_trained_on():
    rows = [("a", "m", None, 900, False, "1"), ("b", "m", None, 4, True, "2")]
    assert excluded(rows, [[0, 1]]) == ["duplicate of b", None]


def test_copies_under_two_names_are_all_contested():
    rows = [(name, artist, None, 1, False, name) for name, artist in ("am", "bm", "cn")]
    assert excluded(rows, [[0, 1, 2]]) == [CONTESTED] * 3


def test_copies_that_are_excluded_already_contest_nothing():
    rows = [("a", "m", None, 1, False, "1"), ("b", None, "no artist", 1, False, "2")]
    assert excluded(rows, [[0, 1]]) == [None, "no artist"]
