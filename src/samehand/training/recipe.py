"""A recipe: everything that decides what a training run produces, in one TOML file."""

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from samehand.errors import RecipeError
from samehand.images.augment import Augmentation
from samehand.images.views import View
from samehand.networks.encoder import EncoderConfig
from samehand.networks.siamese import SiameseConfig
from samehand.networks.store import Weights
from samehand.scoring.comparator import Normalisation
from samehand.training.keys import UNKNOWN_KEY, change_key, closest_key
from samehand.training.losses import LossConfig


class _Section(BaseModel):
    """A part of a recipe: frozen, and a misspelt key is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BatchConfig(_Section):
    """What one training step sees.

    Attributes:
        artists: Different artists in a batch.
        per_artist: Paintings of each.
        one_style: Share of those artists, in [0, 1], who are drawn from one style where there are
            enough; with the loss "crossfit" only.
    """

    artists: int = Field(16, ge=2)
    per_artist: int = Field(4, ge=2)
    one_style: float = Field(0.0, ge=0, le=1)


class StageConfig(_Section):
    """A stretch of training at one image size; small images first buy more epochs.

    Attributes:
        epochs: How many epochs the stage lasts.
        size: Side of the square training views in pixels.
    """

    epochs: int = Field(ge=1)
    size: int = Field(224, ge=32)


class OptimiserConfig(_Section):
    """How the weights move: by default AdamW, linear warm-up, then a cosine down to zero.

    Attributes:
        algorithm: "adamw" (Loshchilov and Hutter, ICLR 2019), or plain "adam" (Kingma and Ba,
            ICLR 2015).
        schedule: What follows the warm-up: "cosine", or "constant".
        head_rate: Peak learning rate of the projection and of the loss's class proxies.
        backbone_rate: Peak learning rate of the pretrained backbone.
        projection_rate: Peak learning rate of an encoder's projection; as `head_rate` if absent.
        weight_decay: Decoupled weight decay of all matrices; vectors are never decayed.
        warmup: Share of all steps in which the rates rise, in [0, 1).
        average: Decay of the moving average of the weights, which is what is kept; 0 for none.
    """

    algorithm: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["cosine", "constant"] = "cosine"
    head_rate: float = Field(2e-3, gt=0)
    backbone_rate: float = Field(5e-4, gt=0)
    projection_rate: float | None = Field(None, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    warmup: float = Field(0.08, ge=0, lt=1)
    average: float = Field(0.995, ge=0, lt=1)


class ServeConfig(_Section):
    """How the trained encoder will be asked.

    Attributes:
        size: Side of the square views in pixels.
        views: Which views of a painting are embedded and averaged; "whole" is the first, which the
            fast setting and the search for strange images look at alone.
        cohort: How many training paintings stand for "everybody else" in score normalisation.
        cohort_of: "artists" makes one mean embedding of each artist's paintings among them;
            "paintings" keeps them apart.
        normalisation: How a cosine is corrected by the cohort; see `scoring.comparator`.
        neighbours: How many of the nearest cohort members that normalisation looks at.
        weights: How the large weights of the graph are stored; see `networks.export`.
        nearby: Whether the score for pairs of one style counts the artists near to both; see
            `scoring.nearby`.
        backbone_apart: Whether those of the backbone become a file of their own, which suits a
            large backbone that no stage trains.
    """

    size: int = Field(224, ge=32)
    views: tuple[View, ...] = Field(("whole", "mirror"), min_length=1)
    cohort: int = Field(2000, ge=2)
    cohort_of: Literal["artists", "paintings"] = "paintings"
    normalisation: Normalisation = "csls"
    neighbours: int = Field(30, ge=2)
    weights: Weights = "float16"
    nearby: bool = False
    backbone_apart: bool = False

    @field_validator("views")
    @classmethod
    def _whole_first(cls, views: tuple[View, ...]) -> tuple[View, ...]:
        if views[0] != "whole":
            raise ValueError('the first of the views has to be "whole"')
        return views


class DiscriminantConfig(_Section):
    """Linear discriminants before and after training; see `training.discriminate`.

    Attributes:
        start: Shrinkage of those that training starts from, which need pooling
            "statistics" or "tokens".
        finish: Shrinkage of those that `samehand export` appends to the embedding; with "tokens"
            it fits the projection again instead, to the features after training.
    """

    start: float = Field(2.0, gt=0)
    finish: float = Field(4.0, gt=0)


class Recipe(_Section):
    """All that `samehand train` needs beside a catalogue, to learn embeddings.

    Attributes:
        kind: "metric"; a recipe that leaves it out is of this kind.
        name: Names the run and the model.
        seed: Every random draw of the run derives from it.
        pretrained: False starts from random weights.
        per_epoch: Paintings in an epoch; 0 for as many as there are.
        patience: Epochs without a better validation AUC before training stops; 0 for never.
        keep: "best" keeps the weights of the epoch with the best validation AUC. "last" keeps the
            last, where what is validated is not yet what is served.
        discriminant: Fit linear discriminants; absent, none.
        stages: Stretches of training. With none, `stages = []`, the backbone stays as pretrained,
            and the discriminants are all that is fitted.
    """

    kind: Literal["metric"] = "metric"
    name: str
    seed: int = Field(0, ge=0)
    pretrained: bool = True
    per_epoch: int = Field(0, ge=0)
    patience: int = Field(0, ge=0)
    keep: Literal["best", "last"] = "best"
    discriminant: DiscriminantConfig | None = None
    model: EncoderConfig = EncoderConfig()
    loss: LossConfig = LossConfig()
    batch: BatchConfig = BatchConfig()
    augment: Augmentation = Augmentation()
    optimiser: OptimiserConfig = OptimiserConfig()
    serve: ServeConfig = ServeConfig()
    stages: tuple[StageConfig, ...]

    @model_validator(mode="after")
    def _something_is_learned(self) -> "Recipe":
        if not self.stages and self.discriminant is None:
            raise ValueError("without [[stages]] nothing is trained; that needs [discriminant]")
        return self

    @model_validator(mode="after")
    def _discriminants_need_statistics(self) -> "Recipe":
        if self.discriminant is not None and not self.model.standardised:
            raise ValueError('[discriminant] needs [model] pooling = "statistics" or "tokens"')
        return self

    @property
    def epochs(self) -> int:
        """Epochs over all stages."""
        return sum(stage.epochs for stage in self.stages)

    def size_at(self, epoch: int) -> int:
        """Return the side of the training views in `epoch`, counted from 0."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage.size
            epoch -= stage.epochs
        return self.stages[-1].size


