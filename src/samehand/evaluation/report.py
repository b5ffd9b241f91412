"""An evaluation as files: JSON for machines, Markdown and pictures for people."""

import json
import textwrap
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from samehand.evaluation.evaluate import Evaluation, Result
from samehand.evaluation.plots import plot_det, plot_reliability, plot_roc, plot_scores
from samehand.evaluation.promises import promises_markdown, promises_text
from samehand.files import sha256_file, write_text
from samehand.versions import versions

COLUMNS = {
    "auc": "AUC",
    "eer": "EER",
    "balanced_accuracy": "balanced accuracy",
    "fnmr_at_fmr1": "FNMR at FMR 1 %",
    "fnmr_at_fmr0_1": "FNMR at FMR 0.1 %",
    "cllr": "Cllr",
    "min_cllr": "min Cllr",
    "calibration_error": "calibration error",
}

_LEGEND = """\
Every figure has its 95 % interval in brackets, from resampling artists on both sides of the pairs
jointly. Balanced accuracy is taken at a likelihood ratio of 1, a threshold that the validation
artists fixed. EER: equal error rate. FNMR at FMR: share of genuine pairs missed while that share
of impostor pairs is accepted. Cllr: cost of the likelihood ratios in bits, 0 perfect, 1 useless;
its excess over min Cllr is the cost of imperfect calibration. Calibration error: expected error of
the probability at equal priors. The model's pairs are read by the kinds of their two pictures, as
every verdict is; those of kinds that it was not calibrated on are refused, and count with the ratio
that is given for them, which is never beyond 10.
"""


def write_report(evaluation: Evaluation, out: Path, *, catalogue: Path, command: str) -> None:
    """Write report.json, report.md and the pictures into the folder `out`.

    Args:
        evaluation: What was measured.
        out: The folder to fill.
        catalogue: The catalogue folder, whose hash the report names.
        command: The command line that made the figures.

    Raises:
        OutputError: The folder cannot be written.
    """
    systems = {
        name: (evaluation.scores[name], evaluation.labels.same) for name in evaluation.scores
    }
    calibrated = {name: (evaluation.llrs[name], evaluation.labels.same) for name in systems}
    ours = next(iter(systems))
    plot_roc(systems, out / "roc.png")
    plot_det(systems, out / "det.png")
    plot_scores({ours: calibrated[ours]}, out / "scores.png")
    plot_reliability(calibrated, out / "reliability.png")
    markdown = markdown_report(evaluation, command)
    facts: dict[str, Any] = {
        "command": command,
        "model": evaluation.model,
        "protocol": asdict(evaluation.protocol.header),
        "catalogue_sha256": sha256_file(catalogue / "catalogue.parquet"),
        "versions": versions(),
        "results": [asdict(result) for result in evaluation.results],
        "promises": [asdict(promise) for promise in evaluation.promises],
        "markdown": markdown,
    }
    text = json.dumps(without_nan(facts), indent=1, allow_nan=False)
    write_text(out / "report.json", text + "\n")
    write_text(out / "report.md", markdown)


def without_nan(value: Any) -> Any:  # noqa: ANN401
    """Return JSON-ready values with null where there is no number."""
    if isinstance(value, dict):
        return {key: without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(part) for part in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def markdown_report(evaluation: Evaluation, command: str) -> str:
    """Return the evaluation as Markdown tables, one a stratum."""
    header = evaluation.protocol.header
    lines = [
        f"### {header.name}",
        "",
        f"{header.description} {header.pairs:,} pairs ({header.genuine:,} genuine) of "
        f"{header.paintings:,} paintings by {header.artists:,} artists; protocol hash "
        f"`{header.content_hash[:16]}`, model `{evaluation.model}`.",
        "",
        "```",
        command,
        "```",
        "",
    ]
    for stratum in dict.fromkeys(result.stratum for result in evaluation.results):
        rows = [result for result in evaluation.results if result.stratum == stratum]
        lines += [
            f"**{stratum}** ({rows[0].pairs:,} pairs, {rows[0].genuine:,} genuine, "
            f"{rows[0].artists:,} artists)",
            "",
            f"| system | {' | '.join(COLUMNS.values())} |",
            f"|---|{'---|' * len(COLUMNS)}",
            *(_row(result) for result in rows),
            "",
        ]
    return "\n".join([*lines, *promises_markdown(evaluation.promises), _LEGEND])


def terminal_report(evaluation: Evaluation) -> str:
    """Return the evaluation as text of at most 80 columns: a line a figure, a column a system."""
    header = evaluation.protocol.header
    lines = [
        f"{header.name}: {header.pairs:,} pairs ({header.genuine:,} genuine) of "
        f"{header.paintings:,} paintings by {header.artists:,} artists",
        f"model {evaluation.model}, protocol {header.content_hash[:16]}",
        "brackets hold 95 % intervals, from resampling artists",
    ]
    for stratum in dict.fromkeys(result.stratum for result in evaluation.results):
        rows = [result for result in evaluation.results if result.stratum == stratum]
        lines += ["", f"{stratum}: {rows[0].pairs:,} pairs, {rows[0].genuine:,} genuine, "
                      f"{rows[0].artists:,} artists"]  # fmt: skip
        for start in range(0, len(rows), _BESIDE):
            some = rows[start : start + _BESIDE]
            # Names longer than a column go on lines of their own, so that none is cut.
            titles = zip(*(_broken(row.system) for row in some), strict=True)
            lines += ["".join([" " * _LABEL, *(f"{part:<{_CELL}}" for part in line)]).rstrip()
                      for line in titles if any(line)]  # fmt: skip
            lines += [
                "".join(
                    [f"  {title:<{_LABEL - 2}}", *(f"{_cell(row, name):<{_CELL}}" for row in some)]
                ).rstrip()
                for name, title in COLUMNS.items()
            ]
    lines += promises_text(evaluation.promises)
    if any("*" in line for line in promises_text(evaluation.promises)):
        lines.append("  * over what is promised")
    return "\n".join(lines)


_BESIDE, _LABEL, _CELL = 2, 22, 29
"""Systems beside one another, and the widths of a figure's name and of a figure, in characters."""


def _broken(name: str) -> tuple[str, str, str]:
    """Return a system's name in lines that a column holds."""
    found = textwrap.wrap(name, _CELL - 1)[:3]
    one, two, three = (*found, "", "", "")[:3]
    return one, two, three


def _cell(result: Result, name: str) -> str:
    low, high = result.intervals[name]
    return f"{getattr(result.metrics, name):.3f} [{low:.3f}, {high:.3f}]"


def _row(result: Result) -> str:
    cells = [_cell(result, name) for name in COLUMNS]
    return f"| {result.system} | {' | '.join(cells)} |"
