"""What a model gets most wrong: artists and pairs, with what their records say about why.

Shapes: M pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from benchmarks.paper.tasks import OpenTask
from samehand.evaluation.metrics import llr_cost
from samehand.files import atomic_path
from samehand.images.decode import decode_file
from samehand.records import Floats

_ARTISTS = 10
_PAIRS = 20
_FEWEST_PAIRS = 3
_TILE = 150
_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class WrongPair:
    """A pair that was answered badly.

    Attributes:
        left, right: Painting ids.
        same: Whether one artist made both.
        llr: What the model said.
        hints: What the records say that may explain it.
    """

    left: str
    right: str
    same: bool
    llr: float
    hints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrongArtist:
    """An artist whose pairs were answered badly.

    Attributes:
        artist: The name.
        paintings: How many.
        styles: Their styles, the most frequent first.
        years: The first and the last year, or None where none is known.
        cllr: Mean of the cost of the artist's genuine and of its impostor pairs, in bits.
        missed: Share of genuine pairs with a likelihood ratio below 1.
        accepted: Share of impostor pairs with a likelihood ratio of 1 or more.
        rival: The artist whose paintings were most often taken for this one's.
        rival_accepted: Share of the pairs with the rival that were.
    """

    artist: str
    paintings: int
    styles: tuple[str, ...]
    years: tuple[int, int] | None
    cllr: float
    missed: float
    accepted: float
    rival: str
    rival_accepted: float


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What a model gets most wrong on one task.

    Attributes:
        artists: The artists with the highest cost.
        pairs: Impostor pairs with the highest and genuine pairs with the lowest score.
        records: What the catalogue says of each painting in them, by id, in words.
    """

    artists: Sequence[WrongArtist]
    pairs: Sequence[WrongPair]
    records: dict[str, str]


