"""`samehand report PROBE --references`: the report on one work and a reference set."""

import json
from collections.abc import Sequence
from typing import Any

from samehand.explain.propositions import set_propositions
from samehand.explain.words import (
    error_rate_in_words,
    one_style_in_words,
    reference_claim_in_words,
    reference_strength,
)
from samehand.model.painting import Painting
from samehand.records import OperatingPoint
from samehand.reporting.case import Case
from samehand.reporting.growth import draw_growth
from samehand.reporting.page import provenance, render
from samehand.reporting.works import facts
from samehand.results import GrowthStep
from samehand.verification.references import attribution_of, distinct_references
from samehand.verification.verifier import SameHand

_PAINTING, _THUMBNAIL = 900, 200
_MILESTONES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)


def references_report(
    model: SameHand,
    probe: Painting,
    references: Sequence[Painting],
    *,
    date: str,
    case: Case | None = None,
    prior: float = 0.5,
    operating_point: OperatingPoint = "eer",
) -> str:
    """Return the report on a work and a reference set as one HTML file without outside references.

    The same works, model, versions and date give the same bytes.

    Args:
        model: The model.
        probe: The doubtful work.
        references: At least one work by one artist.
        date: What stands on the report, for example "2026-11-24".
        case: What its first page says of the case, or None.
        prior: P(by that artist) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.

    Raises:
        SamehandError: `prior` or `operating_point` is not one that exists, or there are no
            references.
        ModelError: The model has no rule for references.
        MissingExtraError: Jinja2 is not installed.
    """
    verdict = model.verify(probe, references, prior=prior, operating_point=operating_point)
    counted, _ = distinct_references(probe, references, model.folder.config)
    values = verdict.to_dict()
    # No two runs take the same time.
    del values["seconds"]
    return render(
        "references.html.j2",
        {
            "date": date,
            "case": case.rows() if case else [],
            "propositions": set_propositions(
                verdict.llr,
                verdict.llr_one_style,
                verdict.refusal is not None,
                verdict.measured_on,
            ),
            "probe": facts(probe, _PAINTING),
            "references": [
                {"work": facts(work, _THUMBNAIL), "said": said}
                for work, said in zip(counted, verdict.references, strict=True)
            ],
            "verdict": verdict,
            "strength": reference_strength(verdict.strength),
            "sentence": reference_claim_in_words(verdict.llr),
            "rate": error_rate_in_words(
                verdict.error_rate, verdict.condition, verdict.measured_on, verdict.refusal
            ),
            "in_style": one_style_in_words(
                verdict.decision_one_style, verdict.error_rate_one_style, "sets"
            ),
            "measured": attribution_of(model.folder).references.steps[-1].references,
            "growth": draw_growth(verdict.growth),
            "milestones": _milestones(verdict.growth),
            "provenance": provenance(model.folder),
            "data": _lines(values),
        },
    )


def _milestones(growth: Sequence[GrowthStep]) -> list[GrowthStep]:
    return [step for step in growth if step.references in (*_MILESTONES, len(growth))]


def _lines(values: dict[str, Any]) -> str:
    """Return JSON with a line for each value, and for each item of a list: it is to be printed."""
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {_line(values[key])}" for key in values) + "\n}"


def _line(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, list | tuple) or not value:
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n]"
