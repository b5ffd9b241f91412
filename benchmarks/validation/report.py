"""Figures and criteria to docs/validation.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.validation.criteria import CRITERIA, Criterion, Metric, passes
from samehand.records import OperatingPoint

Figures = Mapping[Metric, float]


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured on one data set.

    Attributes:
        name: The data set.
        role: Which characteristic it tests: "accuracy" for ordinary pictures, which also stand
            for discriminating power and calibration; "robustness" or "generalisation".
        described: How many pictures, artists and pairs, and what share was refused.
        figures: What was measured.
        promises: By operating point, the promised and the measured share of false matches.
    """

    name: str
    role: str
    described: str
    figures: Figures
    promises: Mapping[OperatingPoint, tuple[float, float]] = field(default_factory=dict)


_GRAPHS = {
    "accuracy": "ECE",
    "discriminating power": "DET",
    "calibration": "Tippett, PAV",
    "robustness": "ECE",
    "coherence": "-",
    "generalisation": "PAV",
}

_ORDINARY = ("accuracy", "discriminating power", "calibration", "coherence")


def validation_report(
    model: str,
    command: str,
    rows: Sequence[Row],
    plots: Sequence[tuple[str, str]],
    notes: Sequence[str],
    picture_folder: str,
) -> str:
    """Return the page.

    Args:
        model: Identity of the model.
        command: What made the page.
        rows: A row for each data set.
        plots: File and caption of each plot.
        notes: What a reader should know of the data sets, a sentence each.
        picture_folder: Where the plots lie, relative to the page.
    """
    judged = [(row, one) for row in rows for one in CRITERIA if _concerns(row, one)]
    failed = sum(not passes(one, row.figures[one.metric]) for row, one in judged)
    lines = [
        "# Validation of the likelihood ratios",
        "",
        f"Model `{model}`. The page is generated, so change the tool and not the text: the command "
        "stands at its foot.",
        "",
        'It follows Meuwly, Ramos and Haraksim (2017), "A guideline for the validation of '
        'likelihood ratio methods used for forensic evidence evaluation", Forensic Science '
        "International 276, and ISO 21043-4. The criteria were written down and committed before "
        "the figures (`benchmarks/validation/criteria.py`); what fails is shown as failed.",
        "",
        f"**{len(judged) - failed} of {len(judged)} criteria are met.**",
        "",
        "H1: one artist made both paintings. H2: two artists made them, the second drawn from the "
        "artists of the same data set.",
        "",
        "## Data",
        "",
        "| data | what it is for | pictures and pairs |",
        "|---|---|---|",
        *(f"| {row.name} | {row.role} | {row.described} |" for row in rows),
        "",
        *(f"- {note}" for note in notes),
        "",
        "## Criteria",
        "",
        "| characteristic | metric | graph | criterion | data | result | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in CRITERIA:
        for row in rows:
            if _concerns(row, one):
                value = row.figures[one.metric]
                lines.append(
                    f"| {one.characteristic} | {one.metric} | {_GRAPHS[one.characteristic]} | at "
                    f"most {one.at_most:g} | {row.name} | {value:.3f} | "
                    f"{'pass' if passes(one, value) else '**fail**'} |"
                )
    lines += [
        "",
        "Why these bounds: "
        + "; ".join(dict.fromkeys(f"{one.metric} {one.at_most:g}, {one.why}" for one in CRITERIA))
        + ".",
        "",
        *_every_condition(rows),
        "## Graphs",
        "",
    ]
    for file, caption in plots:
        lines += [f"![{caption}]({picture_folder}/{file})", "", caption, ""]
    lines += ["## Made by", "", "<!-- not run: needs the test sets -->", "```bash", command, "```"]
    return "\n".join(lines).rstrip() + "\n"


def _every_condition(rows: Sequence[Row]) -> list[str]:
    """Return a table of calibration and of every promise, by data set."""
    points = list(dict.fromkeys(point for row in rows for point in row.promises))
    heads = [f"`{point}`: promised, measured" for point in points]
    lines = [
        "## Every condition",
        "",
        "What is left of Cllr by the best calibration of the same scores, and the share of pairs "
        'by two artists that are decided "same" at each operating point. A measured share above '
        "1.25 times its promise is bold. Within a style only `eer` is offered.",
        "",
        f"| data | EER | Cllr | its minimum | difference | {' | '.join(heads)} |",
        f"|{'---|' * (5 + len(points))}",
    ]
    named: tuple[Metric, ...] = ("EER", "Cllr", "minimum Cllr", "Cllr less its minimum")
    for row in rows:
        cells = [f"{row.figures[one]:.3f}" if one in row.figures else "-" for one in named]
        for point in points:
            if point not in row.promises:
                cells.append("not offered")
                continue
            promised, measured = row.promises[point]
            said = f"{100 * measured:.2f} %"
            kept = measured <= 1.25 * promised
            cells.append(f"{100 * promised:.2f} %, {said if kept else f'**{said}**'}")
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return [*lines, ""] if points else []


def _concerns(row: Row, criterion: Criterion) -> bool:
    if criterion.metric not in row.figures:
        return False
    if row.role == "accuracy":
        return criterion.characteristic in _ORDINARY
    return criterion.characteristic == row.role
