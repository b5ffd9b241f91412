"""The model folder: everything that answering needs, and the only thing training hands over.

- encoder.onnx: images to an embedding; beside it, patch embeddings and how strange an image is
- backbone.bin: weights of that graph which no training changes, in some models
- cohort.safetensors: embeddings of training paintings or artists, the comparator's "everybody else"
- head.onnx, in place of the cohort: two encodings to a score, where a network learned to compare
- config.json: input, comparator, calibration, operating points, hashes, recipe, seed
- README.md: the model card
"""

import difflib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from samehand.codec import decode, encode
from samehand.errors import ModelError
from samehand.files import atomic_path, read_json, sha256_bytes, sha256_file, write_text
from samehand.images.views import ALL_VIEWS
from samehand.model.head import OnnxHead
from samehand.model.runtime import BACKBONE, EmbedderConfig
from samehand.records import Floats
from samehand.scoring.calibration import Calibration
from samehand.scoring.comparator import (
    Comparator,
    CosineComparator,
    HeadComparator,
    Normalisation,
)
from samehand.scoring.conditions import Condition
from samehand.scoring.openset import Attribution

FORMAT = 2
BUILT_IN = Path(__file__).parent / "builtin"
DEFAULT_MODEL = "vit"

ENCODER = "encoder.onnx"
COHORT = "cohort.safetensors"
HEAD = "head.onnx"
CONFIG = "config.json"

FAST_VIEWS = ("whole",)

_ON_HUB = "hf:"

_LONGEST_NAME = 200

_LARGEST_CONFIG = 16 * 2**20
"""Bytes. The shipped models have 50 kB."""

# Parts of config.json that a model may lack.
_OPTIONAL = ("attribution", "fast", "one_style", "conditions", "nearby")

