"""Which paintings train, validate and test: seeded, and independent of the rows' order."""

from typing import Literal, get_args

import numpy as np
import polars as pl

from samehand.catalogue.schema import SPLITS
from samehand.errors import CatalogueError

SplitScheme = Literal["pbn", "artist-disjoint", "image-level", "report", "given"]

Fractions = tuple[float, float, float]
"""Shares of train, validation and test, which sum to 1."""

MINIMUM_PAINTINGS = 4
"""Fewer paintings than this say too little about an artist to validate on."""


def assign_splits(
    frame: pl.DataFrame,
    scheme: SplitScheme,
    seed: int,
    *,
    fractions: Fractions = (0.6, 0.2, 0.2),
    validation_artists: int = 60,
    smallest_class: int = 1,
) -> pl.DataFrame:
    """Return the catalogue with its column `split` filled for every row without an `exclusion`.

    Args:
        frame: A catalogue; for "given", `split` already holds what the source said.
        scheme: "pbn" is the competition's own division with validation artists taken out of
            train; "artist-disjoint" draws artists; "image-level" draws images within each artist;
            "report" reduces to a balanced set first, see `report_split`; "given" keeps the
            source's split.
        seed: Decides every draw.
        fractions: Shares of the artists in train, validation and test, for "artist-disjoint".
        validation_artists: How many artists validate, for "pbn" and "report".
        smallest_class: Artists with fewer paintings are left out, for "report".

    Returns:
        The same rows in the same order.

    Raises:
        CatalogueError: The scheme is unknown, or needs what the catalogue does not have.
    """
    usable = frame.filter(pl.col("exclusion").is_null()).sort("painting_id")
    if scheme == "pbn":
        chosen = pbn_split(usable, seed, validation_artists)
    elif scheme == "artist-disjoint":
        chosen = artist_disjoint_split(usable, seed, fractions)
    elif scheme == "image-level":
        chosen = image_level_split(usable, seed)
    elif scheme == "report":
        chosen = report_split(usable, seed, validation_artists, smallest_class)
    elif scheme == "given":
        chosen = given_split(usable)
    else:
        raise CatalogueError(
            f"{scheme!r} is not a split scheme; choose one of {', '.join(get_args(SplitScheme))}"
        )
    split = pl.col("painting_id").replace_strict(chosen, default=None, return_dtype=pl.String)
    return frame.with_columns(split.alias("split"))


def pbn_split(usable: pl.DataFrame, seed: int, validation_artists: int) -> dict[str, str | None]:
    """Return painting to split as the competition divides them.

    Validation artists have no test painting, so that every test artist whom training could have
    seen is still seen. Where fewer than `validation_artists` have at least `MINIMUM_PAINTINGS`
    paintings and none in test, half of those few validate.

    Raises:
        CatalogueError: The catalogue does not say what the competition trained on.
    """
    if usable["in_train"].null_count():
        raise CatalogueError(
            "the pbn split needs the competition's in_train for every painting; "
            "choose artist-disjoint instead"
        )
    tested = set(usable.filter(~pl.col("in_train"))["artist"])
    trained = usable.filter(
        pl.col("in_train")
        & ~pl.col("artist").is_in(tested)
        & (pl.col("artist_group").is_null() | (pl.col("artist_group") == "train_only"))
    )
    drawn = _draw_artists(trained, seed, validation_artists)
    return {
        painting: "test" if not in_train else "validation" if artist in drawn else "train"
        for painting, artist, in_train in usable.select("painting_id", "artist", "in_train").rows()
    }


def _draw_artists(frame: pl.DataFrame, seed: int, wanted: int) -> set[str]:
    """Draw artists with enough paintings; half of them where there are too few."""
    sizes = frame.group_by("artist").len()
    eligible = sorted(sizes.filter(pl.col("len") >= MINIMUM_PAINTINGS)["artist"])
    count = wanted if len(eligible) >= wanted else len(eligible) // 2
    return set(shuffled(eligible, seed)[:count])