def find_mistakes(opened: OpenTask, scores: Floats, llrs: Floats) -> Mistakes:
    """Return the ten artists and the twenty pairs that a model gets most wrong.

    Args:
        opened: The task.
        scores: Raw scores, (M,).
        llrs: log10 likelihood ratios, (M,).
    """
    pairs = worst_pairs(opened, scores, llrs, _PAIRS // 2)
    shown = {name for pair in pairs for name in (pair.left, pair.right)}
    rows = opened.paintings.filter(pl.col("painting_id").is_in(shown)).iter_rows(named=True)
    records = {row["painting_id"]: _in_words(row) for row in rows}
    return Mistakes(worst_artists(opened, llrs, _ARTISTS), pairs, records)


def _in_words(row: dict[str, Any]) -> str:
    facts = [row["artist"], row["title"], row["date"], row["style"]]
    return f"`{row['painting_id']}`: {', '.join(str(fact) for fact in facts if fact)}"


def pair_indices(opened: OpenTask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the left and the right painting of every pair, (M,) each."""
    batches = list(opened.protocol.batches())
    left, right = (
        np.concatenate([getattr(batch, side) for batch in batches]) for side in ("left", "right")
    )
    return left, right


def worst_pairs(opened: OpenTask, scores: Floats, llrs: Floats, count: int) -> list[WrongPair]:
    """Return the genuine pairs with the lowest and the impostor pairs with the highest score.

    Each artist and each pair of artists appears once, or one artist's two manners would fill
    the list.

    Args:
        opened: The task.
        scores: Raw scores, (M,), which still rank where likelihood ratios saturate.
        llrs: log10 likelihood ratios, (M,).
        count: How many of either kind.
    """
    left, right = pair_indices(opened)
    labels, found = opened.labels, []
    for same in (False, True):
        chosen = np.flatnonzero(labels.same == same)
        order = chosen[np.argsort(scores[chosen] if same else -scores[chosen], kind="stable")]
        told: set[tuple[int, int]] = set()
        for pair in order:
            artists = sorted((int(labels.left_artist[pair]), int(labels.right_artist[pair])))
            if (artists[0], artists[1]) in told:
                continue
            told.add((artists[0], artists[1]))
            one, two = (opened.paintings.row(int(side[pair]), named=True) for side in (left, right))
            found.append(
                WrongPair(
                    one["painting_id"],
                    two["painting_id"],
                    same,
                    float(llrs[pair]),
                    hints(one, two),
                )
            )
            if len(told) == count:
                break
    return found


def hints(one: dict[str, str | None], two: dict[str, str | None]) -> tuple[str, ...]:
    """Return what two catalogue rows say that may explain a wrong answer, a clause each."""
    found = []
    if one["style"] and two["style"]:
        found.append("one style" if one["style"] == two["style"] else "two styles")
    titles = [(row["title"] or "").casefold() for row in (one, two)]
    if titles[0] and titles[0] == titles[1]:
        found.append("one title")
    years = [year_of(row["date"]) for row in (one, two)]
    if years[0] is not None and years[1] is not None:
        found.append(f"{abs(years[0] - years[1])} years apart")
    apart = (int(one["phash"] or "0", 16) ^ int(two["phash"] or "0", 16)).bit_count()
    if apart <= 16:
        found.append(f"compositions alike ({apart} of 64 bits of the perceptual hash differ)")
    return tuple(found)


def year_of(date: str | None) -> int | None:
    """Return the year that a catalogue's date starts with, or None."""
    head = (date or "")[:4]
    return int(head) if len(head) == 4 and head.isdigit() else None


def worst_artists(opened: OpenTask, llrs: Floats, count: int) -> list[WrongArtist]:
    """Return the artists with the highest cost, of those with at least three genuine pairs.

    Args:
        opened: The task.
        llrs: log10 likelihood ratios, (M,).
        count: How many artists.
    """
    left, right = pair_indices(opened)
    names, codes = np.unique(opened.paintings["artist"].to_numpy(), return_inverse=True)
    one, two, same, size = codes[left], codes[right], opened.labels.same, len(names)
    cost, positive = llr_cost(llrs, same), llrs >= 0
    genuine = np.bincount(one[same], minlength=size)
    genuine_cost = np.bincount(one[same], cost[same], size)
    missed = np.bincount(one[same], ~positive[same], size)
    met, impostor_cost, taken = (
        _artist_pairs(one[~same], two[~same], values[~same], size)
        for values in (np.ones(len(same)), cost, positive)
    )
    enough = np.flatnonzero((genuine >= _FEWEST_PAIRS) & (met.sum(axis=1) > 0))
    total = (
        genuine_cost[enough] / genuine[enough]
        + impostor_cost[enough].sum(axis=1) / met[enough].sum(axis=1)
    ) / 2
    found = []
    for place in np.argsort(-total, kind="stable")[:count]:
        code = int(enough[place])
        own = opened.paintings.filter(pl.col("artist") == names[code])
        share = np.where(met[code] > 0, taken[code] / np.maximum(met[code], 1), -1.0)
        rival = int(share.argmax())
        years = sorted(year for year in map(year_of, own["date"]) if year is not None)
        styles = own["style"].drop_nulls().value_counts(sort=True)["style"].to_list()
        found.append(
            WrongArtist(
                artist=str(names[code]),
                paintings=len(own),
                styles=tuple(styles),
                years=(years[0], years[-1]) if years else None,
                cllr=float(total[place]),
                missed=float(missed[code] / genuine[code]),
                accepted=float(taken[code].sum() / met[code].sum()),
                rival=str(names[rival]),
                rival_accepted=float(share[rival]),
            )
        )
    return found


def _artist_pairs(
    one: NDArray[np.intp], two: NDArray[np.intp], values: NDArray[Any], size: int
) -> NDArray[np.float64]:
    """Return the sum of `values` over the pairs of each two artists, symmetric."""
    table = np.bincount(one * size + two, values, size * size).reshape(size, size)
    return np.asarray(table + table.T, np.float64)


def draw_pairs(
    pairs: Sequence[WrongPair], paintings: pl.DataFrame, folder: Path, out: Path
) -> None:
    """Write a contact sheet of pairs, so that the reason can be seen.

    Args:
        pairs: What to show.
        paintings: Catalogue rows of all their paintings.
        folder: The catalogue's folder.
        out: The PNG to write. It shows paintings of the collection: mind their rights.

    Raises:
        ImageError: A painting cannot be read.
        OutputError: The file cannot be written.
    """
    files = dict(paintings.select("painting_id", "path").iter_rows())
    cell = (2 * _TILE + 20, _TILE + 36)
    lines = -(-len(pairs) // _COLUMNS)
    sheet = Image.new("RGB", (cell[0] * _COLUMNS, cell[1] * lines), "white")
    pen = ImageDraw.Draw(sheet)
    for place, pair in enumerate(pairs):
        x, y = cell[0] * (place % _COLUMNS), cell[1] * (place // _COLUMNS)
        for side, painting in enumerate((pair.left, pair.right)):
            image = ImageOps.contain(decode_file(folder / files[painting]).image, (_TILE, _TILE))
            sheet.paste(image, (x + side * (_TILE + 4), y))
        truth = "one artist" if pair.same else "two artists"
        pen.text((x, y + _TILE + 4), f"{place + 1}. {truth}, llr {pair.llr:+.2f}", fill="black")
        pen.text((x, y + _TILE + 18), f"{pair.left[:24]} | {pair.right[:24]}", fill="black")
    with atomic_path(out) as temporary:
        sheet.save(temporary, "PNG")
