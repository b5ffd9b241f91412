"""What the API answers with, as OpenAPI describes it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from samehand.records import Decision, OperatingPoint, Verdict
from samehand.serving.findings import Stance

EXAMPLE: dict[str, Any] = {
    "left": "a.jpg",
    "right": "b.jpg",
    "score": 0.13,
    "llr": 1.54,
    "probability": 0.972,
    "prior": 0.5,
    "decision": "same",
    "operating_point": "eer",
    "error_rate": 0.206,
    "strength": "moderate support for the same artist",
    "llr_one_style": 0.81,
    "warnings": ["right image: only 80 x 64 pixels, so brushwork is lost"],
    "model": "lite@e8c16500d1d8",
    "seconds": 0.11,
}


class Comparison(BaseModel):
    """The verdict on two images; the same values as `samehand compare --json` prints."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    left: Annotated[str, Field(description="The name of the left file.")]
    right: Annotated[str, Field(description="The name of the right file.")]
    score: Annotated[float, Field(description="Raw similarity; comparable within one model only.")]
    llr: Annotated[
        float, Field(description="log10 of P(images | one artist) / P(images | two artists).")
    ]
    probability: Annotated[
        float, Field(ge=0, le=1, description="P(one artist), once the llr has updated the prior.")
    ]
    prior: Annotated[float, Field(gt=0, lt=1, description="P(one artist) before looking.")]
    decision: Annotated[Decision, Field(description="At the operating point.")]
    operating_point: OperatingPoint
    error_rate: Annotated[
        float, Field(ge=0, le=1, description="Measured on artists the model had never seen.")
    ]
    strength: Annotated[str, Field(description="The llr on the ENFSI verbal scale.")]
    llr_one_style: Annotated[
        float | None,
        Field(description="The llr against another artist of the same style, where it is known."),
    ]
    warnings: Annotated[list[str], Field(description="Reasons to trust this verdict less.")]
    model: Annotated[str, Field(description="Name and hash of the model that answered.")]
    seconds: Annotated[float, Field(ge=0, description="Time spent on this verdict.")]

    @classmethod
    def of(cls, left: str, right: str, verdict: Verdict) -> "Comparison":
        """Return the answer about two files of these names."""
        return cls(left=left, right=right, **verdict.to_dict())


class ComparisonWithEvidence(Comparison):
    """The verdict on two images, and what it rests on."""

    evidence: Annotated[
        dict[str, Any] | None,
        Field(
            description="`matches` of regions, each with `left`, `right` (edges in fractions of "
            "the sides) and `rarity`; of each side, the maps `unusual` and `influence` as rows "
            "from the top, and `neighbours`, its nearest works of `gallery` as a search gives "
            "them; `context`, the score among pairs whose answer is known."
        ),
    ]


class Reference(BaseModel):
    """What one reference says."""

    name: str
    llr: Annotated[float, Field(description="Of the probe and this reference alone.")]
    stance: Stance
    coherence: Annotated[
        float | None, Field(description="llr of this reference with all the others.")
    ]
    odd: Annotated[bool, Field(description="Whether it does not belong with the others.")]


class Growth(BaseModel):
    """The evidence if there were only so many of the references."""

    references: int
    llr: Annotated[float, Field(description="Mean over the sets of so many that were tried.")]
    lowest: float
    highest: float
    error_rate: float


class ReferenceAnswer(BaseModel):
    """The verdict on a doubtful work beside works by one artist; as `samehand verify --json`."""

    probe: Annotated[str, Field(description="The name of the doubtful work's file.")]
    score: float
    llr: Annotated[float, Field(description="log10 of P(works | by that artist) / P(by another).")]
    probability: Annotated[float, Field(ge=0, le=1)]
    prior: Annotated[float, Field(gt=0, lt=1)]
    decision: Decision
    operating_point: OperatingPoint
    error_rate: Annotated[float, Field(ge=0, le=1)]
    strength: str
    references: list[Reference]
    growth: list[Growth]
    coherent: Annotated[bool, Field(description="Whether no reference is odd.")]
    warnings: list[str]
    model: str
    seconds: float


class Health(BaseModel):
    """That the server answers, and with which model."""

    status: Annotated[str, Field(examples=["ok"])]
    model: Annotated[str, Field(examples=[EXAMPLE["model"]])]
    version: Annotated[str, Field(examples=["0.1.0"])]


class Problem(BaseModel):
    """Why there is no answer, in one sentence."""

    detail: Annotated[
        str, Field(examples=["a.jpg is cut short or damaged; download or copy it again"])
    ]