def artist_disjoint_split(
    usable: pl.DataFrame, seed: int, fractions: Fractions
) -> dict[str, str | None]:
    """Return painting to split with every artist on one side only.

    Raises:
        CatalogueError: The fractions do not sum to one, or a positive share of the
            artists comes to less than one artist.
    """
    if min(fractions) < 0 or not np.isclose(sum(fractions), 1):
        raise CatalogueError(f"the fractions {fractions} should be positive and sum to 1")
    artists = shuffled(sorted(set(usable["artist"])), seed)
    shares = np.array(fractions)
    counts = np.diff(np.rint(np.cumsum([0, *fractions]) * len(artists))).astype(int)
    # Few artists round some shares to nothing; each wanted split takes one from the largest.
    for empty in np.flatnonzero((shares > 0) & (counts == 0)):
        counts[empty] += 1
        counts[counts.argmax()] -= 1
    if np.any((shares > 0) & (counts < 1)):
        raise CatalogueError(
            f"{len(artists)} artists are too few for splits of {fractions}; "
            "add artists or change the fractions"
        )
    sides = np.repeat(SPLITS, counts).tolist()
    side = dict(zip(artists, sides, strict=True))
    return {
        painting: side[artist] for painting, artist in usable.select("painting_id", "artist").rows()
    }


def image_level_split(usable: pl.DataFrame, seed: int) -> dict[str, str | None]:
    """Return painting to split by image: 48% train, 12% validation, 40% test of each artist.

    That is how image-level studies divide: 60% of the images train and 40% test, and 20% of the
    training part validate. The same artists are on every side, so it measures recognition of known
    artists, not of unseen ones.
    """
    chosen: dict[str, str | None] = {}
    in_test = in_validation = position = 0
    by_artist = usable.group_by("artist", maintain_order=True).agg("painting_id").sort("artist")
    for index, paintings in enumerate(by_artist["painting_id"].to_list()):
        for painting in shuffled(sorted(paintings), (seed, index)):
            # Taking turns keeps every artist's share, and the whole, within one image of exact.
            position += 1
            if position * 4 // 10 > in_test:
                in_test += 1
                chosen[painting] = "test"
            elif (position - in_test) * 2 // 10 > in_validation:
                in_validation += 1
                chosen[painting] = "validation"
            else:
                chosen[painting] = "train"
    return chosen