# What format 2 calls the limit of novelty.
_NOVELTY_KEY = "strangeness_limit"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What `config.json` says.

    Attributes:
        format: Version of this layout.
        name: The model's name.
        size: Side of the square views in pixels.
        views: Names of the views of a painting whose embeddings are averaged.
        normalisation: The comparator's correction.
        neighbours: How many nearest cohort members it looks at; 0 with a head.
        novelty_limit: What 98 % of calibration paintings stay below (see `Encoder.serve`); an
            image above it is unlike everything the model was made from. None where nothing is
            known of that.
        calibration: Raw score to log10 likelihood ratio, with its operating points.
        files: SHA-256 of the other files of the folder.
        training: Recipe, seed, versions and data hashes.
        attribution: Rules for reference sets and galleries, or None in folders without them.
        fast: The calibration of scores of single whole views, or None in folders without it.
        one_style: The calibration of scores for pairs of one style, or None.
        conditions: The calibrations by kinds of pictures; empty where the model does not tell
            them apart.
        nearby: Whether those scores count the artists near to both; see `CosineComparator`.
    """

    format: int
    name: str
    size: int
    views: tuple[str, ...]
    normalisation: Normalisation
    neighbours: int
    novelty_limit: float | None
    calibration: Calibration
    files: dict[str, str]
    training: dict[str, Any]
    attribution: Attribution | None = None
    fast: Calibration | None = None
    one_style: Calibration | None = None
    conditions: tuple[Condition, ...] = ()
    nearby: bool = False

    @property
    def pairwise(self) -> bool:
        """Whether a head scores pairs, in place of cosines and a cohort."""
        return HEAD in self.files


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """An opened and checked model folder.

    Attributes:
        path: Where it is.
        config: What its config.json says.
        comparator: The comparator with its cohort.
        embedder: What the encoder needs to be loaded.
        identity: Name and short hash of the whole model, shown in every verdict.
    """

    path: Path
    config: ModelConfig
    comparator: Comparator
    embedder: EmbedderConfig
    identity: str

    def require_metric(self, task: str) -> None:
        """Refuse a model that can only compare pairs.

        Args:
            task: What it is to do, such as "fill a gallery".

        Raises:
            ModelError: The model has a head in place of embeddings.
        """
        if not self.comparator.metric:
            raise ModelError(
                f"the model {self.config.name} compares pairs by a network of its own and cannot "
                f"{task}; choose a model with embeddings, such as {DEFAULT_MODEL}"
            )


def default_model() -> str:
    """Return what answers where nobody names a model: $SAMEHAND_MODEL, or the accurate built-in."""
    return os.environ.get("SAMEHAND_MODEL") or DEFAULT_MODEL


def find_model(name: str | Path | None) -> Path:
    """Return the folder that a name or a path means.

    Args:
        name: A path, a built-in name, "hf:owner/name" or "hf:owner/name@revision" for a model on
            the Hugging Face hub, or None for `default_model`.

    Raises:
        MissingExtraError: The hub's client is not installed.
        ModelError: There is no such model.
    """
    if name is None:
        name = default_model()
    if isinstance(name, str) and name.startswith(_ON_HUB):
        from samehand.model.hub import fetch_named

        candidates = [fetch_named(name.removeprefix(_ON_HUB))]
    else:
        candidates = [Path(name)]
    # A path to nowhere must not end up at the built-in model that happens to have its last name.
    if Path(name).name == str(name):
        candidates.append(BUILT_IN / name)
    for candidate in candidates:
        if os.path.isfile(candidate / CONFIG):
            return candidate
    known = sorted(path.parent.name for path in BUILT_IN.glob(f"*/{CONFIG}"))
    close = difflib.get_close_matches(str(name).lower(), known, 1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise ModelError(
        f"no model folder at {name} (a folder with {CONFIG}); {hint}"
        f"built-in models: {', '.join(known) or 'none'}"
    )


def open_model(
    name: str | Path | None = None, threads: int | None = None, *, fast: bool = False
) -> ModelFolder:
    """Open a model folder and check that it is whole and of this version.

    Args:
        name: A path, a built-in name, or None for the model that ships with the package.
        threads: CPU threads of a pairwise head; None for all there are.
        fast: Look at one view of each painting only, with the calibration of such scores.

    Raises:
        ModelError: No such folder, a missing or altered file, another format version, or no
            calibration of single views.
    """
    path = find_model(name)
    raw = _read(path / CONFIG)
    config = _parse_config(path, raw)
    for file, expected in config.files.items():
        if not (path / file).is_file():
            raise ModelError(f"the model {path} lacks {file}; copy the whole folder again")
        if sha256_file(path / file) != expected:
            raise ModelError(
                f"{path / file} is not the file that {CONFIG} describes (its hash differs); "
                "copy the whole folder again, or export the model again"
            )
    identity = f"{config.name}@{sha256_bytes(raw)[:12]}"
    if fast:
        config = _fast(path, config)
        identity += "-fast"
    encoder = EmbedderConfig(
        path / ENCODER,
        config.files[ENCODER],
        config.size,
        config.views,
        unit=not config.pairwise,
        backbone_sha256=config.files.get(BACKBONE),
    )
    return ModelFolder(
        path,
        config,
        _comparator(path, config, threads),
        encoder,
        identity,
    )


def _fast(path: Path, config: ModelConfig) -> ModelConfig:
    if config.fast is None:
        raise ModelError(
            f"the model {path} has no calibration of single views; leave the fast setting out, "
            "or export the model again"
        )
    # Reference sets and galleries are calibrated for all the views together.
    return replace(
        config,
        views=FAST_VIEWS,
        calibration=config.fast,
        attribution=None,
        fast=None,
        one_style=None,
        conditions=config.conditions if config.views == FAST_VIEWS else (),
    )


def _comparator(path: Path, config: ModelConfig, threads: int | None) -> Comparator:
    if config.pairwise:
        head = OnnxHead(path / HEAD, threads)
        return HeadComparator(head, head.width)
    cohort = read_cohort(path)
    try:
        return CosineComparator(config.normalisation, config.neighbours, cohort, config.nearby)
    except ModelError as error:
        raise ModelError(f"{path / CONFIG}: {error}") from error


def write_config(path: Path, config: ModelConfig) -> None:
    """Write `config.json` into the model folder `path`."""
    values = {key: value for key, value in encode(config).items() if key not in _OPTIONAL or value}
    values[_NOVELTY_KEY] = values.pop("novelty_limit")
    write_text(path / CONFIG, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def write_cohort(path: Path, cohort: Floats) -> None:
    """Write cohort embeddings, (C, D), into the model folder `path`, as float16."""
    from safetensors.numpy import save

    with atomic_path(path / COHORT) as temporary:
        temporary.write_bytes(save({"cohort": cohort.astype(np.float16)}))


def read_cohort(path: Path) -> Floats:
    """Return the cohort of the model folder `path`: unit length, (C, D).

    Raises:
        ModelError: The file is missing or damaged.
    """
    from safetensors.numpy import load_file

    try:
        cohort: Floats = load_file(path / COHORT)["cohort"].astype(np.float32)
        length = np.linalg.norm(cohort, axis=1, keepdims=True)
    except Exception as error:
        raise ModelError(
            f"cannot read {path / COHORT}: {error}; copy the model folder again"
        ) from error
    # float16 rounding leaves lengths of 1 +- 0.001.
    if not np.all(np.abs(length - 1) < 0.01):
        raise ModelError(f"{path / COHORT} does not hold unit embeddings; export the model again")
    unit: Floats = cohort / length
    return unit


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST_CONFIG + 1)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; copy the model again") from error
    if len(raw) > _LARGEST_CONFIG:
        raise ModelError(
            f"{path} is larger than {_LARGEST_CONFIG // 2**20} MiB, and no model configuration; "
            "copy the model again"
        )
    return raw


def _parse_config(path: Path, raw: bytes) -> ModelConfig:
    try:
        values = read_json(raw)
        version = values["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path / CONFIG} is not a model configuration; export again") from error
    if version != FORMAT:
        raise ModelError(
            f"the model {path} has format {version}, this samehand reads format {FORMAT}; "
            "export it again, or install the samehand it was made with"
        )
    try:
        if "novelty_limit" in values:
            raise ValueError("it has the unknown key novelty_limit")
        values["novelty_limit"] = values.pop(_NOVELTY_KEY)
        config = decode(ModelConfig, values)
    except (KeyError, ValueError) as error:
        raise ModelError(f"{path / CONFIG} cannot be used: {error}; export it again") from error
    if wrong := _wrong_values(config):
        raise ModelError(
            f"{path / CONFIG} has values that cannot be used: {', '.join(wrong)}; export it again"
        )
    return config


def _wrong_values(config: ModelConfig) -> list[str]:
    """Return the keys whose values are not what a model can be served with."""
    files = config.files
    fits = {
        # Every answer shows it.
        "name": 0 < len(config.name) <= _LONGEST_NAME and config.name.isprintable(),
        "size": config.size > 0,
        "views": 0 < len(config.views) == len(set(config.views))
        and all(view in ALL_VIEWS for view in config.views)
        and not (config.pairwise and len(config.views) > 1),
        "files": ENCODER in files
        and (COHORT in files or HEAD in files)
        and files.keys() <= {ENCODER, BACKBONE, COHORT, HEAD},
    }
    return [key for key, fit in fits.items() if not fit]