_REPORT_OPTIMISER: dict[str, object] = {
    "algorithm": "adam",
    "schedule": "constant",
    "head_rate": 1e-3,
    "backbone_rate": 1e-4,
    "weight_decay": 0.0,
    "warmup": 0.0,
    "average": 0.0,
}


class SiameseRecipe(_Section):
    """All that `samehand train` needs beside a catalogue, to learn to compare pairs.

    The defaults are the student report's; docs/report.md says which of them it leaves open.

    Attributes:
        kind: "siamese".
        name: Names the run and the model.
        seed: Every random draw of the run derives from it.
        pretrained: False starts the backbone from random weights.
        size: Side of the square images in pixels.
        pairs_per_step: Pairs in a batch, half of them by one artist.
        epochs: The most epochs there will be.
        steps_per_epoch: Batches in an epoch.
        validation_steps: Batches of validation pairs, the same after every epoch.
        patience: Epochs without a better validation accuracy before training stops; 0 for never.
        monitor_mode: "max" keeps the epoch of the highest validation accuracy. "min" is the
            report's setting, which keeps the lowest.
    """

    kind: Literal["siamese"]
    name: str
    seed: int = Field(0, ge=0)
    pretrained: bool = True
    size: int = Field(224, ge=32)
    pairs_per_step: int = Field(32, ge=2, multiple_of=2)
    epochs: int = Field(1000, ge=1)
    steps_per_epoch: int = Field(500, ge=1)
    validation_steps: int = Field(300, ge=1)
    patience: int = Field(100, ge=0)
    monitor_mode: Literal["max", "min"] = "max"
    model: SiameseConfig = SiameseConfig()
    optimiser: OptimiserConfig = OptimiserConfig.model_validate(_REPORT_OPTIMISER)

    @field_validator("optimiser", mode="before")
    @classmethod
    def _keep_the_report_where_nothing_is_said(cls, value: object) -> object:
        # One changed rate must not turn Adam into the AdamW that embeddings are trained with.
        return _REPORT_OPTIMISER | value if isinstance(value, dict) else value


AnyRecipe = Recipe | SiameseRecipe


def read_recipe(values: dict[str, Any]) -> AnyRecipe:
    """Return the recipe that a table of values describes, of the kind that it names.

    Raises:
        ValidationError: A key or value is one that such recipes do not have.
    """
    return kind_of(values).model_validate(values)


def kind_of(values: dict[str, Any]) -> type[Recipe] | type[SiameseRecipe]:
    """Return which kind of recipe a table of values names."""
    return SiameseRecipe if values.get("kind") == "siamese" else Recipe


def load_recipe(path: str | Path, changes: Sequence[str] = ()) -> AnyRecipe:
    """Read and check a recipe.

    Args:
        path: Its TOML file.
        changes: Keys to set to other values, each as "optimiser.head_rate=1e-3"; what cannot be
            read as a TOML value is text.

    Raises:
        RecipeError: No such file, no TOML, or a key or value that recipes do not have.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        for change in changes:
            change_key(values, change)
        return read_recipe(values)
    except FileNotFoundError as error:
        raise RecipeError(f"no recipe at {path}; {_likely_recipe(path)}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read the recipe {path}: {error}; name a TOML file") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        what, fix = first["msg"].lower(), "see recipes/ for examples"
        if first["type"] in UNKNOWN_KEY:
            what = "recipes do not have this key"
            close = closest_key(place, kind_of(values))
            fix = f"did you mean {close}?" if close else "docs/recipe-keys.md lists them all"
        raise RecipeError(f"{path}: {place}: {what}; {fix}") from error


def _likely_recipe(path: Path) -> str:
    """Return which recipe was likely meant by a path where there is none."""
    there = [*sorted(path.parent.glob("*.toml")), *sorted(Path("recipes").glob("*.toml"))]
    close = difflib.get_close_matches(path.stem, [one.stem for one in there], 1, 0.7)
    if not close:
        return "see the folder recipes/ for examples"
    return f"did you mean {next(one for one in there if one.stem == close[0])}?"
