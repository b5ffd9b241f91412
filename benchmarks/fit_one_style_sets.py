"""Give a model folder the rule for reference sets of one style, and leave all else as it is.

    python benchmarks/fit_one_style_sets.py CATALOGUE --model MODEL

Fitted on the catalogue's validation artists, as `samehand calibrate --catalogue` fits all rules.
"""

from dataclasses import replace

from shared import arguments, embeddings_of

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.model.fit import calibration_paintings, sets_within_styles
from samehand.model.folder import write_config


def main() -> None:
    options = arguments(__doc__).parse_args()
    model = SameHand(options.model)
    config = model.folder.config
    if config.attribution is None:
        raise SystemExit(f"{model.folder.path} has no rule for reference sets; calibrate it first")
    rows = calibration_paintings(load_catalogue(options.catalogue))
    works = model.folder.comparator.enrol(embeddings_of(model, rows, options.catalogue))
    rule = sets_within_styles(model.folder.comparator, works, rows, config.one_style)
    attribution = replace(config.attribution, one_style=rule)
    write_config(model.folder.path, replace(config, attribution=attribution))


if __name__ == "__main__":
    main()
