"""A run folder: what was asked, what happened, and the weights, readable without the code.

- config.json: recipe, seed, versions, catalogue hash
- metrics.json: one row an epoch; curves.png, the same drawn
- checkpoint.safetensors: everything an exact resume needs
- best.safetensors: the weights of the best epoch
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from samehand.errors import OutputError, RecipeError
from samehand.files import atomic_path, write_text
from samehand.training.recipe import read_recipe


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one training run."""

    path: Path

    @property
    def best(self) -> Path:
        """The weights of the best epoch."""
        return self.path / "best.safetensors"

    @property
    def checkpoint(self) -> Path:
        """Everything an exact resume needs."""
        return self.path / "checkpoint.safetensors"

    def start(self, config: dict[str, Any]) -> bool:
        """Write the configuration, or recognise a run to continue.

        Args:
            config: JSON-ready; a run is only ever continued with the one it began with.

        Returns:
            Whether there is a checkpoint to continue from.

        Raises:
            RecipeError: The folder holds a run with another recipe or other data.
        """
        if self.refuse_another(config["recipe"], config["catalogue_sha256"]):
            return True
        write_text(self.path / "config.json", json.dumps(config, indent=2) + "\n")
        return False

    def refuse_another(self, recipe: dict[str, Any], catalogue_sha256: str) -> bool:
        """Say whether there is a checkpoint, once it is one of this very run.

        Args:
            recipe: JSON-ready.
            catalogue_sha256: Of the catalogue to train on.

        Raises:
            RecipeError: The folder holds a run with another recipe or other data.
        """
        if not self.checkpoint.exists():
            if (self.path / "config.json").exists():
                self.config()  # refuses what is not a run's: a model folder has a config.json, too
            return False
        previous = self.config()
        known = previous | {"recipe": _complete(previous["recipe"])}
        now = {"recipe": json.loads(json.dumps(recipe)), "catalogue_sha256": catalogue_sha256}
        words = {"recipe": "recipe", "catalogue_sha256": "catalogue"}
        changed = [words[key] for key, value in now.items() if known[key] != value]
        if changed:
            raise RecipeError(
                f"{self.path} holds a run with another {' and '.join(changed)}; "
                "choose another --out, or delete that folder"
            )
        return True

    def config(self) -> dict[str, Any]:
        """Return what the run was asked to do.

        Raises:
            RecipeError: This is not a run folder.
        """
        try:
            config = json.loads((self.path / "config.json").read_text(encoding="utf-8"))
            if not {"recipe", "catalogue_sha256"} <= config.keys():
                raise ValueError("another config.json")
        except (OSError, ValueError, AttributeError) as error:
            raise RecipeError(
                f"{self.path} is not a run folder (it lacks a run's config.json); "
                "name the --out of a "
                "samehand train, or a new folder"
            ) from error
        return dict(config)

    def save_history(self, history: list[dict[str, float]]) -> None:
        """Write one row an epoch, and draw them."""
        write_text(self.path / "metrics.json", json.dumps(history, indent=1) + "\n")
        draw_curves(history, self.path / "curves.png")


def save_tensors(path: Path, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and JSON facts to one safetensors file, all or nothing.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_path(path) as temporary:
        contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        try:
            save_file(contiguous, temporary, metadata={"facts": json.dumps(facts)})
        except SafetensorError as error:
            raise OutputError(
                f"cannot write {path}: {error}; make room or write elsewhere"
            ) from error


def load_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote.

    Raises:
        RecipeError: No such file, or a damaged one.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            facts = json.loads(stored.metadata()["facts"])
            return {name: stored.get_tensor(name) for name in stored.keys()}, facts  # noqa: SIM118
    except Exception as error:
        raise RecipeError(
            f"cannot read {path}: {error}; train again, or copy the file again"
        ) from error


def draw_curves(history: list[dict[str, float]], path: Path) -> None:
    """Draw loss and validation metrics over epochs as a PNG."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in history]
    # A loss on validation pairs belongs beside the training loss, an accuracy beside the others.
    losses = [name for name in history[0] if name in ("loss", "validation_loss")]
    measured = [
        name
        for name in history[0]
        if name.startswith(("training_", "validation_")) and name not in losses
    ]
    # A layout that fits itself draws everything twice, every epoch.
    figure = Figure(figsize=(9, 3.6))
    margins = {"left": 0.07, "right": 0.98, "bottom": 0.14, "top": 0.9, "wspace": 0.16}
    left, right = figure.subplots(1, 2, gridspec_kw=margins)
    marker = "o" if len(epochs) <= 50 else ""
    for name in losses:
        label = "validation" if name.startswith("validation_") else "training"
        left.plot(epochs, [row[name] for row in history], marker=marker, label=label)
    for name in measured:
        label = name.replace("_", " ")
        right.plot(epochs, [row[name] for row in history], marker=marker, label=label)
    left.set(xlabel="epoch", ylabel="loss", title="Loss")
    right.set(xlabel="epoch", title="Measured")
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _complete(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded recipe with the keys that recipes gained since, at their defaults."""
    try:
        return read_recipe(recipe).model_dump(mode="json")
    except ValueError:
        return recipe
