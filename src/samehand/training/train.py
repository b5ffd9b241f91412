"""`samehand train`: a recipe and a catalogue in, a run folder out."""

from pathlib import Path
from typing import Literal

from samehand.catalogue.schema import load_catalogue
from samehand.errors import RecipeError
from samehand.files import sha256_file
from samehand.training.crossfit import CrossfitObjective
from samehand.training.loop import fit, keep_freed_memory
from samehand.training.metric import MetricObjective
from samehand.training.pairwise import PairwiseObjective
from samehand.training.parallel import Processes, joined
from samehand.training.recipe import AnyRecipe, SiameseRecipe
from samehand.training.runlog import RunFolder, save_tensors
from samehand.versions import versions


def train(recipe: AnyRecipe, catalogue: Path, out: Path) -> list[dict[str, float]]:
    """Train a recipe, or continue the run that is already in `out`.

    Args:
        recipe: What to train.
        catalogue: A folder made by `samehand prepare`.
        out: The run folder.

    Returns:
        One row of metrics an epoch.

    Raises:
        RecipeError: The recipe does not fit the data, or `out` holds another run.
        CatalogueError: There is no usable catalogue.
        Interrupted: Stopped by the user, with a checkpoint to continue from.
    """
    with joined() as processes:
        return _train(recipe, catalogue, out, processes)


def _train(
    recipe: AnyRecipe, catalogue: Path, out: Path, processes: Processes
) -> list[dict[str, float]]:
    table = load_catalogue(catalogue)
    run = RunFolder(out)
    digest = sha256_file(catalogue / "catalogue.parquet")
    # Before the minutes that preparing the data may take.
    run.refuse_another(recipe.model_dump(mode="json"), digest)
    if processes.joined:
        _require_parallel(recipe, processes)
    objective: MetricObjective | PairwiseObjective
    mode: Literal["max", "min", "last"]
    if isinstance(recipe, SiameseRecipe):
        objective = PairwiseObjective(recipe, table, catalogue)
        mode = recipe.monitor_mode
    else:
        crossfit = recipe.loss.kind == "crossfit"
        objective = (
            CrossfitObjective(recipe, table, catalogue)
            if crossfit
            else MetricObjective(recipe, table, catalogue, processes)
        )
        mode = "max" if recipe.keep == "best" else "last"
    config = {
        "recipe": recipe.model_dump(mode="json"),
        "catalogue_sha256": digest,
        "training_artists": len(set(objective.artists)),
        "training_paintings": len(objective.artists),
        "validation_artists": len(set(objective.validation_artists)),
        "validation_paintings": len(objective.validation_paths),
        "versions": versions(),
    }
    resume = processes.told(run.start(config) if processes.first else False)
    keep_freed_memory()
    if processes.first:
        print(
            f"{'continuing' if resume else 'training'} {recipe.name} on "
            f"{config['training_paintings']:,} paintings by {config['training_artists']:,} artists",
            flush=True,
        )
    if isinstance(objective, MetricObjective) and not resume:
        objective.warm_start()
    if isinstance(objective, MetricObjective) and not recipe.epochs:
        return _keep_pretrained(objective, run)
    return fit(
        objective,
        run,
        epochs=recipe.epochs,
        patience=recipe.patience,
        optimiser=recipe.optimiser,
        seed=recipe.seed,
        resume=resume,
        monitor_mode=mode,
        processes=processes,
    )


def _require_parallel(recipe: AnyRecipe, processes: Processes) -> None:
    """Refuse what several processes cannot train together.

    Raises:
        RecipeError: Its loss compares the paintings of a batch, which no process has whole, its
            batches cannot be divided, or nothing is trained.
    """
    if isinstance(recipe, SiameseRecipe) or recipe.loss.kind != "margin-softmax":
        raise RecipeError(
            'only recipes with [loss] kind = "margin-softmax" train on several processes, since '
            "other losses compare the paintings of a whole batch; start samehand train without "
            "torchrun"
        )
    if not recipe.epochs:
        raise RecipeError("this recipe trains nothing; start samehand train without torchrun")
    processes.require_equal_shares(recipe.batch.artists * recipe.batch.per_artist)


def _keep_pretrained(objective: MetricObjective, run: RunFolder) -> list[dict[str, float]]:
    """Measure and save a network whose backbone is not trained."""
    model = objective.model.eval()
    measured = objective.validate(model)
    row = {"epoch": 0.0} | {f"validation_{name}": value for name, value in measured.items()}
    facts = {"epoch": 0, objective.monitor: measured[objective.monitor]}
    save_tensors(run.best, model.state_dict(), facts)
    return [row]