def report_split(
    usable: pl.DataFrame, seed: int, validation_artists: int, smallest_class: int
) -> dict[str, str | None]:
    """Return painting to split as the student report divides them, beside two sets of new artists.

    First the images of the larger artists are removed at random until each matches the smallest;
    then the images of each artist are divided as in `image_level_split`. Two sets of artists take
    no part in that: those that the competition keeps for its test (or a fifth of the artists, where
    a source names none) are tested whole, and `validation_artists` others validate whole, so that
    the model can be calibrated on and measured with artists it does not know. In the competition's
    data they are the very artists whom the split "pbn" with this seed draws.

    Args:
        usable: Paintings of known artists.
        seed: Decides every draw.
        validation_artists: How many artists validate whole.
        smallest_class: Artists with fewer paintings are left out of the reduction, lest a single
            small oeuvre reduce all others to its size.

    Returns:
        Null for the paintings that the reduction removes.

    Raises:
        CatalogueError: No artist is left to reduce.
    """
    group = pl.col("artist_group")
    unseen = set(usable.filter(group == "test_only")["artist"])
    if not unseen:
        unseen = _draw_artists(usable, seed, max(1, usable["artist"].n_unique() // 5))
    known = usable.filter(~pl.col("artist").is_in(unseen))
    untested = known.filter(group.is_null() | (group == "train_only"))
    validating = _draw_artists(untested, seed, validation_artists)
    rest = known.filter(~pl.col("artist").is_in(validating))
    large = rest.filter(pl.len().over("artist") >= smallest_class)
    reduced = balance_artists(large, seed)
    chosen: dict[str, str | None] = dict.fromkeys(usable["painting_id"])
    whole = {"test": unseen, "validation": validating}
    for side, artists_of_side in whole.items():
        rows = usable.filter(pl.col("artist").is_in(artists_of_side))
        chosen |= dict.fromkeys(rows["painting_id"], side)
    return chosen | image_level_split(reduced, seed)


def given_split(usable: pl.DataFrame) -> dict[str, str | None]:
    """Return painting to split as the source has it; what it leaves open stays null.

    Raises:
        CatalogueError: The source says nothing about splits.
    """
    if usable.height and usable["split"].null_count() == usable.height:
        raise CatalogueError(
            "the source has no split column to keep; choose artist-disjoint instead"
        )
    return dict(usable.select("painting_id", "split").rows())


def calibration_paintings(table: pl.DataFrame) -> pl.DataFrame:
    """Return the validation paintings of artists who have no training and no test painting.

    Args:
        table: The catalogue.

    Raises:
        CatalogueError: There are none, as where the split divides images rather than artists.
    """
    touched = table.filter(pl.col("split").is_in(["train", "test"]))["artist"].unique()
    validation = table.filter(pl.col("split") == "validation").sort("painting_id")
    held_out = validation.filter(~pl.col("artist").is_in(touched.to_list()))
    if held_out.is_empty():
        raise CatalogueError(
            "likelihood ratios need artists who are in neither train nor test, and this "
            "catalogue's split leaves none; prepare and train with --split artist-disjoint or pbn"
        )
    return held_out


def draw_cohort(table: pl.DataFrame, size: int, seed: int) -> pl.DataFrame:
    """Draw training paintings to stand for "everybody else", artists in turn.

    Args:
        table: The catalogue.
        size: How many paintings at most.
        seed: Fixes the draw, whatever the order of the rows.
    """
    train = table.filter(pl.col("split") == "train").sort("painting_id")
    order = np.random.default_rng(seed).permutation(len(train))
    shuffled = train[order.tolist()]
    # Everybody's first painting, then everybody's second: the prolific must not crowd the cohort.
    turn = pl.int_range(pl.len()).over("artist")
    drawn: pl.DataFrame = shuffled.sort(turn, maintain_order=True).head(size)
    return drawn.sort("painting_id")


def balance_artists(frame: pl.DataFrame, seed: int, per_artist: int | None = None) -> pl.DataFrame:
    """Return as many paintings of each artist, drawn at random.

    Images of the larger artists are removed at random until each matches the smallest class.

    Args:
        frame: A table with columns `painting_id` and `artist`; rows without an artist are dropped.
        seed: Decides the draw.
        per_artist: How many to keep of each artist, at least 1; artists with fewer are left out.
            By default as many as the smallest artist has.

    Returns:
        The drawn rows in their former order.

    Raises:
        CatalogueError: No artist has enough paintings.
    """
    known = frame.filter(pl.col("artist").is_not_null())
    groups = known.group_by("artist").agg("painting_id").sort("artist")
    sizes = groups["painting_id"].list.len()
    smallest = sizes.min()
    if not isinstance(smallest, int):
        raise CatalogueError("no painting has a known artist, so nothing can be balanced; add some")
    wanted = smallest if per_artist is None else per_artist
    if wanted < 1:
        raise CatalogueError(f"{wanted} paintings per artist are too few; ask for at least 1")
    kept: list[str] = []
    for index, paintings in enumerate(groups["painting_id"].to_list()):
        if len(paintings) >= wanted:
            kept += shuffled(sorted(paintings), (seed, index))[:wanted]
    if not kept:
        raise CatalogueError(
            f"no artist has {wanted} paintings; ask for fewer per artist or add paintings"
        )
    return known.filter(pl.col("painting_id").is_in(kept))


def shuffled(items: list[str], seed: int | tuple[int, ...]) -> list[str]:
    """Return `items` in an order that only they and the seed decide.

    Raises:
        CatalogueError: The seed is negative.
    """
    if np.min(seed) < 0:
        raise CatalogueError(f"the seed {seed} is negative; choose 0 or more")
    order = np.random.default_rng(seed).permutation(len(items))
    return [items[i] for i in order]
