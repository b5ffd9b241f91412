"""The model card that lies in every model folder, written from what was measured."""

from typing import Any

from samehand.model.folder import ModelConfig

_USES = """\
## What it is for

Ranking and triage: which works deserve an expert's eye, which catalogued attributions look odd,
which of two hands a reproduction resembles more. It reads photographs of paintings.

## What it is not for

Authentication, valuation or legal evidence. It has no knowledge of materials, provenance or
dates; a good copy, a pupil trained to paint like the master, or a forger may score as the same
hand, and an artist who changed manner may score as two. It was made from paintings only: prints,
sculpture, text and photographs of anything else are outside its domain.
"""


def model_card(config: ModelConfig, report: str | None = None) -> str:
    """Return the card as Markdown.

    Args:
        config: The model's configuration.
        report: The Markdown of `samehand evaluate` on test artists, once there is one.
    """
    training = config.training
    calibration = config.calibration
    lines = [
        f"# {config.name}",
        "",
        "Says how strongly two images of paintings speak for one artist or for two.",
        "",
        _USES,
        "## How it was made",
        "",
        *(_run(config, facts) for facts in (training, *training.get("joined_with", ()))),
        f"- Trained on {training['training_paintings']:,} paintings by "
        f"{training['training_artists']:,} artists; catalogue SHA-256 "
        f"`{training['catalogue_sha256'][:16]}`.",
        f"- Calibrated on {calibration.genuine_pairs:,} genuine and "
        f"{calibration.impostor_pairs:,} impostor pairs by {calibration.artists:,} artists "
        f"{_held_out(training)}.",
        f"- Input: {len(config.views)} view(s) ({', '.join(config.views)}) of "
        f"{config.size} x {config.size} pixels; comparator: {_comparator(config)}.",
        f"- Versions: {', '.join(f'{k} {v}' for k, v in training['versions'].items())}.",
        *(f"- {note}" for note in training.get("notes", ())),
        "",
        "## Decisions and their measured error rates (calibration artists)",
        "",
        "| operating point | error rate | same at score | different at score |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {point.error_rate:.3f} | >= {point.same_at_least:.3f} "
        f"| <= {point.different_at_most:.3f} |"
        for name, point in calibration.points.items()
    ]
    lines += [
        "",
        f"Likelihood ratios are cut off at 10^{calibration.lower:.2f} and "
        f"10^{calibration.upper:.2f}: more is not supported by that many artists.",
        "",
    ]
    if config.one_style is not None:
        lines += [
            f"Against another artist of the same style: {config.one_style.genuine_pairs:,} genuine "
            f"and {config.one_style.impostor_pairs:,} impostor pairs of one style, cut off at "
            f"10^{config.one_style.lower:.2f} and 10^{config.one_style.upper:.2f}.",
            "",
        ]
    if report is not None:
        lines += ["## Measured on test artists", "", report.strip(), ""]
    return "\n".join(lines)


def _held_out(training: dict[str, Any]) -> str:
    if folds := training.get("folds"):
        return (
            f"of the training set in {folds} folds, each embedded by discriminants and compared "
            "with a cohort that were fitted on the other folds"
        )
    return "that are neither in the training set nor in the test set"


def _comparator(config: ModelConfig) -> str:
    if config.pairwise:
        return "a network that learned to compare two encodings; the score is its logit"
    return f"cosine, normalisation `{config.normalisation}` with {config.neighbours} neighbours"


def _run(config: ModelConfig, facts: dict[str, Any]) -> str:
    recipe, epoch = facts["recipe"], facts["best"]["epoch"]
    if recipe.get("kind") == "distilled":
        helped = ", beside the artists' names" if recipe["labels"] else ""
        return (
            f"- Network `{recipe['name']}`, seed {recipe['seed']}: learned from "
            f"`{recipe['teacher']}` where it places paintings{helped}, in {recipe['steps']:,} "
            f"steps of {recipe['batch']} pictures; it started from `{recipe['started_from']}`."
        )
    if recipe.get("stages") == []:
        return (
            f"- Recipe: `{recipe['name']}`, seed {recipe['seed']}; the backbone stays as it was "
            "pretrained, and linear discriminants are fitted behind it."
        )
    why = (
        "the last"
        if recipe.get("keep") == "last"
        else f"the best by validation {_monitored(config)}"
    )
    return (
        f"- Recipe: `{recipe['name']}`, seed {recipe['seed']}; the weights of epoch {epoch}, {why}."
    )


def _monitored(config: ModelConfig) -> str:
    return "accuracy on balanced pairs" if config.pairwise else "AUC"
