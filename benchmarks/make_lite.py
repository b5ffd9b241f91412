"""Two distilled students to one model: the mean of what they say, half whitened.

    python -m benchmarks.make_lite CATALOGUE --student runs/lite0 --student runs/lite1 --out FOLDER

CATALOGUE and the students are of `benchmarks.distil`. The students aim at one space, so the mean of
their embeddings is one, too. What differs between works of one artist is then made smaller, by half
of what would make it the same in all directions: a fourth root of the covariance where whitening
has a square root. Whitening in full orders pairs of one style no better and all pairs worse
(docs/experiments.md). The cohort and every calibration are `samehand export`'s; those by kinds of
pictures are added by `benchmarks.fit_conditions`. Needs samehand[train].
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from benchmarks.distil import FACTS, STUDENT, apart_artists, shipped_student
from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import draw_cohort
from samehand.errors import OutputError, RecipeError
from samehand.files import sha256_file, write_text
from samehand.model.card import model_card
from samehand.model.fit import Serving, fit
from samehand.model.folder import ENCODER, ModelConfig
from samehand.networks.encoder import Encoder
from samehand.networks.ensemble import Ensemble
from samehand.networks.export import export_encoder
from samehand.records import Floats
from samehand.training.discriminate import run_views
from samehand.training.loop import keep_freed_memory
from samehand.versions import versions

SERVED = Serving(
    name="lite",
    size=224,
    views=("whole", "crop-nw", "crop-se"),
    normalisation="csls",
    neighbours=20,
    cohort=3000,
    cohort_of="artists",
    seed=0,
    nearby=True,
)
SHRINKAGE = 0.3


def half_whitening(
    embeddings: Floats, labels: NDArray[np.integer], shrinkage: float
) -> tuple[Floats, Floats]:
    """Return a mean, (D,), and a symmetric matrix, (D, D), to take off embeddings and to apply.

    The matrix is the fourth root of the inverse of the covariance within artists (Hatch, Kajarekar
    and Stolcke, Interspeech 2006, have the square root), drawn towards a multiple of the identity
    (Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices",
    equation 1).

    Args:
        embeddings: (N, D).
        labels: The artist of each, (N,); those of one work say nothing of the covariance.
        shrinkage: Share of the identity, in (0, 1].
    """
    number = np.unique(labels, return_inverse=True)[1]
    counts = np.bincount(number)
    sums = np.zeros((len(counts), embeddings.shape[1]))
    np.add.at(sums, number, embeddings)
    own = (embeddings - (sums / counts[:, None])[number])[counts[number] > 1]
    within = own.T @ own / len(own)
    mean_variance = np.trace(within) / len(within)
    shrunk = (1 - shrinkage) * within + shrinkage * mean_variance * np.eye(len(within))
    values, vectors = np.linalg.eigh(shrunk)
    root = (vectors * values**-0.25) @ vectors.T
    return embeddings.mean(axis=0).astype(np.float32), root.astype(np.float32)


def joined(members: list[Encoder], paths: list[Path], labels: NDArray[np.integer]) -> Ensemble:
    """Return an ensemble whose embedding is the half-whitened sum of the members'.

    Args:
        members: Students of one teacher.
        paths: N training pictures.
        labels: The artist of each, (N,).
    """
    keep_freed_memory()
    ensemble = Ensemble(members).eval()
    size, device = SERVED.size, torch.device("cpu")
    rows = run_views(ensemble.joined, device, paths, size, "embedding training paintings")
    total = rows.reshape(len(rows), len(members), ensemble.width).sum(axis=1)
    mean, root = half_whitening(total, labels, SHRINKAGE)
    with torch.no_grad():
        ensemble.projection.weight.copy_(torch.from_numpy(np.tile(root, len(members))))
        ensemble.projection.bias.copy_(torch.from_numpy(-root @ mean))
    return ensemble


def make_lite(catalogue: Path, students: list[Path], out: Path) -> ModelConfig:
    """Make the model folder `out`.

    Args:
        catalogue: What the students learned from, with the artists who were set apart.
        students: Folders of `benchmarks.distil`.
        out: The folder to make; it must not exist.

    Raises:
        RecipeError: A student is not finished, or they have not learned alike.
        CatalogueError: A picture cannot be read.
        ModelError: The graph or the calibration cannot be made.
        OutputError: `out` exists.
    """
    if out.exists():
        raise OutputError(f"{out} exists already; choose another --out")
    facts, members = zip(*(_student(folder) for folder in students), strict=True)
    for key, what in (("teacher", "other teachers"), ("apart", "other artists set apart")):
        if len({one[key] for one in facts}) > 1:
            raise RecipeError(f"the students have {what}; train them alike")
    if len({one["name"] for one in facts}) < len(facts):
        raise RecipeError(f"{facts[0]['name']} is named twice; name each student once")
    table = load_catalogue(catalogue)
    if facts[0]["apart"]:
        table = table.filter(~pl.col("artist").is_in(apart_artists(table)))
    shown = draw_cohort(table, SERVED.cohort, SERVED.seed)
    labels = np.unique(shown["artist"].to_numpy(), return_inverse=True)[1]
    ensemble = joined(list(members), [catalogue / path for path in shown["path"]], labels)
    out.mkdir(parents=True)
    export_encoder(ensemble, SERVED.size, out / ENCODER)
    told = [_facts(one, catalogue, table) for one in facts]
    config = fit(out, SERVED, table, catalogue, told[0] | {"joined_with": told[1:]})
    write_text(out / "README.md", model_card(config))
    return config


def _student(folder: Path) -> tuple[dict[str, Any], Encoder]:
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        kept = torch.load(folder / STUDENT, weights_only=True)
    except OSError as error:
        raise RecipeError(
            f"{folder} holds no finished student; make one with python -m benchmarks.distil"
        ) from error
    if kept["step"] < int(facts["epochs"] * (facts["pictures"] // facts["batch"])):
        raise RecipeError(f"{folder} was stopped at step {kept['step']:,}; run its command again")
    encoder = shipped_student(facts["width"], int(facts["name"].removeprefix("lite")))
    encoder.load_state_dict(kept["mean"])
    return facts | {"steps": kept["step"]}, encoder.eval()


def _facts(student: dict[str, Any], catalogue: Path, table: pl.DataFrame) -> dict[str, Any]:
    train, validation = (table.filter(pl.col("split") == one) for one in ("train", "validation"))
    return {
        "recipe": student,
        "catalogue_sha256": sha256_file(catalogue / "catalogue.parquet"),
        "training_artists": train["artist"].n_unique(),
        "training_paintings": student["pictures"],
        "validation_artists": validation["artist"].n_unique(),
        "validation_paintings": len(validation),
        "versions": versions(),
        "best": {"epoch": student["epochs"]},
    }


def main() -> None:
    """Make the model, and say what it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--student", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    config = make_lite(options.catalogue, options.student, options.out)
    print(f"wrote the model {config.name} to {options.out}")


if __name__ == "__main__":
    main()
