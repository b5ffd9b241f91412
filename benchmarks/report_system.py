"""The student report's system beside the product's: one table, on balanced pairs.

    python benchmarks/report_system.py CATALOGUE MODEL [MODEL ...]

CATALOGUE is one of the split "report"; each MODEL is a folder made by `samehand export`, and
"shipped" is the model that ships. A model that was trained on another catalogue knows paintings
that are tested here under known artists: name it as unseen:MODEL, and it is only measured on
unseen artists. The cosine of the frozen backbone comes from the maps of the first model that
leaves its backbone frozen.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from shared import measured, ranged

from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings
from samehand.evaluation.baselines import centred
from samehand.model.embed import embed_catalogued
from samehand.model.runtime import open_graph
from samehand.pairs.draws import Candidates, PairBatch, sampled_pairs
from samehand.records import Floats
from samehand.scoring.calibration import Calibration, llr_from_score
from samehand.scoring.comparator import Comparator, CosineComparator
from samehand.scoring.fitting import calibrate
from samehand.verification.verifier import SameHand

PAIRS, SEED, REPLICATES = 3000, 0, 300
TASKS = (("validation", "seen"), ("test", "seen"), ("test", "unseen"))
Embed = Callable[[list[str]], Floats]


@dataclass(frozen=True)
class System:
    """A row of the table; `threshold` is the score from which it answers "one artist"."""

    name: str
    embed: Embed
    comparator: Comparator
    calibration: Calibration
    threshold: float
    only_unseen: bool


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    table = load_catalogue(folder)
    systems = [of_model(name, folder) for name in names]
    frozen = next((s for s in names if is_frozen(s)), None)
    if frozen:
        systems.append(frozen_cosine(frozen, folder, table))
    print("| system | validation accuracy | test accuracy | accuracy | AUC |")
    print("|---|---|---|---|---|")
    for system in systems:
        cells = [measure(system, table, split, artists) for split, artists in TASKS]
        accuracies = [cell[0] for cell in cells]
        print(f"| {system.name} | {' | '.join(accuracies)} | {cells[-1][1]} |", flush=True)


def embedding(verifier: SameHand, folder: Path) -> Embed:
    return lambda paths: embed_catalogued(verifier.embedder, paths, folder, folder / "embeddings")


def open_named(name: str) -> SameHand:
    path = name.removeprefix("unseen:")
    return SameHand(None if path == "shipped" else path)


def of_model(name: str, folder: Path) -> System:
    verifier = open_named(name)
    config = verifier.folder.config
    zero = -config.calibration.intercept / config.calibration.slope
    # A network's own answer is a probability above 0.5, which is a logit above 0.
    return System(
        f"{config.name} ({name}, epoch {config.training['best']['epoch']})",
        embedding(verifier, folder),
        verifier.folder.comparator,
        config.calibration,
        0.0 if config.pairwise else zero,
        name.startswith("unseen:"),
    )


def is_frozen(name: str) -> bool:
    config = open_named(name).folder.config
    return config.pairwise and not config.training["recipe"]["model"]["train_backbone"]


def frozen_cosine(name: str, folder: Path, table: pl.DataFrame) -> System:
    verifier = open_named(name)
    graph = open_graph(verifier.folder.embedder.encoder)
    channels = {node.name: node.shape[-1] for node in graph.get_outputs()}["patches"]

    def pooled(paths: list[str]) -> Floats:
        blocks = [
            embedding(verifier, folder)(paths[start : start + 500])
            for start in range(0, len(paths), 500)
        ]
        maps = [block.reshape(len(block), channels, -1) for block in blocks]
        return np.concatenate([block.mean(axis=2, dtype=np.float32) for block in maps])

    reference = pooled(table.filter(pl.col("split") == "train")["path"].to_list())
    centre = reference.mean(axis=0)
    comparator = CosineComparator("none", 2, centred(reference, centre))
    held_out = calibration_paintings(table)
    enrolled = comparator.enrol(centred(pooled(held_out["path"].to_list()), centre))
    calibration = calibrate(comparator, enrolled, held_out["artist"].to_list())
    backbone = verifier.folder.config.training["recipe"]["model"]["backbone"]
    return System(
        f"frozen {backbone}, cosine",
        lambda paths: centred(pooled(paths), centre),
        comparator,
        calibration,
        -calibration.intercept / calibration.slope,
        False,
    )


def measure(system: System, table: pl.DataFrame, split: str, artists: str) -> tuple[str, str]:
    """Return accuracy and AUC with their intervals, as cells."""
    if system.only_unseen and artists != "unseen":
        return "trained on some", ""
    candidates, pairs = draw(table, split, artists)
    used, place = np.unique(np.concatenate([pairs.left, pairs.right]), return_inverse=True)
    paths = dict(table.select("painting_id", "path").rows())
    embeddings = system.embed([paths[candidates.ids[index]] for index in used])
    enrolled = system.comparator.enrol(embeddings)
    left, right = place[: len(pairs.left)], place[len(pairs.left) :]
    scores = system.comparator.pair_scores(enrolled, left, right)
    llr = llr_from_score(system.calibration, scores).astype(np.float32)
    found, intervals = measured(
        scores,
        llr,
        pairs.same,
        (candidates.artist[pairs.left], candidates.artist[pairs.right]),
        threshold=system.threshold,
        replicates=REPLICATES,
    )
    return (
        ranged(found.balanced_accuracy, *intervals["balanced_accuracy"]),
        ranged(found.auc, *intervals["auc"]),
    )


def draw(table: pl.DataFrame, split: str, artists: str) -> tuple[Candidates, PairBatch]:
    """Return balanced pairs: all genuine ones, or `PAIRS` of them, and as many impostor pairs."""
    usable = table
    if (split, artists) == ("validation", "seen"):
        known = table.filter(pl.col("split") == "train")["artist"].unique().to_list()
        usable = table.filter((pl.col("split") != "validation") | pl.col("artist").is_in(known))
    genuine = min(PAIRS, genuine_pairs(usable, split, artists))
    draft = sampled_pairs(usable, split=split, artists=artists, genuine=genuine, seed=SEED)
    batches = list(draft.batches)
    fields = ("left", "right", "same", "seen", "same_style", "same_source")
    joined = {name: np.concatenate([getattr(b, name) for b in batches]) for name in fields}
    return draft.candidates, PairBatch(**joined)


def genuine_pairs(table: pl.DataFrame, split: str, artists: str) -> int:
    trained = table.filter(pl.col("split") == "train")["artist"].unique().to_list()
    seen = pl.col("artist").is_in(trained)
    rows = table.filter(
        pl.col("split") == split,
        pl.col("exclusion").is_null(),
        seen if artists == "seen" else ~seen,
    )
    sizes: NDArray[np.int64] = rows.group_by("artist").len()["len"].to_numpy().astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


if __name__ == "__main__":
    main()
