"""`samehand pairs show`: pairs to look at, and what a model makes of them."""

from pathlib import Path

import numpy as np
import polars as pl

from samehand.catalogue.schema import load_catalogue
from samehand.errors import CatalogueError
from samehand.explain.contact import Tile, draw_sheet
from samehand.model.embed import embed_catalogued
from samehand.pairs.generator import DrawnPairs, Indices, PairGenerator
from samehand.records import Split
from samehand.scoring.calibration import probability
from samehand.verification.verifier import SameHand

_LABELS = {1: "one artist", 0: "two artists"}


def show_pairs(catalogue: Path, out: Path, *, split: Split, pairs: int, seed: int) -> list[Path]:
    """Write one sheet of pairs by the same artist and one of pairs by different artists.

    Args:
        catalogue: A folder made by `samehand prepare`.
        out: The folder of the sheets.
        split: Whose paintings are shown.
        pairs: Pairs on each sheet.
        seed: Decides the draw.

    Returns:
        The sheets.

    Raises:
        CatalogueError: There are no such pairs.
    """
    rows, generator = _open(catalogue, split)
    # More than are shown, since a pair may be drawn twice.
    drawn = generator.draw(8 * pairs, seed)
    kept = _first_draws(drawn)
    sheets = []
    for same, name in ((1, "same artist"), (0, "different artists")):
        chosen = kept[drawn.same[kept] == same][:pairs]
        tiles = [_tile(rows, catalogue, drawn, index) for index in chosen.tolist()]
        sheets.append(out / f"{name.replace(' ', '-')}.png")
        draw_sheet(f"Pairs by the {name}" if same else f"Pairs by {name}", tiles, sheets[-1])
    return sheets


def show_predictions(
    model: SameHand,
    catalogue: Path,
    out: Path,
    *,
    split: Split,
    pairs: int,
    among: int,
    seed: int,
) -> list[Path]:
    """Write sheets of the right and the wrong answers that a model is most and least certain of.

    An answer is "one artist" where the likelihood ratio, not cut off, is above 1.

    Args:
        model: The model.
        catalogue: A folder made by `samehand prepare`.
        out: The folder of the sheets.
        split: Whose paintings are shown.
        pairs: The most pairs on each sheet.
        among: How many pairs are drawn to choose the examples from, half of them by one artist;
            one that is drawn again is left out.
        seed: Decides the draw.

    Returns:
        The sheets; none of wrong answers where all are right.

    Raises:
        CatalogueError: There are no such pairs, or an image is missing.
    """
    rows, generator = _open(catalogue, split)
    drawn = generator.draw(among + among % 2, seed)
    kept = _first_draws(drawn)
    used, place = np.unique(np.concatenate([drawn.left, drawn.right]), return_inverse=True)
    paths = rows["path"].gather(used).to_list()
    embeddings = embed_catalogued(model.embedder, paths, catalogue, catalogue / "embeddings")
    left, right = place[: len(drawn.left)], place[len(drawn.left) :]
    comparator = model.folder.comparator
    scores = comparator.pair_scores(comparator.enrol(embeddings), left, right)
    calibration = model.folder.config.calibration
    evidence = calibration.slope * scores.astype(np.float64) + calibration.intercept
    is_right = (evidence > 0) == (drawn.same == 1)
    sheets = []
    for verdict, mask in (("right", is_right), ("wrong", ~is_right)):
        found = kept[mask[kept]]
        by_certainty = found[np.argsort(-np.abs(evidence[found]), kind="stable")]
        # Few answers of a kind: no pair may be on both of its sheets.
        size = min(pairs, (len(found) + 1) // 2)
        for name, chosen in (
            ("most certain", by_certainty[:size]),
            ("least certain", by_certainty[::-1][: min(size, len(found) - size)]),
        ):
            if not len(chosen):
                continue
            tiles = [
                _tile(rows, catalogue, drawn, index, float(evidence[index]))
                for index in chosen.tolist()
            ]
            sheets.append(out / f"{verdict}-{name.replace(' ', '-')}.png")
            title = f"{verdict.capitalize()} answers, {name} ({len(found)} of {len(kept)} pairs)"
            draw_sheet(title, tiles, sheets[-1])
    return sheets


def _first_draws(drawn: DrawnPairs) -> Indices:
    """Return the places of all pairs but those drawn before, whichever way round."""
    sides = np.sort(np.stack([drawn.left, drawn.right], axis=1), axis=1)
    return np.sort(np.unique(sides, axis=0, return_index=True)[1])


def _open(catalogue: Path, split: Split) -> tuple[pl.DataFrame, PairGenerator]:
    table = load_catalogue(catalogue)
    rows = table.filter(
        pl.col("split") == split, pl.col("exclusion").is_null(), pl.col("artist").is_not_null()
    ).sort("painting_id")
    try:
        return rows, PairGenerator(rows["artist"].to_list(), rows["phash"].to_list())
    except ValueError as error:
        raise CatalogueError(
            f"{catalogue} has no pairs to show in {split}: {error}; choose another --split"
        ) from error


def _tile(
    rows: pl.DataFrame,
    folder: Path,
    drawn: DrawnPairs,
    index: int,
    evidence: float | None = None,
) -> Tile:
    sides = [rows.row(int(side[index]), named=True) for side in (drawn.left, drawn.right)]
    first, second = (_caption(side) for side in sides)
    verdict = ""
    if evidence is not None:
        chance = float(probability(evidence, 0.5))
        answer = _LABELS[int(evidence > 0)]
        verdict = (
            f"Truth: {_LABELS[int(drawn.same[index])]}. Answer: {answer} "
            f"({chance:.1%} for one artist, log10 LR {evidence:+.2f})"
        )
    images = (folder / sides[0]["path"], folder / sides[1]["path"])
    return Tile(images, (first, second), verdict)


def _caption(row: dict[str, object]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("artist", "style") if row[name])
