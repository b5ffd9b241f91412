"""Is a forger's work taken for the master's? The procedure of docs/forger-probe.md.

    python benchmarks/forger_probe.py PAINTINGS.csv IMAGES [MODEL] [--out SCORES.csv]

PAINTINGS.csv has the columns file, artist and role (master, forger or control). Prints, for each
kind of pair, quartiles of the log10 likelihood ratio and how many pairs are called the same artist.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl

from samehand import SameHand, SamehandError
from samehand.model.embed import embed_files
from samehand.model.readings import readings_of_pairs
from samehand.scoring.calibration import llr_from_score, operating_threshold
from samehand.verification.condition import picture_kinds

ROLES = ("master", "control", "forger")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paintings", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    try:
        pairs = probe(SameHand(given.model), read_paintings(given.paintings), given.images)
    except SamehandError as error:
        parser.error(str(error))
    print(
        f"{'pairs of':<22}{'pairs':>6}  {'25 %':>6} {'median':>6} {'75 %':>6}   same at eer, fmr1"
    )
    for kind, llrs, eer, fmr1 in summary(pairs):
        low, middle, high = np.percentile(llrs, [25, 50, 75])
        print(
            f"{kind:<22}{len(llrs):>6}  {low:+6.2f} {middle:+6.2f} {high:+6.2f}   "
            f"{eer:.0%}, {fmr1:.0%}"
        )
    if given.out:
        pairs.write_csv(given.out)


def read_paintings(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SamehandError(f"cannot read {path} as CSV; name the table of paintings") from error
    if missing := [name for name in ("file", "artist", "role") if name not in table.columns]:
        raise SamehandError(f"{path} has no column {', '.join(missing)}; add it")
    if strange := set(table["role"]) - set(ROLES):
        raise SamehandError(
            f"{path}: {', '.join(sorted(map(str, strange)))} is not a role; use {', '.join(ROLES)}"
        )
    if "master" not in set(table["role"]):
        raise SamehandError(f"{path} has no master; say so in the column role")
    return table


def probe(same_hand: SameHand, paintings: pl.DataFrame, images: Path) -> pl.DataFrame:
    """Return one row a pair of a master's painting with another."""
    files = [images / name for name in paintings["file"]]
    table = embed_files(same_hand.embedder, files)
    if table.failures:
        raise SamehandError(next(iter(table.failures.values())))
    roles, artists = paintings["role"].to_list(), paintings["artist"].to_list()
    left, right, kinds = [], [], []
    for one, two in combinations(range(len(files)), 2):
        pair = sorted({roles[one], roles[two]}, key=ROLES.index)
        if pair[0] != "master" or (len(pair) == 1 and artists[one] != artists[two]):
            continue
        left.append(one)
        right.append(two)
        kinds.append(f"master and {pair[-1]}")
    config = same_hand.folder.config
    comparator = same_hand.folder.comparator
    sides = np.array(left), np.array(right)
    scores = comparator.pair_scores(comparator.enrol(table.embeddings), *sides)
    llrs = np.zeros(len(scores))
    decisions = {point: [""] * len(scores) for point in ("eer", "fmr1")}
    for reading, chosen in readings_of_pairs(config, picture_kinds(config, files, table), *sides):
        llrs[chosen] = llr_from_score(reading.calibration, scores[chosen])
        for name, decided in decisions.items():
            point = operating_threshold(reading.calibration, name)
            for pair in chosen.tolist():
                decided[pair] = reading.decide(float(scores[pair]), point, float(llrs[pair]))
    names = paintings["file"].to_list()
    return pl.DataFrame(
        {
            "left": [names[place] for place in left],
            "right": [names[place] for place in right],
            "kind": kinds,
            "llr": llrs,
            **decisions,
        }
    )


def summary(pairs: pl.DataFrame) -> list[tuple[str, np.ndarray, float, float]]:
    """Return each kind of pair with its llrs and its shares of "same" at eer and fmr1."""
    found = []
    for role in ROLES:
        rows = pairs.filter(pl.col("kind") == f"master and {role}")
        if len(rows):
            shares = [float((rows[point] == "same").mean()) for point in ("eer", "fmr1")]
            found.append((f"master and {role}", rows["llr"].to_numpy(), shares[0], shares[1]))
    return found


if __name__ == "__main__":
    main()
