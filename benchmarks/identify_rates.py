r"""How often a rule for open sets names somebody who did not make a picture, before and after.

    python -m benchmarks.identify_rates museum=$SETS/museum.csv amateurs=$SETS/amateurs.csv \
        --model vit --cache work/pbn/embeddings

Each picture is asked of all artists of its table but its own, and of all of them, as in
`benchmarks.identify_loan`, which takes minutes; here embeddings are read from a cache, and copies
are not looked for. "Usual" is the rule of usual pictures, as before rules knew what pictures show.
The tables are those of `python -m benchmarks.validation sets`. Only pictures of the kind that most
of a table's show are asked.
"""

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.validation.measure import PictureSet, read_set
from samehand.records import FalseAlarms
from samehand.scoring.condition_fitting import Pictures
from samehand.scoring.conditions import condition_words, read_pair
from samehand.scoring.openset import Attribution
from samehand.scoring.openset_conditions import probe_llrs
from samehand.verification.known import Weighed, weigh_best
from samehand.verification.references import attribution_of
from samehand.verification.verifier import SameHand

_MOST = 100


def rates(model: SameHand, found: PictureSet, rule: Attribution, threshold: FalseAlarms) -> str:
    """Return what happens to unknown and known hands, as cells of a table."""
    config = model.folder.config
    kind = Counter(found.kind).most_common(1)[0][0]
    reading = read_pair(config.calibration, config.conditions, kind, kind)
    chosen = np.flatnonzero(np.array(found.kind) == kind)
    pictures = Pictures(
        found.enrolled,
        found.artist,
        np.arange(len(found.kind)),
        found.kind,
        np.zeros(len(found.kind), np.int64),
    )
    llrs, artists = probe_llrs(
        model.folder.comparator,
        pictures,
        (chosen, chosen),
        rule.references,
        config.calibration,
        reading,
        _MOST,
    )
    own = found.artist[chosen][:, None] == artists[None]
    false, right = [], []
    refusal = None
    for row, mine in zip(llrs, own, strict=True):
        # All but its own artist, and, if other works of that artist are there, everybody.
        for kept in (~mine, np.isfinite(row)):
            best = int(np.where(kept, row, -np.inf).argmax())
            one = Weighed(
                str(best), float(row[best]), float(row[best]), 1, (kind, kind), reading, None
            )
            said = weigh_best(rule, one, int(kept.sum()), threshold)
            refusal = said.refusal
            if not kept[mine].any():
                false.append(said.named)
            else:
                right.append(said.named and bool(mine[best]))
        if not np.isfinite(row[mine]).all():
            false.pop()  # The artist of a single work was asked about twice.
    if refusal:
        return "refused | refused"
    return f"{np.mean(false):.3f} ({len(false)}) | {np.mean(right):.3f} ({len(right)})"


def main() -> None:
    """Print a table of false alarms and of right names, before and after."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    asked.add_argument("tables", nargs="+", help="NAME=TABLE")
    asked.add_argument("--model", default="vit")
    asked.add_argument("--cache", type=Path)
    options = asked.parse_args()
    model = SameHand(options.model)
    rule = attribution_of(model.folder)
    print("| pictures | threshold | rule | unknown hands named | known hands rightly named |")
    print("|---|---|---|---|---|")
    for given in options.tables:
        name, table = given.split("=", 1)
        found = read_set(model, name, Path(table), None, options.cache)
        kind = Counter(found.kind).most_common(1)[0][0]
        words = f"{name} ({condition_words((kind, kind))})"
        thresholds: tuple[FalseAlarms, ...] = ("far10", "far1")
        for threshold in thresholds:
            for label, used in (("usual", replace(rule, by_kinds=())), ("by kinds", rule)):
                print(
                    f"| {words} | {threshold} | {label} | {rates(model, found, used, threshold)} |"
                )


if __name__ == "__main__":
    main()
