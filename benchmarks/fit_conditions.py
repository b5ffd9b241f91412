r"""Refit a model's calibrations and open-set rules by condition, and show how they differ.

    python -m benchmarks.held_out work/pbn --more $MORE --natural $NATURAL --out work/held-out
    python -m benchmarks.fit_conditions work/held-out/held-out.csv --model lite \
        --new apart --cache work/pbn/embeddings

Prints, for each two kinds of pictures, the shipped line and the refitted one. `--parts` is
"conditions", "open-sets" or both; `--out FOLDER` writes a copy of the model with them. `--new`
says which artists who are not in Painter by Numbers are held out, too: none from `vit`, those set
apart from `lite`, all from a model that learned from Painter by Numbers alone.
"""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from benchmarks.held_out import HeldOut, read_held_out
from samehand.model.folder import ModelConfig, write_config
from samehand.scoring.condition_fitting import fit_conditions
from samehand.scoring.conditions import Condition, condition_words
from samehand.scoring.openset import OpenSetCondition
from samehand.scoring.openset_conditions import fit_open_conditions
from samehand.verification.references import attribution_of
from samehand.verification.verifier import SameHand

Fitted = TypeVar("Fitted", Condition, OpenSetCondition)


def compared(shipped: tuple[Condition, ...], fitted: tuple[Condition, ...]) -> list[str]:
    """Return a Markdown table of the shipped and the refitted lines."""
    both = [{one.kinds: one for one in each} for each in (shipped, fitted)]
    lines = [
        "| condition | neutral score | slope | error rate of eer | of fmr1, from score | artists |",
        "|---|---|---|---|---|---|",
    ]
    for kinds in sorted(both[0].keys() | both[1].keys()):
        cells = []
        for one in (each.get(kinds) for each in both):
            if one is None:
                cells.append(("none",) * 5)
                continue
            line, points = one.calibration, one.calibration.points
            cells.append(
                (
                    f"{-line.intercept / line.slope:.3f}",
                    f"{line.slope:.2f}",
                    f"{points['eer'].error_rate:.3f}",
                    f"{points['fmr1'].error_rate:.3f}, {points['fmr1'].same_at_least:.3f}",
                    f"{line.artists} ({one.collections})",
                )
            )
        told = " | ".join(f"{one} / {two}" for one, two in zip(*cells, strict=True))
        lines.append(f"| {condition_words(kinds)} | {told} |")
    return lines


def open_sets(config: ModelConfig) -> list[str]:
    """Return a Markdown table of a model's open-set rules by condition."""
    lines = ["| condition | hands | far10: false alarms, detected | far1 |", "|---|---|---|---|"]
    assert config.attribution is not None
    for one in config.attribution.by_kinds:
        ten, single = one.open_set.points["far10"], one.open_set.points["far1"]
        lines.append(
            f"| {condition_words(one.kinds)} | {one.hands} ({one.collections}) "
            f"| {ten.false_alarms:.3f}, {ten.detected:.3f} "
            f"| {single.false_alarms:.3f}, {single.detected:.3f} |"
        )
    return lines


def refitted(model: SameHand, held_out: HeldOut, parts: list[str]) -> ModelConfig:
    """Return a model's configuration with parts of it fitted anew."""
    config, comparator = model.folder.config, model.folder.comparator
    # Reduced photographs stand in where a photograph is compared with something smaller, and would
    # make every thumbnail one of a single source.
    both = held_out.pictures, held_out.without("reduced").pictures
    if "conditions" in parts:
        config = replace(
            config, conditions=_chosen(*(fit_conditions(comparator, each) for each in both))
        )
    if "open-sets" in parts:
        rules = replace(attribution_of(model.folder), by_kinds=())
        by_kinds = _chosen(
            *(
                fit_open_conditions(comparator, each, rules, config.calibration, config.conditions)
                for each in both
            )
        )
        config = replace(config, attribution=replace(rules, by_kinds=by_kinds))
    return config


def _chosen(with_reduced: tuple[Fitted, ...], without: tuple[Fitted, ...]) -> tuple[Fitted, ...]:
    """Return what was fitted with reduced photographs where a photograph is one of the two."""
    found = [one for one in with_reduced if any("photograph" in kind for kind in one.kinds)]
    found += [one for one in without if not any("photograph" in kind for kind in one.kinds)]
    return tuple(sorted(found, key=lambda one: one.kinds))


def main() -> None:
    """Fit, and print both tables."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    asked.add_argument("table", type=Path)
    asked.add_argument("--model", default="vit")
    asked.add_argument("--new", choices=["none", "apart", "all"], default="none")
    asked.add_argument("--cache", type=Path)
    asked.add_argument("--without", help="leave a collection out, such as museum")
    asked.add_argument("--parts", nargs="+", default=["conditions", "open-sets"])
    asked.add_argument("--out", type=Path, help="the folder to write, such as the model's own")
    options = asked.parse_args()
    model = SameHand(options.model)
    held_out = read_held_out(model, options.table, options.cache, new=options.new)
    if options.without:
        held_out = held_out.without(options.without)
    config = refitted(model, held_out, options.parts)
    if "conditions" in options.parts:
        print("\n".join([*compared(model.folder.config.conditions, config.conditions), ""]))
    if "open-sets" in options.parts:
        print("\n".join(open_sets(config)))
    if options.out:
        if options.out.resolve() != model.folder.path.resolve():
            shutil.copytree(model.folder.path, options.out, dirs_exist_ok=True)
        write_config(options.out, config)


if __name__ == "__main__":
    main()
