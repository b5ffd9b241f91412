"""One's own secure works to a model that knows one's own error rates.

The encoder, the cohort and every other file are copied; the calibrations by condition change, and
where the works are many, the thresholds of galleries with them.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from samehand.errors import ModelError, OutputError
from samehand.files import output_error
from samehand.model.folder import CONFIG, ModelFolder, write_config
from samehand.records import FalseAlarms, Floats, PictureKind
from samehand.scoring.condition_fitting import Pictures, pairs_of
from samehand.scoring.conditions import Condition, condition_words, read_pair
from samehand.scoring.openset import Attribution
from samehand.scoring.openset_conditions import (
    collection_trials,
    collections_of,
    false_alarms,
    false_alarms_across,
    fit_open_conditions,
)
from samehand.scoring.own_fitting import Gain, cross_validated, deciding_as_before, fit_own


@dataclass(frozen=True, slots=True)
class GalleryGain:
    """How often a hand that is not in a gallery is named, in galleries of one's own works.

    Attributes:
        hands: How many artists were asked about.
        shipped: The share that the shipped thresholds promise, by name; empty where the model has
            none for such pictures, and names nobody.
        before: The share that they give, read as shipped; likewise.
        after: The share that thresholds fitted on half of the hands give on the other half.
        promised: The share that the new model promises.
    """

    hands: int
    shipped: dict[FalseAlarms, float]
    before: dict[FalseAlarms, float]
    after: dict[FalseAlarms, float]
    promised: dict[FalseAlarms, float]


@dataclass(frozen=True, slots=True)
class OwnCalibration:
    """What calibrating on one's own works came to.

    Attributes:
        name: The new model's name.
        gains: What it is worth, by the condition's words, on artists that had no say in it.
        left_out: Conditions that the works show too rarely, in words.
        galleries: What thresholds of galleries are worth, by the condition's words, where the
            works were enough for thresholds of their own.
    """

    name: str
    gains: dict[str, Gain]
    left_out: tuple[str, ...]
    galleries: dict[str, GalleryGain]


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
    attribution, galleries = _own_galleries(folder, pictures, fitted)
    config = replace(
        folder.config,
        name=name,
        conditions=tuple(fitted),
        attribution=attribution,
        training=folder.config.training | {"calibrated_from": folder.identity},
    )
    try:
        shutil.copytree(folder.path, out, ignore=shutil.ignore_patterns(CONFIG))
    except OSError as error:
        shutil.rmtree(out, ignore_errors=True)
        raise output_error(out, error) from error
    # Last, since a folder without it is no model.
    write_config(out, config)
    return OwnCalibration(name, gains, tuple(left_out), galleries)


def _own_galleries(
    folder: ModelFolder, pictures: Pictures, fitted: Sequence[Condition]
) -> tuple[Attribution | None, dict[str, GalleryGain]]:
    """Fit thresholds of galleries on works of one's own, for each two kinds that are enough.

    Other kinds that have a rule name nobody whom the shipped one would not, however pairs of them
    are read now. What is promised is never less than thresholds of half of the hands gave on the
    other half.
    """
    attribution, usual = folder.config.attribution, folder.config.calibration
    if attribution is None:
        return None, {}
    shipped = {one.kinds: one for one in folder.config.conditions}
    changed = {one.kinds: one for one in fitted if one != shipped[one.kinds]}
    rules = {one.kinds: one for one in attribution.by_kinds}
    for kinds in rules.keys() & changed.keys():
        before, now = shipped[kinds].calibration, changed[kinds].calibration
        lines = (before.slope, before.intercept), (now.slope, now.intercept)
        moved = deciding_as_before(attribution.references, rules[kinds].open_set, usual, lines)
        rules[kinds] = replace(rules[kinds], open_set=moved)
    gains: dict[str, GalleryGain] = {}
    kind = np.array(pictures.kind)
    for own in fit_open_conditions(
        folder.comparator, pictures, attribution, usual, tuple(changed.values())
    ):
        (asked,) = collections_of(pictures, kind == own.kinds[0], kind == own.kinds[1])
        rule, measured, _ = attribution.rule_for(own.kinds)
        as_shipped, as_fitted = (
            collection_trials(
                folder.comparator,
                pictures,
                asked,
                replace(attribution, open_set=open_set),
                usual,
                read_pair(usual, conditions, *own.kinds),
                0,
            )
            for open_set, conditions in (
                (rule, folder.config.conditions),
                (attribution.open_set, fitted),
            )
        )
        across = false_alarms_across(as_fitted)
        points = {
            name: replace(point, false_alarms=max(point.false_alarms, across[name]))
            for name, point in own.open_set.points.items()
        }
        known = rule.points if measured else {}
        gains[condition_words(own.kinds)] = GalleryGain(
            own.hands,
            {name: point.false_alarms for name, point in known.items()},
            {name: false_alarms(as_shipped, point.known_at_least) for name, point in known.items()},
            across,
            {name: point.false_alarms for name, point in points.items()},
        )
        rules[own.kinds] = replace(own, open_set=replace(own.open_set, points=points), own=True)
    return replace(attribution, by_kinds=tuple(rules.values())), gains
