"""One's own secure works to a model that knows one's own error rates.

The encoder, the cohort and every other file are copied; only the calibrations by condition change.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from samehand.errors import ModelError, OutputError
from samehand.files import output_error
from samehand.model.folder import CONFIG, ModelFolder, write_config
from samehand.records import Floats, PictureKind
from samehand.scoring.condition_fitting import Pictures, pairs_of
from samehand.scoring.conditions import Condition, condition_words
from samehand.scoring.own_fitting import Gain, cross_validated, fit_own


@dataclass(frozen=True, slots=True)
class OwnCalibration:
    """What calibrating on one's own works came to.

    Attributes:
        name: The new model's name.
        gains: What it is worth, by the condition's words, on artists that had no say in it.
        left_out: Conditions that the works show too rarely, in words.
    """

    name: str
    gains: dict[str, Gain]
    left_out: tuple[str, ...]


def calibrate_own(
    folder: ModelFolder,
    embeddings: Floats,
    artists: Sequence[str],
    works: Sequence[str],
    kinds: Sequence[PictureKind],
    out: Path,
    name: str,
) -> OwnCalibration:
    """Write a model that is calibrated on secure works of one collection.

    Args:
        folder: The model that the works were embedded with.
        embeddings: Unit length, (N, D).
        artists: The artist of each work, N of them.
        works: What tells each work from the others, such as its file's hash; equal ones are one.
        kinds: What each picture can show, N of them.
        out: The model folder to make; it must not exist.
        name: The new model's name.

    Raises:
        ModelError: The model does not tell conditions apart, or the artists are too few.
        OutputError: `out` exists already, or cannot be written.
    """
    folder.require_metric("be calibrated on your own works")
    if not folder.config.conditions:
        raise ModelError(
            f"the model {folder.path} does not tell kinds of pictures apart; choose one that "
            "does, such as a built-in one"
        )
    if out.exists():
        raise OutputError(f"{out} exists already; choose another --out")
    pictures = Pictures(
        folder.comparator.enrol(embeddings),
        np.unique(artists, return_inverse=True)[1].astype(np.int64),
        np.unique(works, return_inverse=True)[1].astype(np.int64),
        kinds,
        np.zeros(len(works), np.int64),
    )
    shown = np.array(kinds)
    fitted: list[Condition] = []
    gains: dict[str, Gain] = {}
    left_out: list[str] = []
    reason: ModelError | None = None
    for shipped in folder.config.conditions:
        one, two = (shown == kind for kind in shipped.kinds)
        words = condition_words(shipped.kinds)
        try:
            pairs = pairs_of(folder.comparator, pictures, one, two)
            found = fit_own(shipped, pairs)
            gains[words] = cross_validated(shipped, pairs)
        except ModelError as error:
            if one.any() and two.any():
                left_out.append(words)
                reason = reason or error
            found = shipped
        fitted.append(found)
    if not gains:
        raise reason or ModelError("none of the works can be compared; name pictures by artists")
    config = replace(
        folder.config,
        name=name,
        conditions=tuple(fitted),
        training=folder.config.training | {"calibrated_from": folder.identity},
    )
    try:
        shutil.copytree(folder.path, out, ignore=shutil.ignore_patterns(CONFIG))
    except OSError as error:
        shutil.rmtree(out, ignore_errors=True)
        raise output_error(out, error) from error
    # Last, since a folder without it is no model.
    write_config(out, config)
    return OwnCalibration(name, gains, tuple(left_out))
